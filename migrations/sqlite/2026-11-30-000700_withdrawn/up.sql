-- What a source took back while its device was nobody's stays so when it is sent again.
CREATE INDEX quarantine_withdrawn ON quarantine (device_key, at) WHERE decision = 'withdrawn';
