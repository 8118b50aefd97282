//! How much waits in the state, for whom and since when: what health is measured by.

use super::db::{Db, DbError, Row, values};
use super::{State, StateError};

/// Groups of waiting posts told apart; instances in rooms are fewer, and the oldest come first.
const GROUPS: i64 = 4_096;

/// What waits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Backlog {
    /// Posts on their way, those that have waited longest first.
    pub(crate) posts: Vec<Waiting>,
    /// Events that were accepted and are not handled, by instance; their room is empty.
    pub(crate) events: Vec<Waiting>,
    /// Posts given up.
    pub(crate) dead: u64,
    /// Entries of the ledger, about: the numbers between its first and its last.
    pub(crate) ledger_entries: u64,
    /// The size of the state file without its log.
    pub(crate) bytes: u64,
}

/// What waits for one instance, in one room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) instance: String,
    /// As the outbox spells it.
    pub(crate) room: String,
    pub(crate) count: u64,
    /// When the oldest came, milliseconds since the Unix epoch.
    pub(crate) oldest: i64,
}

/// Who has something waiting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct WhoWaits {
    /// Endpoints and rooms with posts.
    pub(crate) posts: Vec<(String, String)>,
    /// Instances with events.
    pub(crate) events: Vec<String>,
}

impl State {
    /// Who has something waiting now.
    pub(crate) async fn who_waits(&self) -> Result<WhoWaits, StateError> {
        self.call(|db| {
            let posts = "SELECT DISTINCT endpoint, room FROM outbox WHERE status = 'waiting'";
            Ok(WhoWaits {
                posts: db.query(posts, values![], |row| Ok((row.get(0)?, row.get(1)?)))?,
                events: db.query("SELECT DISTINCT instance FROM inbox", values![], |row| row.get(0))?,
            })
        })
        .await
    }

    /// What waits now.
    pub(crate) async fn backlog(&self) -> Result<Backlog, StateError> {
        self.call(|db| {
            Ok(Backlog {
                posts: groups(
                    db,
                    "SELECT count(*), instance, room, min(created) FROM outbox WHERE status = 'waiting'
                     GROUP BY instance, room ORDER BY min(created) LIMIT ?1",
                )?,
                events: groups(
                    db,
                    "SELECT count(*), instance, '', min(created) FROM inbox
                     GROUP BY instance ORDER BY min(created) LIMIT ?1",
                )?,
                dead: db.count("SELECT count(*) FROM outbox WHERE status = 'dead'", values![])?,
                // Counting a million rows would take the time of many commits.
                ledger_entries: db.count(
                    "SELECT coalesce(max(seq) - min(seq) + 1, 0) FROM ledger",
                    values![],
                )?,
                bytes: db.bytes()?,
            })
        })
        .await
    }
}

fn groups(db: &Db, sql: &str) -> Result<Vec<Waiting>, DbError> {
    db.query(sql, values![GROUPS], waiting)
}

fn waiting(row: &Row<'_>) -> Result<Waiting, DbError> {
    Ok(Waiting {
        count: row.get::<i64>(0)?.unsigned_abs(),
        instance: row.get(1)?,
        room: row.get(2)?,
        oldest: row.get(3)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::LedgerStatus;
    use crate::state::{Handled, NewEntry, NewPost};

    fn post(key: &str, room: &str) -> NewPost {
        NewPost {
            key: key.to_owned(),
            user: "sip:bot@example.com".to_owned(),
            room: room.to_owned(),
            cause: key.to_owned(),
            ordinal: 0,
            body: "{}".to_owned(),
            shown: room.to_owned(),
            excerpt: String::new(),
        }
    }

    #[tokio::test]
    async fn what_waits_is_told_by_instance_and_room_with_its_age() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path().join("host.db")).await.unwrap();
        let empty = state.backlog().await.unwrap();
        assert_eq!(
            (empty.posts, empty.events, empty.ledger_entries),
            (vec![], vec![], 0)
        );
        for (at, key, room) in [(10, "a", "news"), (20, "b", "news"), (5, "c", "help")] {
            let handled = Handled {
                instance: "bot".to_owned(),
                posts: vec![post(key, room)],
                at,
                ..Handled::default()
            };
            state.commit(handled).await.unwrap();
        }
        let entry = NewEntry::new("bot", "c", LedgerStatus::Dead);
        state
            .dead(3, "refused".to_owned(), vec![entry], 30)
            .await
            .unwrap();
        let backlog = state.backlog().await.unwrap();
        let waiting = Waiting {
            instance: "bot".to_owned(),
            room: "news".to_owned(),
            count: 2,
            oldest: 10,
        };
        assert_eq!(backlog.posts, [waiting]);
        assert_eq!(
            (backlog.dead, backlog.ledger_entries),
            (1, 4),
            "three queued, one dead"
        );
        assert!(backlog.bytes > 0);
    }
}
