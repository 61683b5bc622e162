DROP INDEX chunks_bare;
ALTER TABLE chunks DROP COLUMN overlaid;
DROP INDEX amendments_standing;
ALTER TABLE amendments DROP COLUMN stands;
