-- The ground of a message about a patient: its permit is asked again when the message is handed over.
ALTER TABLE messages ADD COLUMN patient_id TEXT;
ALTER TABLE messages ADD COLUMN purpose TEXT;
UPDATE messages SET purpose = 'alert.escalate', patient_id = (
    SELECT patients.id FROM alerts JOIN patients ON patients.key = alerts.patient_key
    WHERE alerts.id = messages.subject
) WHERE kind = 'alert';

-- Cases that wait for a legal basis to call people.
CREATE INDEX escalations_without_basis ON escalations (patient_id) WHERE state = 'no_basis';

-- A heavier text was published: the grants of the older ones are superseded a few at a time, in the order of patients.
CREATE TABLE supersessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    purpose TEXT NOT NULL,
    change TEXT NOT NULL,
    published_at INTEGER NOT NULL,
    after_key INTEGER NOT NULL,
    done_at INTEGER
);
CREATE INDEX supersessions_open ON supersessions (id) WHERE done_at IS NULL;
