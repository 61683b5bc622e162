-- Long work that a person asks for: who asked, how far it is, which node runs it and until when nobody else may.
CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0,
    checkpoint TEXT,
    node TEXT,
    fence INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    begun_at INTEGER,
    finished_at INTEGER,
    code TEXT,
    result BLOB
) STRICT;

-- One of a kind at a time.
CREATE UNIQUE INDEX jobs_open ON jobs (kind) WHERE finished_at IS NULL;
CREATE INDEX jobs_of_kind ON jobs (kind, id);
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;
