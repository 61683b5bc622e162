//! The turn to write on SQLite: one writer at a time, people before telemetry, and telemetry never starved.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::conn::Conn;

/// Holds the one write connection.
pub struct Gate {
    turns: Mutex<Turns>,
    changed: Condvar,
    conn: Mutex<Conn>,
}

#[derive(Default)]
struct Turns {
    busy: bool,
    urgent: usize,
    patient: usize,
    owed: bool,
}

/// Who wants to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// A person's act: a revocation must not queue behind a flood of readings.
    Urgent,
    /// Telemetry and the engine: after every urgent writer, then one turn is owed.
    Patient,
}

/// The turn; ends when dropped.
pub struct Turn<'g> {
    gate: &'g Gate,
    /// The write connection.
    pub conn: MutexGuard<'g, Conn>,
    urgency: Urgency,
}

impl Gate {
    /// A gate around the one write connection.
    #[must_use]
    pub fn new(conn: Conn) -> Self {
        Self { turns: Mutex::default(), changed: Condvar::new(), conn: Mutex::new(conn) }
    }

    /// Waits for a turn.
    pub fn enter(&self, urgency: Urgency) -> Turn<'_> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        match urgency {
            Urgency::Urgent => turns.urgent += 1,
            Urgency::Patient => turns.patient += 1,
        }
        while turns.busy || !turns.may(urgency) {
            turns = self.changed.wait(turns).unwrap_or_else(PoisonError::into_inner);
        }
        match urgency {
            Urgency::Urgent => turns.urgent -= 1,
            Urgency::Patient => {
                turns.patient -= 1;
                turns.owed = false;
            }
        }
        turns.busy = true;
        drop(turns);
        Turn { gate: self, conn: self.conn.lock().unwrap_or_else(PoisonError::into_inner), urgency }
    }
}

impl Turns {
    const fn may(&self, urgency: Urgency) -> bool {
        match urgency {
            Urgency::Urgent => !(self.owed && self.patient > 0),
            Urgency::Patient => self.urgent == 0 || self.owed,
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut turns = self.gate.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.busy = false;
        if self.urgency == Urgency::Urgent && turns.patient > 0 {
            turns.owed = true;
        }
        drop(turns);
        self.gate.changed.notify_all();
    }
}
