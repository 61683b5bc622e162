-- What is in force at an identity in place of what was committed first; the last generation holds, those before
-- stay as superseded. A sealed entry without a value withdraws the reading. `item` is the quarantined reading that
-- a clinician released; without one the source itself corrected.
CREATE TABLE amendments (
    patient_key INTEGER NOT NULL,
    signal INTEGER NOT NULL,
    at INTEGER NOT NULL,
    device_key INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    received INTEGER NOT NULL,
    amended_at INTEGER NOT NULL,
    item TEXT,
    sealed BLOB NOT NULL,
    PRIMARY KEY (patient_key, signal, at, device_key, generation)
) STRICT, WITHOUT ROWID;
