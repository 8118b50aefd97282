//! The `[host.database]` table: where the hosts of a pool keep the state that they share.

use std::fmt;
use std::time::Duration;

use parlor_host::{Database, DatabaseError};

use super::document::Section;
use super::password::{self, Named};
use crate::failure::chain;

/// A shorter lease would end while a database is merely busy.
const SHORTEST_LEASE: Duration = Duration::from_secs(2);

/// A database that hosts share.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DatabaseSettings {
    address: String,
    password: Option<String>,
    /// PEM of the authorities that may vouch for it.
    roots: Option<Vec<u8>>,
    /// How long a host that is not heard of keeps what it leads.
    pub(crate) lease: Duration,
}

impl DatabaseSettings {
    pub(crate) fn database(&self) -> Result<Database, DatabaseError> {
        Database::new(&self.address, self.password.as_deref(), self.roots.as_deref())
    }
}

/// Without the password.
impl fmt::Debug for DatabaseSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DatabaseSettings")
            .field("address", &self.address)
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}

pub(super) fn read(section: &Section<'_, '_>) -> Option<DatabaseSettings> {
    let table = section.section("database")?;
    let address: Option<String> = table.required("address");
    let password = match password::read(&table) {
        Named::It(password) => Some(password),
        Named::Not | Named::Wrong => None,
    };
    let roots = table.path("roots").and_then(|path| {
        let read = std::fs::read(&path);
        let told = |error| table.problem("roots", format!("cannot read {}: {error}", path.display()), None);
        read.map_err(told).ok()
    });
    let lease = table.or("lease", parlor_host::Tuning::default().lease);
    if lease < SHORTEST_LEASE {
        table.problem("lease", "must be at least 2s", None);
    }
    table.finish();
    let settings = DatabaseSettings {
        address: address?,
        password,
        roots,
        lease,
    };
    if let Err(error) = settings.database() {
        let (key, help) = match error {
            DatabaseError::Authorities(_) => ("roots", None),
            DatabaseError::Password => {
                let help = "take it out of `address` and add `password_file` or `password_env`";
                ("address", Some(help.to_owned()))
            }
            _ => ("address", None),
        };
        table.problem(key, chain(&error), help);
    }
    Some(settings)
}
