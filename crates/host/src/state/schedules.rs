//! Which due times of a schedule are decided.

use rusqlite::{OptionalExtension, params};

use super::inbox::{self, NewInput};
use super::ledger::NewEntry;
use super::{State, StateError};

impl State {
    /// The last due time that was decided, milliseconds since the Unix epoch; `None` for a new schedule.
    pub(crate) async fn decided(
        &self,
        instance: String,
        schedule: String,
    ) -> Result<Option<i64>, StateError> {
        self.call(move |connection| {
            connection
                .prepare_cached("SELECT decided FROM schedule WHERE instance = ?1 AND schedule = ?2")?
                .query_row(params![instance, schedule], |row| row.get(0))
                .optional()
        })
        .await
    }

    /// Decides everything due up to `decided`: `fires` go to the inbox, the rest was skipped by policy, which `entries`
    /// tell the ledger.
    pub(crate) async fn decide(
        &self,
        instance: String,
        schedule: String,
        decided: i64,
        fires: Vec<NewInput>,
        entries: Vec<NewEntry>,
        at: i64,
    ) -> Result<(), StateError> {
        let ledger = self.ledger;
        self.call(move |connection| {
            for fire in &fires {
                inbox::accept(connection, ledger, fire, at)?;
            }
            ledger.record(connection, &entries, at)?;
            connection
                .prepare_cached(
                    "INSERT INTO schedule (instance, schedule, decided) VALUES (?1, ?2, ?3)
                     ON CONFLICT (instance, schedule) DO UPDATE SET decided = max(decided, excluded.decided)",
                )?
                .execute(params![instance, schedule, decided])?;
            Ok(())
        })
        .await
    }
}
