-- What became of a command beside its acknowledgement, and what a device says of itself.
ALTER TABLE commands ADD COLUMN expires_at BIGINT;
ALTER TABLE commands ADD COLUMN refused_at BIGINT;
ALTER TABLE commands ADD COLUMN refused_code SMALLINT;
ALTER TABLE commands ADD COLUMN cancelled_at BIGINT;
ALTER TABLE devices ADD COLUMN status_at BIGINT;

-- The newest battery level of a device, sealed. Its own table: ingest writes it, and nobody else.
CREATE TABLE device_charges (
    device_key BIGINT NOT NULL PRIMARY KEY REFERENCES devices (key),
    at BIGINT NOT NULL,
    level BYTEA NOT NULL
);
