//! The ledger of a host that does not run: its state, opened for reading only.

use super::{Place, State, StateError};
use crate::ledger::{LedgerEntry, LedgerQuery};

/// A state, opened to read its ledger. A host may run on it meanwhile.
#[derive(Debug)]
pub struct LedgerReader {
    state: State,
}

impl LedgerReader {
    /// Opens the state at `place`; a file must exist.
    ///
    /// # Errors
    /// [`StateError::TooOld`] when no version with a ledger has run on it, [`StateError::TooNew`], and what the database
    /// says.
    pub async fn open(place: Place) -> Result<Self, StateError> {
        let state = State::opened(move || place.open_to_read()).await?;
        Ok(Self { state })
    }

    /// Entries of the ledger, oldest first.
    ///
    /// # Errors
    /// [`StateError`].
    pub async fn ledger(&self, query: &LedgerQuery) -> Result<Vec<LedgerEntry>, StateError> {
        self.state.ledger(query.clone()).await
    }

    /// Everything the ledger tells about one thing, as [`crate::Host::ledger_about`] does.
    ///
    /// # Errors
    /// [`StateError`].
    pub async fn ledger_about(&self, what: &str) -> Result<Vec<LedgerEntry>, StateError> {
        self.state.ledger_about(what.to_owned()).await
    }
}

#[cfg(test)]
mod tests {
    use super::LedgerReader;
    use crate::Place;
    use crate::ledger::{LedgerQuery, LedgerStatus};
    use crate::state::{NewEntry, State, StateError};

    #[tokio::test]
    async fn a_stopped_and_a_running_hosts_ledger_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::File(folder.path().join("host.db"));
        assert!(matches!(
            LedgerReader::open(place.clone()).await,
            Err(StateError::Open { .. })
        ));
        let state = State::open(place.clone()).await.unwrap();
        let entry = NewEntry::new("news", "feed:f:1", LedgerStatus::Seen);
        state.note(vec![entry], 1).await.unwrap();
        let running = LedgerReader::open(place.clone()).await.unwrap();
        assert_eq!(running.ledger_about("feed:f:1").await.unwrap().len(), 1);
        drop(running);
        state.close().await;
        let stopped = LedgerReader::open(place.clone()).await.unwrap();
        assert_eq!(stopped.ledger(&LedgerQuery::default()).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_file_without_a_ledger_is_said_to_be_too_old() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("host.db");
        State::open(path.clone()).await.unwrap().close().await;
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        drop(connection);
        let opened = LedgerReader::open(Place::File(path)).await;
        assert!(matches!(opened, Err(StateError::TooOld { .. })));
    }
}
