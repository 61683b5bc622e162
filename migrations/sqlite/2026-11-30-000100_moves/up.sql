-- Readings that a change of a binding takes from a patient, or gives to one. A move is worked off in stretches, series
-- by series; `signal` and `reached_at` say how far it got, `moved_from` from where on that series is to be judged again.
CREATE TABLE moves (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device_key INTEGER NOT NULL,
    patient_key INTEGER NOT NULL,
    gives INTEGER NOT NULL,
    from_at INTEGER NOT NULL,
    to_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    signal INTEGER,
    reached_at INTEGER NOT NULL,
    moved_from INTEGER,
    moved INTEGER NOT NULL DEFAULT 0,
    refused INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL DEFAULT 1,
    done_at INTEGER
) STRICT;
CREATE INDEX moves_by_device ON moves (device_key, id);
CREATE INDEX moves_open ON moves (device_key, id) WHERE done_at IS NULL;
CREATE INDEX moves_by_patient ON moves (patient_key, id);
-- What waits for whoever wore the device at its instant.
CREATE INDEX quarantine_nobodys ON quarantine (device_key, signal, at, id) WHERE patient_key IS NULL AND decided_at IS NULL;
-- What came to a patient without a row of the journal is found under its time too.
CREATE INDEX amendments_by_time ON amendments (patient_key, at);
