-- Files that are attached to something of a patient's: to what, of which kind and size, by whom and when; what a file is
-- called, and the hash of its bytes, are sealed. Of one that was removed it stays who did it, when and why.
CREATE TABLE attachments (
    id TEXT NOT NULL PRIMARY KEY,
    patient_key INTEGER NOT NULL,
    subject_kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    description BLOB,
    removed_at INTEGER,
    removed_by TEXT,
    reason BLOB
) STRICT;
CREATE INDEX attachments_of_subject ON attachments (subject_kind, subject, id);
CREATE INDEX attachments_of_patient ON attachments (patient_key, subject_kind, at, id);
CREATE INDEX attachments_removed ON attachments (patient_key, subject_kind, removed_at, id)
    WHERE removed_at IS NOT NULL;

-- Their bytes, sealed in pieces of a bounded size.
CREATE TABLE attachment_pieces (
    attachment_id TEXT NOT NULL,
    place INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (attachment_id, place)
) STRICT;
