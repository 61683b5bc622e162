ALTER TABLE alert_acts DROP COLUMN whom;
DROP TABLE departures;
