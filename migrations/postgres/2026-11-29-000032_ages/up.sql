-- What is forgotten by its age is found by its age.
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
CREATE INDEX links_by_expiry ON links (expires_at);
CREATE INDEX throttles_by_age ON throttles (updated_at);
CREATE INDEX idempotent_answers_by_age ON idempotent_answers (at);
CREATE INDEX signals_by_age ON signals (at);
CREATE INDEX accesses_by_end ON accesses (until_at);
-- What was resolved, the newest first.
CREATE INDEX alerts_resolved ON alerts (started_at, id) WHERE state = 'resolved';
