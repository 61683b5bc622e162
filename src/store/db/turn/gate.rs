//! The turn to write on SQLite: one writer at a time, people before telemetry, and telemetry never starved.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::db::conn::Conn;

/// Holds the one write connection.
pub(crate) struct Gate {
    turns: Mutex<Turns>,
    changed: Condvar,
    conn: Mutex<Conn>,
}

#[derive(Default)]
struct Turns {
    busy: bool,
    urgent: Line,
    patient: Line,
    owed: bool,
}

/// The writers that wait, in the order of asking: one that comes back at once does not pass one that waits.
#[derive(Default)]
struct Line {
    last: u64,
    served: u64,
}

impl Line {
    const fn ask(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    const fn is_next(&self, number: u64) -> bool {
        self.served + 1 == number
    }

    const fn is_empty(&self) -> bool {
        self.served == self.last
    }
}

/// The kinds of writers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// A person's act: a revocation must not queue behind a flood of readings.
    Urgent,
    /// Telemetry and the engine: after every urgent writer, then one turn is owed.
    Patient,
}

/// The turn; ends when dropped.
pub(crate) struct Turn<'g> {
    gate: &'g Gate,
    /// The write connection.
    pub conn: MutexGuard<'g, Conn>,
    urgency: Urgency,
}

impl Gate {
    /// A gate around the one write connection.
    #[must_use]
    pub(crate) fn new(conn: Conn) -> Self {
        Self { turns: Mutex::default(), changed: Condvar::new(), conn: Mutex::new(conn) }
    }

    /// Waits for a turn.
    pub(crate) fn enter(&self, urgency: Urgency) -> Turn<'_> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let number = turns.line(urgency).ask();
        while turns.busy || !turns.may(urgency) || !turns.line(urgency).is_next(number) {
            turns = self.changed.wait(turns).unwrap_or_else(PoisonError::into_inner);
        }
        turns.line(urgency).served = number;
        if urgency == Urgency::Patient {
            turns.owed = false;
        }
        turns.busy = true;
        drop(turns);
        Turn { gate: self, conn: self.conn.lock().unwrap_or_else(PoisonError::into_inner), urgency }
    }
}

impl Turns {
    const fn line(&mut self, urgency: Urgency) -> &mut Line {
        match urgency {
            Urgency::Urgent => &mut self.urgent,
            Urgency::Patient => &mut self.patient,
        }
    }

    const fn may(&self, urgency: Urgency) -> bool {
        match urgency {
            Urgency::Urgent => !self.owed || self.patient.is_empty(),
            Urgency::Patient => self.urgent.is_empty() || self.owed,
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut turns = self.gate.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.busy = false;
        if self.urgency == Urgency::Urgent && !turns.patient.is_empty() {
            turns.owed = true;
        }
        drop(turns);
        self.gate.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;
    use crate::{Opener, Url};

    fn waiting(gate: &Gate) -> u64 {
        let turns = gate.turns.lock().unwrap();
        (turns.urgent.last - turns.urgent.served) + (turns.patient.last - turns.patient.served)
    }

    #[test]
    fn turns_come_in_the_order_of_asking_people_first_and_one_is_owed_after_each() {
        let dir = tempfile::tempdir().unwrap();
        let opener = Opener { url: Url::Sqlite(dir.path().join("a.db")), read_only: false };
        let gate = Gate::new(opener.open().unwrap());
        let (entered, heard) = channel();
        std::thread::scope(|scope| {
            let held = gate.enter(Urgency::Patient);
            let asking = [
                ("roll", Urgency::Patient),
                ("ingest", Urgency::Patient),
                ("revoke", Urgency::Urgent),
                ("claim", Urgency::Urgent),
                ("seal", Urgency::Patient),
            ];
            for (place, (name, urgency)) in asking.into_iter().enumerate() {
                let (gate, entered) = (&gate, entered.clone());
                scope.spawn(move || {
                    let _turn = gate.enter(urgency);
                    entered.send(name).unwrap();
                });
                while waiting(gate) <= u64::try_from(place).unwrap() {
                    std::thread::park_timeout(Duration::from_millis(1));
                }
            }
            drop(held);
        });
        drop(entered);
        assert_eq!(heard.iter().collect::<Vec<_>>(), ["revoke", "roll", "claim", "ingest", "seal"]);
    }
}
