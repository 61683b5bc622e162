-- The last time step of a second factor that counted: a code counts once, on whichever node and after whatever restart.
ALTER TABLE users ADD COLUMN totp_step INTEGER;
-- Who did what would let them sign in as this person: nobody signs in here until somebody else has vouched for it.
ALTER TABLE users ADD COLUMN held_by TEXT;
ALTER TABLE users ADD COLUMN held_for TEXT;
ALTER TABLE users ADD COLUMN held_at INTEGER;
-- Who made a link for somebody else; NULL: the operator, or they themselves.
ALTER TABLE links ADD COLUMN made_by TEXT;
-- A spent refresh token is told by its own tag, however old it is.
ALTER TABLE sessions DROP COLUMN previous;
