//! The layout of the state file and its migrations, counted by `user_version`.

use rusqlite::Connection;

/// One step per released layout; step `n` takes a file from version `n` to `n + 1`. Steps are never edited.
const STEPS: &[&str] = &[LAYOUT_1];

/// The layout number this program writes.
pub(super) const KNOWN: i64 = STEPS.len() as i64;

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

/// Brings the file to the known layout; returns the number found when that is a later one.
pub(super) fn migrate(connection: &mut Connection) -> Result<Result<(), i64>, rusqlite::Error> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
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
