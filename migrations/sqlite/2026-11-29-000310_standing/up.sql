-- Who holds a node's number, and how far its clock is from the database's (microseconds).
ALTER TABLE nodes ADD COLUMN home TEXT NOT NULL DEFAULT '';
ALTER TABLE nodes ADD COLUMN ahead_by INTEGER NOT NULL DEFAULT 0;
