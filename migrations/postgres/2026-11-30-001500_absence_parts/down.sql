ALTER TABLE absences DROP COLUMN parts;
