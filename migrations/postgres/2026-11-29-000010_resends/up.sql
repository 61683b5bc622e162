-- A resend is told by MQTT and found by bytes and packet identifier; the session no longer decides.
DELETE FROM unstamped;
ALTER TABLE unstamped DROP COLUMN session;
