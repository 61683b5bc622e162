DROP TABLE looks;
CREATE TABLE accesses (
    viewer TEXT NOT NULL,
    subject TEXT NOT NULL,
    purpose TEXT NOT NULL,
    until_at INTEGER NOT NULL,
    PRIMARY KEY (viewer, subject, purpose)
) STRICT, WITHOUT ROWID;
CREATE INDEX accesses_by_end ON accesses (until_at);
