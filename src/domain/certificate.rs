//! How long the certificates are good by which people and devices know this node.

use std::time::Duration;

use super::Instant;

const DAY: Duration = Duration::from_secs(86_400);
/// One that is good for less should be renewed.
pub const SOON: Duration = DAY.saturating_mul(30);
/// One that is good for less is nearly over.
pub const NOW: Duration = DAY.saturating_mul(7);

/// Who is shown a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Browsers and programs.
    Https,
    /// Devices.
    Mqtts,
}

impl Door {
    /// As people who run a node say it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Https => "HTTPS",
            Self::Mqtts => "MQTT over TLS",
        }
    }
}

/// The certificate of a door, as it was read at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Certificate {
    /// Which door.
    pub door: Door,
    /// The last instant at which it is good.
    pub not_after: Instant,
}

impl Certificate {
    /// For how long it is good yet; zero: it has expired.
    #[must_use]
    pub fn left(&self, now: Instant) -> Duration {
        self.not_after.since(now)
    }

    /// Whether whoever checks it turns away.
    #[must_use]
    pub fn is_expired(&self, now: Instant) -> bool {
        self.left(now).is_zero()
    }

    /// What is wrong with it and what to do; `None`: it is good for a month and more.
    #[must_use]
    pub fn words(&self, now: Instant) -> Option<String> {
        let (door, at, left) = (self.door.name(), self.not_after, self.left(now));
        if left > SOON {
            return None;
        }
        Some(if left.is_zero() {
            format!(
                "the certificate of {door} expired at {at}: who checks it turns away; renew it and start the node anew"
            )
        } else {
            let days = left.as_secs() / DAY.as_secs();
            format!(
                "the certificate of {door} expires in {days} day(s), at {at}: renew it and start the node anew"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_told_for_the_last_thirty_days_and_after_its_end() {
        let now = Instant::from_secs(1_795_348_800);
        let ends = |not_after| Certificate { door: Door::Https, not_after };
        assert_eq!(ends(now.plus(SOON + DAY)).words(now), None);
        let soon = ends(now.plus(DAY * 6 + DAY / 2));
        assert!(soon.words(now).unwrap().contains("HTTPS expires in 6 day(s)") && soon.left(now) < NOW);
        assert!(!soon.is_expired(now));
        let over = ends(now.minus(DAY));
        assert!(over.is_expired(now) && over.words(now).unwrap().contains("expired at 2026-11-21"));
    }
}
