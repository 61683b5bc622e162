-- A patient's timeline reads each of these back in time, a page at a time, along an index.
-- What became of a patient's record; who they are is in none of it.
CREATE TABLE patient_changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    patient_key INTEGER NOT NULL,
    at INTEGER NOT NULL,
    what TEXT NOT NULL,
    actor TEXT
) STRICT;
INSERT INTO patient_changes (patient_key, at, what) SELECT key, created_at, 'registered' FROM patients ORDER BY key;
INSERT INTO patient_changes (patient_key, at, what) SELECT key, blocked_at, 'blocked' FROM patients
    WHERE blocked_at IS NOT NULL ORDER BY key;
CREATE INDEX patient_changes_of_patient ON patient_changes (patient_key, at, id);
ALTER TABLE alert_acts ADD COLUMN patient_key INTEGER;
UPDATE alert_acts SET patient_key = (SELECT patient_key FROM alerts WHERE alerts.id = alert_acts.alert_id);
CREATE INDEX alert_acts_of_patient ON alert_acts (patient_key, at, id) WHERE act <> 'cut';
ALTER TABLE escalation_steps ADD COLUMN patient_id TEXT;
UPDATE escalation_steps SET patient_id =
    (SELECT patient_id FROM escalations WHERE escalations.id = escalation_steps.escalation_id);
CREATE INDEX escalation_steps_of_patient ON escalation_steps (patient_id, at, id) WHERE patient_id IS NOT NULL;
CREATE INDEX alerts_of_patient_by_raise ON alerts (patient_key, raised_at, id);
CREATE INDEX bindings_by_beginning ON bindings (patient_key, from_at, id);
CREATE INDEX bindings_by_end ON bindings (patient_key, to_at, id) WHERE to_at IS NOT NULL;
CREATE INDEX moves_of_patient ON moves (patient_key, created_at, id) WHERE moved > 0;
CREATE INDEX messages_of_patient ON messages (patient_id, created_at, id)
    WHERE patient_id IS NOT NULL AND channel <> 'webhook';
CREATE INDEX quarantine_decided ON quarantine (patient_key, decided_at, id) WHERE decided_at IS NOT NULL;
CREATE INDEX amendments_superseding_by_time ON amendments (patient_key, amended_at, item, supersedes)
    WHERE supersedes AND item IS NULL;
CREATE INDEX looks_that_took ON looks (patient_key, at, id) WHERE what IN ('reveal', 'export');
