-- People who stopped being ones who can answer, and with whom some cases still are: the engine gives those back.
CREATE TABLE departures (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id),
    why TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
-- Whom what was done to a case is about, where that is not who did it.
ALTER TABLE alert_acts ADD COLUMN whom TEXT;
