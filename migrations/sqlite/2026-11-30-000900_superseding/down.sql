DROP INDEX amendments_standing;
CREATE INDEX amendments_standing ON amendments (patient_key, signal, at, device_key, generation) WHERE stands;
DROP INDEX amendments_superseding;
ALTER TABLE amendments DROP COLUMN supersedes;
