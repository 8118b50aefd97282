-- What users sign in with. name is in lower case. A credential is what one scheme checks a password against, never the
-- password; it goes when the scheme is switched off.

CREATE TABLE accounts (
    user  TEXT NOT NULL PRIMARY KEY,
    name  TEXT NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;

CREATE TABLE credentials (
    user    TEXT NOT NULL REFERENCES accounts (user) ON DELETE CASCADE,
    scheme  TEXT NOT NULL,
    secret  TEXT NOT NULL,
    PRIMARY KEY (user, scheme)
) STRICT, WITHOUT ROWID;
