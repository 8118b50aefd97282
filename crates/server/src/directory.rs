//! The directory that every task reads, and the one way to change it: checked, stored, then believed.
//! The rules of a change are `parlor_rooms`'.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use parlor_rooms::{Actor, Change, Directory, Edit, Inconsistent, Refusal, Store, StoreError};

/// The directory in memory in front of its store.
#[derive(Debug)]
pub(crate) struct SharedDirectory {
    current: RwLock<Directory>,
    /// Held by whoever changes something, from the check until it is stored and believed.
    writer: tokio::sync::Mutex<()>,
    store: Arc<dyn Store>,
}

/// Why the directory could not be loaded or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// What is stored breaks the rules.
    #[error("the stored directory is inconsistent")]
    Inconsistent(#[from] Inconsistent),
    /// The rules do not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It could not be stored; nothing has changed, unless the outcome is uncertain.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl SharedDirectory {
    pub(crate) async fn load(store: Arc<dyn Store>) -> Result<Self, DirectoryError> {
        let directory = Directory::from_snapshot(store.load().await?)?;
        Ok(Self {
            current: RwLock::new(directory),
            writer: tokio::sync::Mutex::new(()),
            store,
        })
    }

    /// The directory as it is now. Hold it for a look-up, never over an await.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Directory> {
        self.current.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the directory as the operator; `edit` is made on the state that will be changed.
    ///
    /// Not cancel safe: run it in a task of its own, or memory may fall behind the store.
    pub(crate) async fn edit<E: From<Refusal>>(
        &self,
        edit: impl FnOnce(&Directory) -> Result<Edit, E> + Send,
    ) -> Result<Vec<Change>, EditError<E>> {
        let _writer = self.writer.lock().await;
        let changes = {
            let directory = self.read();
            let edit = edit(&directory).map_err(EditError::Refused)?;
            directory
                .plan(Actor::Operator, edit)
                .map_err(|refusal| EditError::Refused(refusal.into()))?
        };
        if changes.is_empty() {
            return Ok(changes);
        }
        if let Err(error) = self.store.apply(changes.clone()).await {
            if matches!(error, StoreError::Uncertain(_)) {
                self.reload().await;
            }
            return Err(EditError::Store(error));
        }
        self.current
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .apply(&changes);
        Ok(changes)
    }

    /// Believes the store when it is not known whether a change is in it.
    async fn reload(&self) {
        match self
            .store
            .load()
            .await
            .map_err(DirectoryError::from)
            .and_then(|snapshot| Directory::from_snapshot(snapshot).map_err(DirectoryError::from))
        {
            Ok(directory) => *self.current.write().unwrap_or_else(PoisonError::into_inner) = directory,
            Err(error) => {
                tracing::error!(%error, "the directory could not be read again after an uncertain change")
            }
        }
    }
}

/// Why an edit failed; `E` is what the caller refuses with.
#[derive(Debug)]
pub(crate) enum EditError<E> {
    Refused(E),
    Store(StoreError),
}
