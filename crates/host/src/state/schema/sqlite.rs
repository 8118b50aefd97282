//! The layout of the state file, counted by `user_version`.

use rusqlite::Connection;

/// One step per released layout; step `n` takes a file from version `n` to `n + 1`. Steps are never edited.
pub(super) const STEPS: &[&str] = &[LAYOUT_1, LAYOUT_2, LAYOUT_3, LAYOUT_4, LAYOUT_5, LAYOUT_6];

const LAYOUT_1: &str = "
-- the last message of a room that an instance has dealt with
CREATE TABLE cursor (
    instance TEXT NOT NULL,
    room     TEXT NOT NULL,
    message  INTEGER NOT NULL,
    PRIMARY KEY (instance, room)
) WITHOUT ROWID;

-- values a bot keeps, JSON
CREATE TABLE bot_value (
    instance TEXT NOT NULL,
    name     TEXT NOT NULL,
    value    TEXT NOT NULL,
    PRIMARY KEY (instance, name)
) WITHOUT ROWID;

-- posts that handlers have asked for; kept after delivery for a while, to tell what was said and why
CREATE TABLE outbox (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    post_key     TEXT NOT NULL,
    instance     TEXT NOT NULL,
    user         TEXT NOT NULL,
    room         TEXT NOT NULL,
    cause        TEXT NOT NULL,
    ordinal      INTEGER NOT NULL,
    body         TEXT NOT NULL,
    status       TEXT NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'delivered', 'dead')),
    attempts     INTEGER NOT NULL DEFAULT 0,
    created      INTEGER NOT NULL,
    finished     INTEGER,
    message      INTEGER,
    reason       TEXT,
    UNIQUE (user, room, post_key)
);
CREATE INDEX outbox_waiting ON outbox (user, room, seq) WHERE status = 'waiting';
CREATE INDEX outbox_finished ON outbox (finished) WHERE status <> 'waiting';

-- events accepted for an instance but not handled yet: feed items and schedule fires
CREATE TABLE inbox (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    instance TEXT NOT NULL,
    source   TEXT NOT NULL,
    cause    TEXT NOT NULL,
    event    TEXT NOT NULL,
    created  INTEGER NOT NULL,
    UNIQUE (instance, cause)
);
CREATE INDEX inbox_order ON inbox (instance, source, seq);

-- events that made a handler fail again and again
CREATE TABLE quarantine (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    instance TEXT NOT NULL,
    source   TEXT NOT NULL,
    cause    TEXT NOT NULL,
    event    TEXT NOT NULL,
    reason   TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    at       INTEGER NOT NULL
);
CREATE INDEX quarantine_instance ON quarantine (instance, seq);

-- one row per feed address, however many subscribers it has
CREATE TABLE feed (
    url        TEXT PRIMARY KEY,
    validators TEXT NOT NULL
) WITHOUT ROWID;

-- subscriptions that have had their first run, and what they were last served from
CREATE TABLE feed_subscription (
    instance   TEXT NOT NULL,
    feed       TEXT NOT NULL,
    url        TEXT NOT NULL,
    validators TEXT NOT NULL,
    PRIMARY KEY (instance, feed)
) WITHOUT ROWID;

-- items a subscription has accepted or passed over
CREATE TABLE feed_seen (
    instance TEXT NOT NULL,
    feed     TEXT NOT NULL,
    item     TEXT NOT NULL,
    listed   INTEGER NOT NULL,
    PRIMARY KEY (instance, feed, item)
) WITHOUT ROWID;

-- the last due time that was decided, fired or skipped
CREATE TABLE schedule (
    instance TEXT NOT NULL,
    schedule TEXT NOT NULL,
    decided  INTEGER NOT NULL,
    PRIMARY KEY (instance, schedule)
) WITHOUT ROWID;
";

const LAYOUT_2: &str = "
-- what became of every item: one row for each step, written in the transaction of that step
CREATE TABLE ledger (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    at       INTEGER NOT NULL,
    instance TEXT NOT NULL,
    room     TEXT,
    item     TEXT NOT NULL,
    status   TEXT NOT NULL,
    message  INTEGER,
    link     TEXT,
    detail   TEXT
);
CREATE INDEX ledger_item ON ledger (item);
CREATE INDEX ledger_message ON ledger (message) WHERE message IS NOT NULL;
CREATE INDEX ledger_link ON ledger (link) WHERE link IS NOT NULL;

-- when the first attempt was begun; kept for servers that know no post keys, where a repeat must look back so far
ALTER TABLE outbox ADD COLUMN attempted INTEGER;
";

const LAYOUT_3: &str = "
-- asked at every due time: do posts of earlier ones wait?
CREATE INDEX outbox_waiting_cause ON outbox (instance, cause) WHERE status = 'waiting';
";

const LAYOUT_4: &str = "
-- where a permanent redirect has led; what is wrong and since when, as operators were told; and a server's wish not
-- to be asked before a time
ALTER TABLE feed ADD COLUMN moved TEXT;
ALTER TABLE feed ADD COLUMN trouble TEXT;
ALTER TABLE feed ADD COLUMN since INTEGER;
ALTER TABLE feed ADD COLUMN not_before INTEGER;

-- what an item said when it was handed over, JSON; only where edits are told
ALTER TABLE feed_seen ADD COLUMN version TEXT;

-- what items are known by, JSON; when something new was listed last; and since when operators know of the silence
ALTER TABLE feed_subscription ADD COLUMN identity TEXT NOT NULL DEFAULT '[]';
ALTER TABLE feed_subscription ADD COLUMN news INTEGER;
ALTER TABLE feed_subscription ADD COLUMN silent INTEGER;
";

const LAYOUT_5: &str = "
-- `user` is a word of PostgreSQL's own
ALTER TABLE outbox RENAME COLUMN user TO endpoint;
-- counted by everybody who asks how the host is doing
CREATE INDEX outbox_dead ON outbox (instance) WHERE status = 'dead';
";

const LAYOUT_6: &str = "
-- the newest of each subscription is asked for when old ones are forgotten
CREATE INDEX feed_seen_listed ON feed_seen (instance, feed, listed);
";

/// The layout number of a file.
pub(in crate::state) fn version(connection: &Connection) -> Result<i64, rusqlite::Error> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Brings the file to the known layout; returns the number found when that is a later one.
pub(in crate::state) fn migrate(connection: &mut Connection) -> Result<Result<(), i64>, rusqlite::Error> {
    let found = version(connection)?;
    let Some(pending) = usize::try_from(found).ok().and_then(|done| STEPS.get(done..)) else {
        return Ok(Err(found));
    };
    for (step, number) in pending.iter().zip(found + 1..) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::super::KNOWN;
    use super::{STEPS, migrate, version};

    /// A file as the version with that many layouts left it.
    fn file_of(layouts: usize) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        for step in &STEPS[..layouts] {
            connection.execute_batch(step).unwrap();
        }
        connection
            .pragma_update(None, "user_version", i64::try_from(layouts).unwrap())
            .unwrap();
        connection
    }

    #[test]
    fn a_file_of_the_first_version_keeps_what_it_holds() {
        let mut connection = file_of(1);
        connection
            .execute_batch(
                "INSERT INTO outbox (post_key, instance, user, room, cause, ordinal, body, created)
                 VALUES ('k', 'news', 'sip:bot@x', 'r', 'feed:f:1', 0, '{}', 5);
                 INSERT INTO cursor VALUES ('news', 'r', 7);",
            )
            .unwrap();
        assert_eq!(migrate(&mut connection).unwrap(), Ok(()));
        assert_eq!(version(&connection).unwrap(), KNOWN);
        let waiting: (String, Option<i64>) = connection
            .query_row("SELECT post_key, attempted FROM outbox", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!(waiting, ("k".to_owned(), None));
        let cursor: i64 = connection
            .query_row("SELECT message FROM cursor", [], |row| row.get(0))
            .unwrap();
        assert_eq!(cursor, 7);
        connection
            .execute(
                "INSERT INTO ledger (at, instance, item, status) VALUES (1, 'news', 'feed:f:1', 'seen')",
                [],
            )
            .unwrap();
    }
}
