-- When who is signed in last showed again who they are; NULL: since the sign-in, not.
ALTER TABLE sessions ADD COLUMN confirmed_at BIGINT;
