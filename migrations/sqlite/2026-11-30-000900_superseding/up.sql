-- Whether a value of the patient's ceased to be in force by an amendment: not where a reading only changed hands. Rows from
-- before are looked at to know, but for those that began a story.
ALTER TABLE amendments ADD COLUMN supersedes INTEGER NOT NULL DEFAULT 1;
UPDATE amendments SET supersedes = 0
WHERE item IN (SELECT id FROM quarantine WHERE patient_key IS NULL)
AND NOT EXISTS (
    SELECT 1 FROM amendments AS earlier
    WHERE earlier.patient_key = amendments.patient_key AND earlier.signal = amendments.signal
    AND earlier.at = amendments.at AND earlier.device_key = amendments.device_key
    AND earlier.generation < amendments.generation
);
-- The mark is a column of its index too: without statistics SQLite takes the order of the table unless an index says more,
-- and would pass over all that does not bear the mark.
CREATE INDEX amendments_superseding ON amendments (patient_key, signal, supersedes, at, device_key, generation)
WHERE supersedes;
DROP INDEX amendments_standing;
CREATE INDEX amendments_standing ON amendments (patient_key, signal, stands, at, device_key, generation) WHERE stands;
