DROP INDEX messages_letter;
ALTER TABLE messages DROP COLUMN letter;
