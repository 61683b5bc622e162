-- Every patient whom a device was ever bound to, also by a binding that turned out never to have been: what it said then was
-- taken under their permit, and its receipts are under their key.
CREATE TABLE wearers (
    device_key INTEGER NOT NULL,
    patient_key INTEGER NOT NULL,
    PRIMARY KEY (device_key, patient_key)
) STRICT, WITHOUT ROWID;
INSERT INTO wearers (device_key, patient_key)
SELECT device_key, patient_key FROM bindings
UNION
SELECT device_key, patient_key FROM moves
UNION
SELECT device_key, patient_key FROM amendments
UNION
SELECT device_key, patient_key FROM quarantine WHERE patient_key IS NOT NULL;
