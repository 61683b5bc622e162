-- What became of a command beside its acknowledgement, and what a device says of itself.
ALTER TABLE commands ADD COLUMN expires_at INTEGER;
ALTER TABLE commands ADD COLUMN refused_at INTEGER;
ALTER TABLE commands ADD COLUMN refused_code INTEGER;
ALTER TABLE commands ADD COLUMN cancelled_at INTEGER;
ALTER TABLE devices ADD COLUMN status_at INTEGER;

-- The newest battery level of a device, sealed. Its own table: ingest writes it, and nobody else.
CREATE TABLE device_charges (
    device_key INTEGER NOT NULL PRIMARY KEY REFERENCES devices (key),
    at INTEGER NOT NULL,
    level BLOB NOT NULL
) STRICT;
