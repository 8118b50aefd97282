-- Messages whose content was taken out of their room, as they were, and who took it out, when and why. posts holds the
-- notice that stands in their place. room is the room's number, which is never used again, and room_id its id: the record
-- outlives the room. number counts removals and is never used again: whoever follows the posts by their number follows
-- these too, for a removed post keeps its own.
CREATE TABLE removals (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    room         INTEGER NOT NULL,
    room_id      BLOB    NOT NULL CHECK (length(room_id) = 16),
    id           INTEGER NOT NULL,
    time         INTEGER NOT NULL,
    author       INTEGER NOT NULL,
    author_name  TEXT,
    alert        INTEGER NOT NULL,
    chat         TEXT    NOT NULL,
    rtf          TEXT,
    key          TEXT,
    notice       TEXT    NOT NULL,
    removed_by   TEXT    NOT NULL,
    reason       TEXT,
    removed_at   INTEGER NOT NULL,
    UNIQUE (room, id)
) STRICT;

CREATE INDEX removals_by_room ON removals (room_id, number);
