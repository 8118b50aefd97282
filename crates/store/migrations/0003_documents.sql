-- What the server keeps for users, in small texts by name: contact lists, publications, access lists. What stands in them
-- is the server's; they go with their user.

CREATE TABLE documents (
    user     TEXT NOT NULL,
    name     TEXT NOT NULL,
    content  TEXT NOT NULL,
    PRIMARY KEY (user, name)
) STRICT;
