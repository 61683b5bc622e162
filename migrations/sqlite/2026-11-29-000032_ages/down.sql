DROP INDEX alerts_resolved;
DROP INDEX accesses_by_end;
DROP INDEX signals_by_age;
DROP INDEX idempotent_answers_by_age;
DROP INDEX throttles_by_age;
DROP INDEX links_by_expiry;
DROP INDEX sessions_by_expiry;
