-- In whose letter a message left that went together with others: what is said of the letter is said of each.
ALTER TABLE messages ADD COLUMN letter TEXT;
CREATE INDEX messages_letter ON messages (letter) WHERE letter IS NOT NULL;
-- A call that was put off is late from when it was planned.
CREATE INDEX messages_put_off ON messages (kind, created_at)
    WHERE state = 'due' AND attempt > 0 AND spoiled IS NULL;
