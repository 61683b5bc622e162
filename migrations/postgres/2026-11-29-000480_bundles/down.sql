DROP INDEX messages_put_off;
DROP INDEX messages_letter;
ALTER TABLE messages DROP COLUMN letter;
