//! The typed client of a host's control interface, for the command line and for tests.

use std::path::{Path, PathBuf};

use parlor_control::{ClientError, Method, escape};

use crate::ledger::{LedgerEntry, LedgerQuery, Retried, Retry};
use crate::status::Status;

/// Speaks to the control socket of a running host; one connection per request.
#[derive(Debug, Clone)]
pub struct Client {
    control: parlor_control::Client,
}

impl Client {
    /// A client of the host whose socket is at `path`; nothing is opened yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            control: parlor_control::Client::new(path),
        }
    }

    /// The socket's path.
    pub fn path(&self) -> &Path {
        self.control.path()
    }

    /// How the host is doing.
    ///
    /// # Errors
    /// [`ClientError`], also for all further calls.
    pub async fn status(&self) -> Result<Status, ClientError> {
        self.control.get("/status").await
    }

    /// Entries of the ledger, oldest first.
    pub async fn ledger(&self, query: &LedgerQuery) -> Result<Vec<LedgerEntry>, ClientError> {
        self.control.send(Method::POST, "/ledger/query", query).await
    }

    /// Everything the ledger tells about an item, an address or a message id.
    pub async fn ledger_about(&self, what: &str) -> Result<Vec<LedgerEntry>, ClientError> {
        self.control.get(&format!("/ledger/about/{}", escape(what))).await
    }

    /// Gives dead posts and quarantined events another chance.
    pub async fn retry(&self, retry: &Retry) -> Result<Retried, ClientError> {
        self.control.send(Method::POST, "/ledger/retry", retry).await
    }
}
