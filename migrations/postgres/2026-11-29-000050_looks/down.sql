DROP TABLE looks;
CREATE TABLE accesses (
    viewer TEXT NOT NULL,
    subject TEXT NOT NULL,
    purpose TEXT NOT NULL,
    until_at BIGINT NOT NULL,
    PRIMARY KEY (viewer, subject, purpose)
);
CREATE INDEX accesses_by_end ON accesses (until_at);
