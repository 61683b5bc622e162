-- The verification of the log finds the looks of an entry by its instant.
CREATE INDEX looks_by_time ON looks (at);
