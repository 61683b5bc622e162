-- What took power away, in the order in which it happened. `revocations.log` beside the database repeats these rows, and
-- a restore replays those that the snapshot does not hold.
CREATE TABLE withdrawals (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    at INTEGER NOT NULL,
    -- JSON: ids, purposes and roles only.
    what TEXT NOT NULL
) STRICT;
