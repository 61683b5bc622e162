DROP INDEX amendments_by_time;
DROP INDEX quarantine_nobodys;
DROP TABLE moves;
