-- Who is away when: a fact about a person that stands over every schedule. What is taken back before it began is gone; the
-- log has it.
CREATE TABLE absences (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    from_at INTEGER NOT NULL,
    until_at INTEGER NOT NULL,
    known_at INTEGER NOT NULL,
    -- Who wrote it down, as the log names them.
    noted_by TEXT NOT NULL,
    -- Who stands in for which turns.
    covers TEXT NOT NULL,
    -- When it had begun and what rested on them went back.
    begun_at INTEGER
) STRICT;

CREATE INDEX absences_by_end ON absences (until_at);
