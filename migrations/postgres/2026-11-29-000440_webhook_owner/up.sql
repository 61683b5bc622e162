-- Who added a program that is called: told when it ends its subscription.
ALTER TABLE webhooks ADD COLUMN created_by TEXT;
-- How many calls left to it, and which one each was: a receiver puts them in order and sees what it missed.
ALTER TABLE webhooks ADD COLUMN called BIGINT NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN sequence BIGINT;
