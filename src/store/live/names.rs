//! The names of signals: what changes are called, on every node alike.

/// Every name that is announced, as readers compare it.
pub(crate) const NAMES: [&str; 14] = [
    "alert.changed",
    "audit.sealed",
    "config.changed",
    "consent.changed",
    "device.changed",
    "device.commanded",
    "device.connected",
    "job.changed",
    "message.changed",
    "patient.changed",
    "readings.changed",
    "rules.changed",
    "session.ended",
    "term.published",
];
