-- Whether a value of the patient's ceased to be in force by an amendment: not where a reading only changed hands. Rows from
-- before are looked at to know, but for those that began a story.
ALTER TABLE amendments ADD COLUMN supersedes BOOLEAN NOT NULL DEFAULT TRUE;
UPDATE amendments SET supersedes = FALSE
WHERE item IN (SELECT id FROM quarantine WHERE patient_key IS NULL)
AND NOT EXISTS (
    SELECT 1 FROM amendments AS earlier
    WHERE earlier.patient_key = amendments.patient_key AND earlier.signal = amendments.signal
    AND earlier.at = amendments.at AND earlier.device_key = amendments.device_key
    AND earlier.generation < amendments.generation
);
CREATE INDEX amendments_superseding ON amendments (patient_key, signal, at, device_key, generation) WHERE supersedes;
