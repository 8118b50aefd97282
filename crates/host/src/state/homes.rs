//! Where the states of tests live: what holds for one engine is shown for both.

use parlor_testkit::Schema;

use super::{Database, Place, State};

/// A place for a state, which goes with it.
#[derive(Debug)]
pub(super) enum Home {
    File(tempfile::TempDir),
    Database(Schema),
}

impl Home {
    pub(super) fn file() -> Self {
        Self::File(tempfile::tempdir().unwrap())
    }

    pub(super) fn database() -> Self {
        Self::Database(Schema::new())
    }

    /// An empty one of the same kind.
    pub(super) fn another(&self) -> Self {
        match self {
            Self::File(_) => Self::file(),
            Self::Database(_) => Self::database(),
        }
    }

    pub(super) fn place(&self) -> Place {
        match self {
            Self::File(folder) => Place::File(folder.path().join("host.db")),
            Self::Database(schema) => Place::Database(Database::new(&schema.address(), None, None).unwrap()),
        }
    }

    pub(super) async fn open(&self) -> State {
        State::open(self.place()).await.unwrap()
    }
}

/// Makes two tests of each function: with a state in a file, and with one in PostgreSQL.
macro_rules! on_both_engines {
    ($($test:ident),* $(,)?) => {
        mod file {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::state::homes::Home::file()).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::state::homes::Home::database()).await;
            })*
        }
    };
}
pub(super) use on_both_engines;
