-- Which keys an older epoch still wraps: looked up every few seconds, and empty almost always.
CREATE INDEX subject_keys_epoch ON subject_keys (epoch) WHERE destroyed_at IS NULL;
