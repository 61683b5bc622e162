DROP TABLE supersessions;
DROP INDEX escalations_without_basis;
ALTER TABLE messages DROP COLUMN purpose;
ALTER TABLE messages DROP COLUMN patient_id;
