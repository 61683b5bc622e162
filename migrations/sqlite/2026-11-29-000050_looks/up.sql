-- Who looked at whom: one row per viewer, patient and thing in five minutes. It answers "who saw my data?", and
-- speaks for further looks until it is old.
CREATE TABLE looks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    patient_key INTEGER NOT NULL,
    viewer TEXT NOT NULL,
    role TEXT NOT NULL,
    what TEXT NOT NULL,
    code TEXT NOT NULL,
    listed INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX looks_at_patient ON looks (patient_key, id);
CREATE INDEX looks_of_viewer ON looks (viewer, at);

DROP TABLE accesses;
