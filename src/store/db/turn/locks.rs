//! The order of locks. A transaction takes them as DESIGN §2 names them: turn, consents, patient, alert, SLA clock,
//! escalation, message. Debug builds assert it at every lock, on PostgreSQL, where two transactions run at once.
//!
//! - The first three come strictly first: no consent or patient is locked after an alert or anything below one,
//!   unless this transaction holds it already.
//! - An alert's row guards its clocks, its escalation and its messages: they are locked only under it, in that order,
//!   so transactions contend for alerts only. A transaction that takes several alerts waits for them in the order of
//!   patients and signals (ingest, under the shared turn) or of ids (a revocation, under the whole turn), or does not
//!   wait (the engine skips what is held).
//! - The outbox locks the messages of one message and waits for none of them, or waits for a single one. It holds no
//!   alert then, and below the messages at most the row of the webhook that is called.
//! - The machines of a process are locked before any row of a replay: ingest holds its machines while it marks such a
//!   row, and the database cannot see a deadlock that runs through a mutex.

use std::collections::BTreeSet;

use domain::AlertId;

/// What is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lock {
    /// The turn between people and telemetry ([`crate::db::turn`]), shared.
    Turn,
    /// The same, whole.
    WholeTurn,
    /// The consents of a patient, by key.
    Consents(i64),
    /// An alert.
    Alert(AlertId),
    /// The SLA clocks of an alert.
    Clocks(AlertId),
    /// The escalation of an alert.
    Escalation(AlertId),
    /// The messages about an alert.
    Messages(AlertId),
    /// One message, by the outbox.
    Message,
    /// The machines with which this process judges ([`crate::rules::reevaluations::machines`]).
    Machines,
    /// A series to be judged again.
    Replay,
}

/// What a transaction holds.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    turn: bool,
    whole: bool,
    consents: BTreeSet<i64>,
    alerts: BTreeSet<AlertId>,
    /// The alert that is being changed, and how far down the order its rows are locked.
    at: Option<(AlertId, u8)>,
    replay: bool,
}

impl Locks {
    /// Whether the turn is held, shared or whole.
    pub(crate) const fn hold_turn(&self) -> bool {
        self.turn
    }

    /// Whether the consents of a patient are held.
    pub(crate) fn hold_consents(&self, patient_key: i64) -> bool {
        self.consents.contains(&patient_key)
    }

    /// Whether an alert is held.
    pub(crate) fn hold_alert(&self, id: AlertId) -> bool {
        self.alerts.contains(&id)
    }

    /// Notes a lock. The error says what is wrong with its place in the order.
    pub(crate) fn take(&mut self, lock: Lock) -> Result<(), &'static str> {
        let below = !self.alerts.is_empty() || self.at.is_some();
        match lock {
            Lock::WholeTurn if self.turn && !self.whole => {
                Err("who shares the turn does not ask for the whole")
            }
            Lock::Turn | Lock::WholeTurn if self.turn => Ok(()),
            Lock::Turn | Lock::WholeTurn if below || !self.consents.is_empty() => {
                Err("the turn is asked for first")
            }
            Lock::Turn | Lock::WholeTurn => {
                (self.turn, self.whole) = (true, lock == Lock::WholeTurn);
                Ok(())
            }
            Lock::Consents(key) if below && !self.consents.contains(&key) => {
                Err("consents are locked before alerts and what hangs on them")
            }
            Lock::Consents(key) => {
                self.consents.insert(key);
                Ok(())
            }
            Lock::Alert(id) => {
                if self.alerts.insert(id) {
                    self.at = None;
                }
                Ok(())
            }
            Lock::Clocks(id) => self.under(id, 1),
            Lock::Escalation(id) => self.under(id, 2),
            Lock::Messages(id) => self.under(id, 3),
            Lock::Message if below => Err("a message alone is locked in a transaction of its own"),
            Lock::Machines if self.replay => Err("machines are locked before the row of a replay"),
            Lock::Replay => {
                self.replay = true;
                Ok(())
            }
            Lock::Message | Lock::Machines => Ok(()),
        }
    }

    /// An act on this alert ended: the next one begins at the top.
    pub(crate) const fn step_out(&mut self) {
        self.at = None;
    }

    fn under(&mut self, id: AlertId, depth: u8) -> Result<(), &'static str> {
        if !self.alerts.contains(&id) {
            return Err("clocks, escalations and messages of an alert are locked under its row");
        }
        match self.at {
            Some((held, deepest)) if held == id && deepest > depth => {
                Err("under an alert: clocks, then the escalation, then messages")
            }
            _ => {
                self.at = Some((id, depth));
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Instant;

    #[test]
    fn locks_out_of_order_are_named() {
        let id = AlertId::new(Instant::from_secs(1));
        let mut locks = Locks::default();
        let order = [Lock::Turn, Lock::Consents(1), Lock::Consents(2), Lock::Alert(id), Lock::Clocks(id)];
        order.into_iter().for_each(|lock| locks.take(lock).unwrap());
        locks.take(Lock::Escalation(id)).unwrap();
        locks.take(Lock::Messages(id)).unwrap();
        locks.take(Lock::Consents(1)).unwrap();
        for late in
            [Lock::WholeTurn, Lock::Consents(3), Lock::Clocks(id), Lock::Escalation(id), Lock::Message]
        {
            assert!(locks.take(late).is_err(), "{late:?}");
        }
        locks.step_out();
        locks.take(Lock::Clocks(id)).unwrap();
        let other = AlertId::new(Instant::from_secs(2));
        assert!(locks.take(Lock::Escalation(other)).is_err(), "its alert is not held");
        locks.take(Lock::Alert(other)).unwrap();
        locks.take(Lock::Escalation(other)).unwrap();
        let mut fresh = Locks::default();
        fresh.take(Lock::Consents(1)).unwrap();
        assert!(fresh.take(Lock::Turn).is_err(), "the turn comes first");
        [Lock::Machines, Lock::Replay].into_iter().for_each(|lock| fresh.take(lock).unwrap());
        assert!(fresh.take(Lock::Machines).is_err(), "they are let go only with the last row");
    }
}
