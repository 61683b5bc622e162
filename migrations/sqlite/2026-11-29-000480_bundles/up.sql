-- In whose letter a message left that went together with others: what is said of the letter is said of each.
ALTER TABLE messages ADD COLUMN letter TEXT;
CREATE INDEX messages_letter ON messages (letter) WHERE letter IS NOT NULL;
