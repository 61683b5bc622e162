DROP INDEX amendments_superseding;
ALTER TABLE amendments DROP COLUMN supersedes;
