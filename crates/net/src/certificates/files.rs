//! Files as such: noticing changes, writing secrets atomically, one process at a time in a folder.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::CertificateError;

/// What tells one state of a file from the next without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    number: u64,
}

impl Stamp {
    /// The file's stamp now, following links (as certbot and Kubernetes switch them); `None` when there is no file.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self {
            modified: metadata.modified().ok(),
            length: metadata.len(),
            number: inode(&metadata),
        })
    }
}

#[cfg(unix)]
fn inode(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_metadata: &std::fs::Metadata) -> u64 {
    0
}

/// Makes a folder, with its parents, that only its owner may enter; one that exists is left as it is.
pub(super) fn make_private_folder(folder: &Path) -> Result<(), CertificateError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|source| CertificateError::Write {
        path: folder.into(),
        source,
    })
}

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readers {
    Owner,
    Everybody,
}

/// Replaces a file in one step: a reader sees the old content or the new one, never a part, not even after a crash.
pub(super) fn write(path: &Path, content: &[u8], readers: Readers) -> Result<(), CertificateError> {
    let temporary = temporary_beside(path);
    write_new(&temporary, content, readers)
        .and_then(|()| std::fs::rename(&temporary, path))
        .and_then(|()| {
            path.parent()
                .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
        })
        .map_err(|source| {
            let _ = std::fs::remove_file(&temporary);
            CertificateError::Write {
                path: path.into(),
                source,
            }
        })
}

/// The folder's lock keeps two processes from using the name at the same time; what a crash left is overwritten.
fn temporary_beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

fn write_new(path: &Path, content: &[u8], readers: Readers) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(
        &mut options,
        match readers {
            Readers::Owner => 0o600,
            Readers::Everybody => 0o644,
        },
    );
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Held while a process changes a folder; the system lets go of it when the process dies.
#[derive(Debug)]
pub(super) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Waits for the lock. Those who hold it only write a few small files.
    pub(super) fn take(folder: &Path) -> Result<Self, CertificateError> {
        let path = folder.join(".lock");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
            .open(&path)
            .and_then(|file| file.lock().map(|()| Self { _file: file }))
            .map_err(|source| CertificateError::Write { path, source })
    }
}
