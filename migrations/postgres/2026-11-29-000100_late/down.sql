UPDATE reevaluations SET from_at = taken_from WHERE taken_from < from_at;
ALTER TABLE reevaluations DROP COLUMN taken_by;
ALTER TABLE reevaluations DROP COLUMN taken_at;
ALTER TABLE reevaluations DROP COLUMN taken_until;
ALTER TABLE reevaluations DROP COLUMN taken_from;
ALTER TABLE reevaluations DROP COLUMN until_at;
