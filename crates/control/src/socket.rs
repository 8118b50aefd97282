//! The Unix socket: the owner's alone, replaced when stale, refused while another process has it.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use axum::Router;
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;

/// Why a control socket could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SocketError {
    /// The socket could not be made.
    #[error("cannot open the control socket {}", path.display())]
    Open {
        /// Its path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process answers on it.
    #[error("another process answers on {}", path.display())]
    InUse {
        /// Its path.
        path: PathBuf,
    },
}

/// An open control socket; the lock beside it is held as long as this lives.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    _lock: Lock,
}

impl Socket {
    /// Opens the socket at `path`. A socket that a dead process left is replaced.
    ///
    /// # Errors
    /// [`SocketError`].
    pub fn open(path: &Path) -> Result<Self, SocketError> {
        let failed = |source| SocketError::Open {
            path: path.to_owned(),
            source,
        };
        let lock = lock(path).map_err(|error| match error {
            TryLockError::WouldBlock => SocketError::InUse {
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

    /// Answers requests until `stopping` is cancelled, then takes the socket away.
    pub async fn serve(self, router: Router, stopping: CancellationToken) {
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

/// The lock beside a socket.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a program that is just being started by this one has the file open for a moment, too.
        let _ended_with_the_file = self.0.unlock();
    }
}

/// A lock file rather than a look at the socket: two processes started at once cannot both win.
fn lock(path: &Path) -> Result<Lock, TryLockError> {
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
    Ok(Lock(file))
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
