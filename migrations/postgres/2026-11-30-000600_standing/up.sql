-- Whether something is in force by an amendment: not when it withdraws, nor once a later generation took its place. Rows
-- from before are opened to know.
ALTER TABLE amendments ADD COLUMN stands BOOLEAN NOT NULL DEFAULT TRUE;
CREATE INDEX amendments_standing ON amendments (patient_key, signal, at, device_key, generation) WHERE stands;
-- Whether each reading of a chunk has an amendment: what is in force there is said by them alone.
ALTER TABLE chunks ADD COLUMN overlaid BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX chunks_bare ON chunks (patient_key, signal, span_from, span_to) WHERE NOT overlaid;
