-- A turn that somebody would hand over, or take over, and whether the other side agreed. The turn itself changes in the
-- schedule's versions.
CREATE TABLE swaps (
    id TEXT NOT NULL PRIMARY KEY,
    schedule TEXT NOT NULL,
    giver TEXT NOT NULL REFERENCES users (id),
    -- Nobody: whoever comes first.
    taker TEXT REFERENCES users (id),
    from_at INTEGER NOT NULL,
    to_at INTEGER NOT NULL,
    -- The taker's turn that the giver has instead.
    back_from INTEGER,
    back_to INTEGER,
    asked_by TEXT NOT NULL REFERENCES users (id),
    asked_at INTEGER NOT NULL,
    -- taken, declined or withdrawn; nothing while it is open.
    outcome TEXT,
    decided_by TEXT REFERENCES users (id),
    decided_at INTEGER
) STRICT;

-- What is over and was never answered stays behind the clock.
CREATE INDEX swaps_open ON swaps (to_at) WHERE outcome IS NULL;
