-- Ids are the 16 bytes of the GUID, times are milliseconds since 1970 UTC, addresses are normalised SIP URIs.

CREATE TABLE categories (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name         TEXT    NOT NULL,
    description  TEXT    NOT NULL,
    all_allowed  INTEGER NOT NULL,
    all_denied   INTEGER NOT NULL,
    invitations  INTEGER NOT NULL,
    file_upload  INTEGER NOT NULL,
    history      INTEGER NOT NULL
) STRICT;

-- list: 0 allowed, 1 denied, 2 creators. kind: 0 user, 1 domain.
CREATE TABLE category_principals (
    category   BLOB    NOT NULL REFERENCES categories (id) ON DELETE CASCADE,
    list       INTEGER NOT NULL,
    kind       INTEGER NOT NULL,
    principal  TEXT    NOT NULL,
    PRIMARY KEY (category, list, kind, principal)
) STRICT, WITHOUT ROWID;

-- number stands for the room in posts. It is never used again, so that posts of a removed room, which go
-- later and in small steps, cannot turn up in another one. privacy and behavior hold the original's numbers.
CREATE TABLE rooms (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    id           BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    category     BLOB    NOT NULL REFERENCES categories (id),
    name         TEXT    NOT NULL,
    description  TEXT    NOT NULL,
    privacy      INTEGER NOT NULL,
    behavior     INTEGER NOT NULL,
    disabled     INTEGER NOT NULL,
    inherits_invitations INTEGER NOT NULL,
    last_id      INTEGER NOT NULL DEFAULT 0,
    last_time    INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX rooms_by_category ON rooms (category);

-- role: 0 member, 1 manager, 2 presenter.
CREATE TABLE room_roles (
    room  INTEGER NOT NULL REFERENCES rooms (number) ON DELETE CASCADE,
    role  INTEGER NOT NULL,
    user  TEXT    NOT NULL,
    PRIMARY KEY (room, role, user)
) STRICT, WITHOUT ROWID;

-- The one namespace of rooms and categories, in the form in which names are compared. kind: 0 category, 1 room.
CREATE TABLE names (
    name    TEXT    NOT NULL PRIMARY KEY,
    kind    INTEGER NOT NULL,
    bearer  BLOB    NOT NULL,
    UNIQUE (kind, bearer)
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    uri            TEXT    NOT NULL PRIMARY KEY,
    display_name   TEXT    NOT NULL,
    contact        INTEGER NOT NULL,
    disabled       INTEGER NOT NULL,
    administrator  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE authors (
    number  INTEGER PRIMARY KEY,
    uri     TEXT    NOT NULL UNIQUE
) STRICT;

-- number counts all posts in the order of their commits and is never used again: whoever follows the posts
-- (a full-text indexer, an export) remembers the last one it has seen. chat is null when only the key of a
-- post is kept.
CREATE TABLE posts (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    room         INTEGER NOT NULL,
    id           INTEGER NOT NULL,
    time         INTEGER NOT NULL,
    author       INTEGER NOT NULL,
    author_name  TEXT,
    alert        INTEGER NOT NULL,
    chat         TEXT,
    rtf          TEXT,
    key          TEXT
) STRICT;

CREATE UNIQUE INDEX posts_by_room ON posts (room, id);
CREATE UNIQUE INDEX posts_by_key ON posts (room, author, key) WHERE key IS NOT NULL;

-- Rooms that are gone and whose posts are still being removed.
CREATE TABLE removed_rooms (
    number  INTEGER PRIMARY KEY
) STRICT;

CREATE TABLE preferences (
    user      TEXT    NOT NULL,
    label     TEXT    NOT NULL,
    sequence  INTEGER NOT NULL,
    content   TEXT    NOT NULL,
    PRIMARY KEY (user, label)
) STRICT, WITHOUT ROWID;
