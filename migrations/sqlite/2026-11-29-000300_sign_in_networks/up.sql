-- The networks in which an account signed in, as a blind index of both: whoever comes from there does not queue with strangers.
CREATE TABLE sign_in_networks (
    network BLOB NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_in_networks_by_age ON sign_in_networks (at);
