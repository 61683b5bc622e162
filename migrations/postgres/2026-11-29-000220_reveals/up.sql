-- Who asked to know who stands behind a pseudonym, under which reason (sealed), and what a DPO said. A DPO's own reveal
-- needs no answer and is no row: the log and the looks have it.
CREATE TABLE reveals (
    id TEXT NOT NULL PRIMARY KEY,
    patient_key BIGINT NOT NULL REFERENCES patients (key),
    asker TEXT NOT NULL,
    reason BYTEA NOT NULL,
    asked_at BIGINT NOT NULL,
    decided_by TEXT,
    decided_at BIGINT,
    approved BOOLEAN,
    CHECK ((decided_by IS NULL) = (decided_at IS NULL) AND (decided_at IS NULL) = (approved IS NULL)),
    CHECK (decided_by <> asker)
);
CREATE INDEX reveals_by_time ON reveals (asked_at, id);
CREATE INDEX reveals_of_asker ON reveals (asker, asked_at, id);
