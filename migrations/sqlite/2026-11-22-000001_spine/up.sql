-- The spine: keys, people, devices, consent, telemetry, judgement, audit.
-- Instants: microseconds since the epoch, UTC. Sealed columns (BLOB): AES-256-GCM, see docs/AUDIT.md and ADR 0003.

CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE kek_epochs (
    epoch INTEGER NOT NULL PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    retired_at INTEGER
) STRICT;

CREATE TABLE subject_keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    subject TEXT NOT NULL,
    class INTEGER NOT NULL,
    epoch INTEGER NOT NULL REFERENCES kek_epochs (epoch),
    wrapped BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    destroyed_at INTEGER,
    UNIQUE (subject, class)
) STRICT;

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    email_index BLOB NOT NULL UNIQUE,
    identity BLOB NOT NULL,
    role TEXT NOT NULL,
    password TEXT,
    totp BLOB,
    patient_id TEXT,
    created_at INTEGER NOT NULL,
    disabled_at INTEGER,
    version INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    kind TEXT NOT NULL,
    secret BLOB NOT NULL UNIQUE,
    previous BLOB,
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    ended_by TEXT
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE links (
    secret BLOB NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    purpose TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;

CREATE TABLE throttles (
    bucket BLOB NOT NULL PRIMARY KEY,
    failures INTEGER NOT NULL,
    until_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE idempotent_answers (
    actor TEXT NOT NULL,
    route TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    request BLOB NOT NULL,
    status INTEGER NOT NULL,
    answer BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (actor, route, idempotency_key)
) STRICT;

CREATE TABLE patients (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    identity BLOB NOT NULL,
    cpf_index BLOB UNIQUE,
    cns_index BLOB UNIQUE,
    zone TEXT NOT NULL,
    language TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    blocked_at INTEGER,
    erased_at INTEGER,
    version INTEGER NOT NULL
) STRICT;

CREATE TABLE devices (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    identity BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    disabled_at INTEGER,
    first_seen_at INTEGER,
    last_seen_at INTEGER,
    online INTEGER NOT NULL,
    node INTEGER,
    status BLOB,
    version INTEGER NOT NULL
) STRICT;

CREATE TABLE device_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    device_key INTEGER NOT NULL REFERENCES devices (key),
    issued_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE INDEX device_tokens_by_device ON device_tokens (device_key);

CREATE TABLE bindings (
    id TEXT NOT NULL PRIMARY KEY,
    device_key INTEGER NOT NULL REFERENCES devices (key),
    patient_key INTEGER NOT NULL REFERENCES patients (key),
    from_at INTEGER NOT NULL,
    to_at INTEGER CHECK (to_at > from_at),
    preferred INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX bindings_one_open ON bindings (device_key) WHERE to_at IS NULL;
CREATE INDEX bindings_by_patient ON bindings (patient_key);
CREATE INDEX bindings_by_device ON bindings (device_key, from_at);

CREATE TABLE commands (
    id TEXT NOT NULL PRIMARY KEY,
    device_key INTEGER NOT NULL REFERENCES devices (key),
    body BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    acknowledged_at INTEGER,
    replied_at INTEGER,
    reply BLOB
) STRICT;
CREATE INDEX commands_waiting ON commands (device_key, created_at) WHERE acknowledged_at IS NULL;

CREATE TABLE terms (
    id TEXT NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    lang TEXT NOT NULL,
    version TEXT NOT NULL,
    text TEXT NOT NULL,
    text_sha256 BLOB NOT NULL,
    change TEXT NOT NULL,
    published_at INTEGER NOT NULL,
    author TEXT NOT NULL,
    approver TEXT NOT NULL,
    UNIQUE (purpose, lang, version)
) STRICT;
CREATE INDEX terms_by_hash ON terms (text_sha256);

CREATE TABLE consent_events (
    id TEXT NOT NULL PRIMARY KEY,
    patient_key INTEGER NOT NULL REFERENCES patients (key),
    purpose TEXT NOT NULL,
    action TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    at INTEGER NOT NULL,
    term_sha256 BLOB,
    measured_from INTEGER,
    valid_until INTEGER,
    basis TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT,
    event TEXT NOT NULL,
    evidence BLOB,
    UNIQUE (patient_key, purpose, epoch)
) STRICT;

CREATE TABLE consents (
    patient_key INTEGER NOT NULL REFERENCES patients (key),
    purpose TEXT NOT NULL,
    state TEXT NOT NULL,
    previous TEXT,
    epoch INTEGER NOT NULL,
    term_sha256 BLOB,
    valid_from INTEGER NOT NULL,
    valid_until INTEGER,
    measured_from INTEGER NOT NULL,
    first_granted_at INTEGER,
    scope TEXT NOT NULL,
    pending TEXT NOT NULL,
    guardian INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (patient_key, purpose)
) STRICT, WITHOUT ROWID;

CREATE TABLE readings (
    at INTEGER NOT NULL,
    patient_key INTEGER NOT NULL,
    signal INTEGER NOT NULL,
    device_key INTEGER NOT NULL,
    masked INTEGER NOT NULL,
    attrs INTEGER NOT NULL,
    received INTEGER NOT NULL,
    PRIMARY KEY (at, patient_key, signal, device_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    patient_key INTEGER NOT NULL,
    signal INTEGER NOT NULL,
    span_from INTEGER NOT NULL,
    span_to INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    count INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    UNIQUE (patient_key, signal, span_from, span_to)
) STRICT;

-- A late reading that a chunk already held: its receipt still counts it, its value is the chunk's.
CREATE TABLE merged_readings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    received INTEGER NOT NULL,
    device_key INTEGER NOT NULL,
    patient_key INTEGER NOT NULL,
    signal INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX merged_readings_by_receipt ON merged_readings (received, device_key);

CREATE TABLE unstamped (
    device_key INTEGER NOT NULL,
    payload_index BLOB NOT NULL,
    session INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (device_key, payload_index)
) STRICT, WITHOUT ROWID;
CREATE INDEX unstamped_by_age ON unstamped (at);

CREATE TABLE receipts_open (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    second INTEGER NOT NULL,
    node INTEGER NOT NULL,
    count INTEGER NOT NULL,
    pack BLOB NOT NULL
) STRICT;

CREATE TABLE receipts (
    second INTEGER NOT NULL,
    part INTEGER NOT NULL,
    count INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    pack BLOB NOT NULL,
    PRIMARY KEY (second, part)
) STRICT;

CREATE TABLE quarantine (
    id TEXT NOT NULL PRIMARY KEY,
    patient_key INTEGER,
    device_key INTEGER NOT NULL,
    signal INTEGER,
    reason TEXT NOT NULL,
    at INTEGER,
    received INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    decided_at INTEGER,
    decision TEXT,
    decided_by TEXT,
    note BLOB
) STRICT;
CREATE INDEX quarantine_waiting ON quarantine (patient_key, received_at) WHERE decided_at IS NULL;
CREATE INDEX quarantine_by_expiry ON quarantine (expires_at);

CREATE TABLE rule_versions (
    rule TEXT NOT NULL,
    version INTEGER NOT NULL,
    body TEXT NOT NULL,
    author TEXT NOT NULL,
    approver TEXT NOT NULL,
    in_force_at INTEGER NOT NULL,
    PRIMARY KEY (rule, version)
) STRICT;

CREATE TABLE alerts (
    id TEXT NOT NULL PRIMARY KEY,
    patient_key INTEGER NOT NULL REFERENCES patients (key),
    rule TEXT NOT NULL,
    rule_version INTEGER NOT NULL,
    signal INTEGER NOT NULL,
    level INTEGER NOT NULL,
    peak INTEGER NOT NULL,
    state TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    raised_at INTEGER NOT NULL,
    owner TEXT,
    outcome TEXT,
    retrospective INTEGER NOT NULL,
    snoozed_until INTEGER,
    episode TEXT NOT NULL,
    case_record TEXT NOT NULL,
    finding BLOB,
    version INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX alerts_one_open_episode ON alerts (patient_key, rule) WHERE ended_at IS NULL;
CREATE INDEX alerts_queue ON alerts (level, started_at) WHERE state <> 'resolved';
CREATE INDEX alerts_by_patient ON alerts (patient_key, started_at);

CREATE TABLE alert_acts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    alert_id TEXT NOT NULL REFERENCES alerts (id),
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    act TEXT NOT NULL,
    outcome TEXT,
    note BLOB
) STRICT;
CREATE INDEX alert_acts_by_alert ON alert_acts (alert_id, id);

CREATE TABLE reevaluations (
    patient_key INTEGER NOT NULL,
    signal INTEGER NOT NULL,
    from_at INTEGER NOT NULL,
    since INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (patient_key, signal)
) STRICT, WITHOUT ROWID;

-- Names and ids that open dashboards are told; resumable by id.
CREATE TABLE signals (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    subject TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE accesses (
    viewer TEXT NOT NULL,
    subject TEXT NOT NULL,
    purpose TEXT NOT NULL,
    until_at INTEGER NOT NULL,
    PRIMARY KEY (viewer, subject, purpose)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    entry BLOB,
    leaf INTEGER
) STRICT;
CREATE INDEX audit_entries_waiting ON audit_entries (id) WHERE leaf IS NULL;
CREATE UNIQUE INDEX audit_entries_by_leaf ON audit_entries (leaf);

-- What is kept outside the tree: sealed, or in clear, as the entry's `body.a` says.
CREATE TABLE audit_bodies (
    hash BLOB NOT NULL PRIMARY KEY,
    subject TEXT NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
CREATE INDEX audit_bodies_by_subject ON audit_bodies (subject);

-- One tree a year. `first_leaf`: what `audit_entries.leaf` its first entry has; places in tiles begin at 0 each year.
CREATE TABLE audit_years (
    year INTEGER NOT NULL PRIMARY KEY,
    vkey TEXT NOT NULL UNIQUE,
    first_leaf INTEGER NOT NULL UNIQUE,
    opened_at INTEGER NOT NULL
) STRICT;

CREATE TABLE audit_bundles (
    year INTEGER NOT NULL REFERENCES audit_years (year),
    idx INTEGER NOT NULL,
    width INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (year, idx)
) STRICT;

CREATE TABLE audit_tiles (
    year INTEGER NOT NULL REFERENCES audit_years (year),
    level INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    width INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (year, level, idx)
) STRICT;

CREATE TABLE audit_checkpoints (
    year INTEGER NOT NULL REFERENCES audit_years (year),
    size INTEGER NOT NULL,
    at INTEGER NOT NULL,
    root BLOB NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (year, size)
) STRICT;

CREATE TABLE nodes (
    slot INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT;
