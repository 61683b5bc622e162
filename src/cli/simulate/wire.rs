//! Where letters leave a simulation: nowhere. What would have gone out is noted, and the provider of e-mail is away
//! for some hours.

use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::civil::Window;
use crate::domain::message::{self, Attempt};
use crate::domain::{AlertId, Instant, UserId};
use crate::notify::{Address, Channel, Letter, Said};

/// A person was told of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    /// When.
    pub at: Instant,
    /// Of which.
    pub alert: AlertId,
    /// Who.
    pub user: UserId,
}

/// What the wire carried.
#[derive(Debug, Default)]
pub struct Log {
    told: Vec<Told>,
}

/// A channel without a network.
pub struct Wire {
    channel: message::Channel,
    away: Option<Window>,
    log: Arc<Mutex<Log>>,
}

impl Wire {
    /// One that takes whatever it is given, but for a window in which nobody answers.
    #[must_use]
    pub fn new(channel: message::Channel, away: Option<Window>, log: &Arc<Mutex<Log>>) -> Self {
        Self { channel, away, log: Arc::clone(log) }
    }
}

/// Who was told since the last look.
#[must_use]
pub fn take(log: &Mutex<Log>) -> Vec<Told> {
    std::mem::take(&mut log.lock().unwrap_or_else(PoisonError::into_inner).told)
}

impl Channel for Wire {
    fn channel(&self) -> message::Channel {
        self.channel
    }

    fn send(&self, letter: &Letter, now: Instant) -> Said {
        if self.away.is_some_and(|away| away.holds(now)) {
            return Said { attempt: Attempt::Later(None), provider_id: None, code: "away", answered: false };
        }
        if let (Address::Person(user), Some(alert)) = (&letter.to, alert_of(&letter.text)) {
            let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            log.told.push(Told { at: now, alert, user: *user });
        }
        Said { attempt: Attempt::Accepted, provider_id: None, code: "simulated", answered: true }
    }
}

/// The alert that a letter's link leads to.
fn alert_of(text: &str) -> Option<AlertId> {
    let (_, rest) = text.split_once("/alerts/")?;
    rest.get(..36)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_leads_to_its_alert() {
        let id = AlertId::new(Instant::from_secs(1_800_000_000));
        assert_eq!(alert_of(&format!("Entre: https://zelo.example/alerts/{id}\n")), Some(id));
        assert_eq!(alert_of("Entre: https://zelo.example/status"), None);
    }
}
