-- Deadlines: versioned settings that two people stand behind, climbs of escalation policies, promises with a time
-- in them, messages on their way, and what the auditor of all this found late.
-- Instants: microseconds since the epoch, UTC.

-- Policies, schedules, calendars, templates, teams, service levels: one version a row, never changed but for its
-- approval. What was in force at an instant is the newest one that was in force by then.
CREATE TABLE versions (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    body TEXT NOT NULL,
    author TEXT NOT NULL,
    proposed_at INTEGER NOT NULL,
    approver TEXT,
    in_force_at INTEGER,
    refused_at INTEGER,
    PRIMARY KEY (kind, name, version)
) STRICT;

CREATE TABLE certificates (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id),
    valid_until INTEGER NOT NULL,
    noted_by TEXT NOT NULL,
    noted_at INTEGER NOT NULL,
    -- Sealed: the council and the number in its register.
    licence BLOB
) STRICT;

-- In which language letters to a person are written, and on which clock. Without a row: Portuguese, São Paulo.
CREATE TABLE letters (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id),
    lang TEXT NOT NULL,
    zone TEXT NOT NULL
) STRICT;

-- A channel that reaches a person no more (a bounce), or that they turned off.
CREATE TABLE unreachable (
    user_id TEXT NOT NULL REFERENCES users (id),
    channel TEXT NOT NULL,
    why TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (user_id, channel)
) STRICT;

-- How many unresolved alerts a person carries well.
CREATE TABLE capacities (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id),
    most INTEGER NOT NULL
) STRICT;

-- Calendars that people follow from other programs: the hash of the secret in the address.
CREATE TABLE feeds (
    secret BLOB NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    schedule TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (user_id, schedule)
) STRICT;

CREATE TABLE escalations (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    patient_id TEXT,
    policy TEXT NOT NULL,
    policy_version INTEGER NOT NULL,
    record TEXT NOT NULL,
    state TEXT NOT NULL,
    next_at INTEGER,
    started_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    -- Why the engine set it aside; a person must look.
    spoiled TEXT,
    UNIQUE (kind, subject)
) STRICT;
CREATE INDEX escalations_due ON escalations (next_at) WHERE next_at IS NOT NULL AND spoiled IS NULL;
CREATE INDEX escalations_unreached ON escalations (updated_at) WHERE state = 'nobody_reached';

CREATE TABLE escalation_steps (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    escalation_id TEXT NOT NULL REFERENCES escalations (id),
    fence INTEGER NOT NULL,
    at INTEGER NOT NULL,
    -- When it was due: what the auditor compares with `at`.
    due_at INTEGER NOT NULL,
    did TEXT NOT NULL,
    step INTEGER,
    round INTEGER NOT NULL,
    people TEXT NOT NULL
) STRICT;
CREATE INDEX escalation_steps_by_escalation ON escalation_steps (escalation_id, id);
CREATE INDEX escalation_steps_by_time ON escalation_steps (at);

CREATE TABLE sla_timers (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    -- The promise by its lasting id: each one that an alert is given has a clock of its own.
    service_level TEXT NOT NULL,
    metric TEXT NOT NULL,
    calendar TEXT NOT NULL,
    calendar_version INTEGER NOT NULL,
    on_breach TEXT,
    record TEXT NOT NULL,
    standing TEXT NOT NULL,
    due_at INTEGER,
    next_at INTEGER,
    started_at INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    spoiled TEXT,
    UNIQUE (kind, subject, service_level)
) STRICT;
CREATE INDEX sla_timers_due ON sla_timers (next_at) WHERE next_at IS NOT NULL AND spoiled IS NULL;

CREATE TABLE webhooks (
    id TEXT NOT NULL PRIMARY KEY,
    url BLOB NOT NULL,
    secret BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    disabled_at INTEGER
) STRICT;

CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    class TEXT NOT NULL,
    channel TEXT NOT NULL,
    -- A user's id, or a webhook's.
    recipient TEXT NOT NULL,
    template TEXT NOT NULL,
    template_version INTEGER NOT NULL,
    variables TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    sending_until INTEGER,
    accepted_at INTEGER,
    provider_id TEXT,
    spoiled TEXT,
    -- A message that is being sent has an end to it; any other has none.
    CHECK ((state = 'sending') = (sending_until IS NOT NULL))
) STRICT;
CREATE INDEX messages_due ON messages (channel, due_at) WHERE state = 'due' AND spoiled IS NULL;
-- One program's turn is found without walking over what waits for another that is down.
CREATE INDEX messages_due_to ON messages (recipient, due_at)
    WHERE channel = 'webhook' AND state = 'due' AND spoiled IS NULL;
CREATE INDEX messages_sending ON messages (sending_until) WHERE state = 'sending';
CREATE INDEX messages_by_case ON messages (kind, subject);
CREATE INDEX messages_by_recipient ON messages (recipient, channel, id);

CREATE TABLE message_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id INTEGER NOT NULL REFERENCES messages (id),
    at INTEGER NOT NULL,
    what TEXT NOT NULL,
    code TEXT
) STRICT;
CREATE INDEX message_events_by_message ON message_events (message_id, id);

-- What was planned and not done in time, or is stuck: one row until it is done.
CREATE TABLE lapses (
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    expected_at INTEGER NOT NULL,
    noticed_at INTEGER NOT NULL,
    over_at INTEGER,
    PRIMARY KEY (kind, subject, expected_at)
) STRICT;
CREATE INDEX lapses_open ON lapses (noticed_at) WHERE over_at IS NULL;

-- The next silence that ends.
CREATE INDEX alerts_snoozed ON alerts (snoozed_until) WHERE state = 'snoozed';
