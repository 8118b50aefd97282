//! Feeds from files on this machine.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::SystemTime;

use super::Validators;
use super::error::FeedError;
use super::fetch::{Advice, MAX_BYTES, Raw};

/// Reads the file when it has changed since `validators` were made. Blocks.
pub(super) fn read(path: &Path, validators: &Validators) -> Result<Raw, FeedError> {
    let failed = |source| FeedError::File {
        path: path.to_owned(),
        source,
    };
    // Asked before it is opened: opening a pipe would wait for its other end.
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(failed(io::Error::from(io::ErrorKind::InvalidInput)));
    }
    let changed = metadata.modified().map_err(failed)?;
    let since = changed.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let version = format!(
        "{}.{:09} {}",
        since.as_secs(),
        since.subsec_nanos(),
        metadata.len()
    );
    if validators.last_modified.as_deref() == Some(&version) {
        return Ok(Raw::NotModified {
            advice: Advice::default(),
        });
    }
    let mut bytes = Vec::new();
    File::open(path)
        .map_err(failed)?
        .take(MAX_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() > MAX_BYTES {
        return Err(FeedError::Large);
    }
    let validators = Validators {
        etag: None,
        last_modified: Some(version),
    };
    Ok(Raw::Changed {
        validators,
        bytes,
        base: None,
        charset: None,
        advice: Advice::default(),
    })
}
