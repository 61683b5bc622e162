-- What is in force at an identity in place of what was committed first; the last generation holds, those before
-- stay as superseded. A sealed entry without a value withdraws the reading. `item` is the quarantined reading that
-- a clinician released; without one the source itself corrected.
CREATE TABLE amendments (
    patient_key BIGINT NOT NULL,
    signal SMALLINT NOT NULL,
    at BIGINT NOT NULL,
    device_key BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    received BIGINT NOT NULL,
    amended_at BIGINT NOT NULL,
    item TEXT,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (patient_key, signal, at, device_key, generation)
);
