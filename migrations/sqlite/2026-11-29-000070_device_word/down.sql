DROP TABLE device_charges;
ALTER TABLE devices DROP COLUMN status_at;
ALTER TABLE commands DROP COLUMN cancelled_at;
ALTER TABLE commands DROP COLUMN refused_code;
ALTER TABLE commands DROP COLUMN refused_at;
ALTER TABLE commands DROP COLUMN expires_at;
