ALTER TABLE messages DROP COLUMN sequence;
ALTER TABLE webhooks DROP COLUMN called;
ALTER TABLE webhooks DROP COLUMN created_by;
