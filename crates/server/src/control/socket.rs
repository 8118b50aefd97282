//! The Unix socket of the control interface: the owner's alone, replaced when stale, refused while another server has
//! it.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::UnixListener;

use super::routes;
use crate::server::StartError;
use crate::service::Service;

/// An open control socket; the lock beside it is held as long as this lives.
#[derive(Debug)]
pub(crate) struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
    _lock: File,
}

impl ControlSocket {
    /// Opens the socket at `path`. A socket that a dead server left is replaced.
    pub(crate) fn open(path: &Path) -> Result<Self, StartError> {
        let failed = |source| StartError::Control {
            path: path.to_owned(),
            source,
        };
        let lock = lock(path).map_err(|error| match error {
            TryLockError::WouldBlock => StartError::AlreadyRunning {
                path: path.to_owned(),
            },
            TryLockError::Error(error) => failed(error),
        })?;
        let listener = bind(path).map_err(failed)?;
        Ok(Self {
            listener,
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Answers requests until the server stops.
    pub(crate) async fn serve(self, service: Arc<Service>) {
        let stopping = service.stopping.clone();
        let router = routes::router(service);
        tracing::info!(path = %self.path.display(), "control socket");
        let served = axum::serve(self.listener, router)
            .with_graceful_shutdown(async move { stopping.cancelled().await })
            .await;
        if let Err(error) = served {
            tracing::error!(%error, "control socket failed");
        }
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, "control socket was gone");
        }
    }
}

/// A lock file rather than a look at the socket: two servers started at once cannot both win.
fn lock(path: &Path) -> Result<File, TryLockError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let open = || {
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&name)
    };
    let file = open().map_err(TryLockError::Error)?;
    file.try_lock()?;
    Ok(file)
}

/// Made with its final mode in a folder only we can enter and then moved in place, so that nobody else gets in between,
/// and a stale socket is replaced in one step.
fn bind(path: &Path) -> io::Result<UnixListener> {
    if path
        .symlink_metadata()
        .is_ok_and(|found| !std::os::unix::fs::FileTypeExt::is_socket(&found.file_type()))
    {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "the path is taken by something that is no socket",
        ));
    }
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."));
    let private = parent.join(format!(".parlor-{}", std::process::id()));
    DirBuilder::new().mode(0o700).create(&private)?;
    let bound = bind_in(&private, path);
    let removed = std::fs::remove_dir_all(&private);
    let listener = bound?;
    removed?;
    Ok(listener)
}

fn bind_in(private: &Path, path: &Path) -> io::Result<UnixListener> {
    let fresh = private.join("s");
    let listener = UnixListener::bind(&fresh)?;
    std::fs::set_permissions(&fresh, Permissions::from_mode(0o600))?;
    std::fs::rename(&fresh, path)?;
    Ok(listener)
}
