-- What happened, for figures: appended in the transaction of what happened and never changed, but for the ids of a person
-- who is erased. Without foreign keys: facts outlive people, and a reference would lock the rows of people in the order of
-- figures.
CREATE TABLE facts (
    -- Grows in the order of commits, and no number comes twice.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    -- The alert, clock, message, … by its id; NULL once the person is erased or the fact is old.
    subject TEXT,
    occurrence INTEGER NOT NULL,
    at INTEGER NOT NULL,
    -- The day in the organisation's zone, and that zone, as of when it was written.
    local_date TEXT NOT NULL,
    zone TEXT NOT NULL,
    patient_key INTEGER,
    user_id TEXT,
    -- JSON: codes by dimension.
    dimensions TEXT NOT NULL,
    value INTEGER,
    counted INTEGER,
    unit TEXT
) STRICT;

-- What is told twice is one fact. Those without a subject are told no more.
CREATE UNIQUE INDEX facts_once ON facts (kind, subject, occurrence);
CREATE INDEX facts_by_time ON facts (at, id);
CREATE INDEX facts_by_kind ON facts (kind, at, id);
CREATE INDEX facts_by_patient ON facts (patient_key) WHERE patient_key IS NOT NULL;
CREATE INDEX facts_by_user ON facts (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX facts_linked ON facts (at) WHERE subject IS NOT NULL;
