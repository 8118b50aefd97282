//! The layout of the state in PostgreSQL, counted in the table `layout`. It begins where this engine came in.

use ::postgres::{Client, Error};

/// The layout that [`BEGIN`] makes.
const FIRST: i64 = 5;

/// One step per released layout after the first. Steps are never edited.
const STEPS: &[&str] = &[LAYOUT_6];

const LAYOUT_6: &str = "CREATE INDEX feed_seen_listed ON feed_seen (instance, feed, listed)";

// Text is compared byte by byte, as in the file: causes are looked up by ranges.
const BEGIN: &str = r#"
CREATE TABLE layout (version BIGINT NOT NULL);

CREATE TABLE cursor (
    instance TEXT COLLATE "C" NOT NULL,
    room     TEXT COLLATE "C" NOT NULL,
    message  BIGINT NOT NULL,
    PRIMARY KEY (instance, room)
);

CREATE TABLE bot_value (
    instance TEXT COLLATE "C" NOT NULL,
    name     TEXT COLLATE "C" NOT NULL,
    value    TEXT NOT NULL,
    PRIMARY KEY (instance, name)
);

CREATE TABLE outbox (
    seq       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    post_key  TEXT COLLATE "C" NOT NULL,
    instance  TEXT COLLATE "C" NOT NULL,
    endpoint  TEXT COLLATE "C" NOT NULL,
    room      TEXT COLLATE "C" NOT NULL,
    cause     TEXT COLLATE "C" NOT NULL,
    ordinal   BIGINT NOT NULL,
    body      TEXT NOT NULL,
    status    TEXT COLLATE "C" NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'delivered', 'dead')),
    attempts  BIGINT NOT NULL DEFAULT 0,
    created   BIGINT NOT NULL,
    attempted BIGINT,
    finished  BIGINT,
    message   BIGINT,
    reason    TEXT,
    UNIQUE (endpoint, room, post_key)
);
CREATE INDEX outbox_waiting ON outbox (endpoint, room, seq) WHERE status = 'waiting';
CREATE INDEX outbox_waiting_cause ON outbox (instance, cause) WHERE status = 'waiting';
CREATE INDEX outbox_finished ON outbox (finished) WHERE status <> 'waiting';
CREATE INDEX outbox_dead ON outbox (instance) WHERE status = 'dead';

CREATE TABLE inbox (
    seq      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instance TEXT COLLATE "C" NOT NULL,
    source   TEXT COLLATE "C" NOT NULL,
    cause    TEXT COLLATE "C" NOT NULL,
    event    TEXT NOT NULL,
    created  BIGINT NOT NULL,
    UNIQUE (instance, cause)
);
CREATE INDEX inbox_order ON inbox (instance, source, seq);

CREATE TABLE quarantine (
    seq      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instance TEXT COLLATE "C" NOT NULL,
    source   TEXT COLLATE "C" NOT NULL,
    cause    TEXT COLLATE "C" NOT NULL,
    event    TEXT NOT NULL,
    reason   TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    at       BIGINT NOT NULL
);
CREATE INDEX quarantine_instance ON quarantine (instance, seq);

CREATE TABLE feed (
    url        TEXT COLLATE "C" PRIMARY KEY,
    validators TEXT NOT NULL,
    moved      TEXT,
    trouble    TEXT,
    since      BIGINT,
    not_before BIGINT
);

CREATE TABLE feed_subscription (
    instance   TEXT COLLATE "C" NOT NULL,
    feed       TEXT COLLATE "C" NOT NULL,
    url        TEXT NOT NULL,
    validators TEXT NOT NULL,
    identity   TEXT NOT NULL DEFAULT '[]',
    news       BIGINT,
    silent     BIGINT,
    PRIMARY KEY (instance, feed)
);

CREATE TABLE feed_seen (
    instance TEXT COLLATE "C" NOT NULL,
    feed     TEXT COLLATE "C" NOT NULL,
    item     TEXT COLLATE "C" NOT NULL,
    listed   BIGINT NOT NULL,
    version  TEXT,
    PRIMARY KEY (instance, feed, item)
);

CREATE TABLE schedule (
    instance TEXT COLLATE "C" NOT NULL,
    schedule TEXT COLLATE "C" NOT NULL,
    decided  BIGINT NOT NULL,
    PRIMARY KEY (instance, schedule)
);

CREATE TABLE ledger (
    seq      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       BIGINT NOT NULL,
    instance TEXT COLLATE "C" NOT NULL,
    room     TEXT COLLATE "C",
    item     TEXT COLLATE "C" NOT NULL,
    status   TEXT COLLATE "C" NOT NULL,
    message  BIGINT,
    link     TEXT COLLATE "C",
    detail   TEXT
);
CREATE INDEX ledger_item ON ledger (item);
CREATE INDEX ledger_message ON ledger (message) WHERE message IS NOT NULL;
CREATE INDEX ledger_link ON ledger (link) WHERE link IS NOT NULL;

-- the hosts that share this state; the token grows with every joining, and one that is struck out writes no more
CREATE TABLE member (
    token   BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name    TEXT NOT NULL,
    -- by this server's clock, milliseconds since the Unix epoch
    expires BIGINT NOT NULL
);

-- which of them leads an endpoint, with all bots that post as it
CREATE TABLE lease (
    endpoint TEXT COLLATE "C" PRIMARY KEY,
    token    BIGINT NOT NULL REFERENCES member ON DELETE CASCADE
);
"#;

/// Brings the tables of the current schema to the known layout, inside the caller's transaction; returns the number
/// found when that is a later one.
pub(in crate::state) fn migrate(client: &mut Client) -> Result<Result<(), i64>, Error> {
    let found = version(client)?;
    let newest = FIRST + STEPS.len() as i64;
    let pending = match found {
        None => {
            client.batch_execute(BEGIN)?;
            client.execute("INSERT INTO layout (version) VALUES ($1)", &[&FIRST])?;
            STEPS
        }
        Some(found) => match usize::try_from(found - FIRST)
            .ok()
            .and_then(|done| STEPS.get(done..))
        {
            Some(pending) => pending,
            None => return Ok(Err(found)),
        },
    };
    for step in pending {
        client.batch_execute(step)?;
    }
    client.execute("UPDATE layout SET version = $1", &[&newest])?;
    Ok(Ok(()))
}

/// The layout number of the current schema; none when it has no state yet.
pub(in crate::state) fn version(client: &mut Client) -> Result<Option<i64>, Error> {
    let there = "SELECT to_regclass(format('%I.layout', current_schema())) IS NOT NULL";
    if !client.query_one(there, &[])?.try_get::<_, bool>(0)? {
        return Ok(None);
    }
    let row = client.query_opt("SELECT version FROM layout", &[])?;
    row.map(|row| row.try_get(0)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_engines_count_the_same_layouts() {
        assert_eq!(FIRST + STEPS.len() as i64, super::super::KNOWN);
    }
}
