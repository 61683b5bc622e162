//! Circuit breakers for providers, mail domains, mailboxes and programs. One that fails is left alone for a while by
//! itself; everybody else is served meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::Instant;
use domain::messages::Channel;
use notify::breaker::Breaker;
use notify::{Fault, SendOutcome};

/// A party that can fail.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whom {
    /// The provider of a channel.
    Provider(Channel),
    /// The mail server behind a domain.
    Domain(String),
    /// A mailbox of a person's, or a program that is called.
    Recipient(Channel, String),
}

impl Whom {
    const fn is_provider(&self) -> bool {
        matches!(self, Self::Provider(_))
    }
}

#[derive(Debug, Default)]
struct Known {
    breaker: Breaker,
    /// For a domain: the mailboxes that failed since one last answered. One failing mailbox says nothing about its
    /// neighbours.
    sick: BTreeSet<String>,
    /// Since when the breaker is open.
    since: Option<Instant>,
    /// The code of the last failure; never personal data.
    why: &'static str,
}

impl Known {
    fn failed(&mut self, why: &'static str, now: Instant) {
        self.breaker.failed(now);
        self.why = why;
        self.since = self.breaker.open_until().map(|_| self.since.unwrap_or(now));
    }
}

/// A party that is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// Who.
    pub whom: Whom,
    /// Since when.
    pub since: Instant,
    /// Until when; then one message probes whether it is back.
    pub until: Instant,
    /// The code of the last failure, as in `smtp_421`.
    pub why: &'static str,
}

/// How the providers are doing, for the status page. Cheap to clone.
#[derive(Clone, Default)]
pub struct Breakers(Arc<Mutex<BTreeMap<Whom, Known>>>);

impl Breakers {
    /// Until when each channel's provider is left alone; `None` when its breaker is closed. Webhooks have a breaker for
    /// each program: the one that stays open longest stands for the channel.
    #[must_use]
    pub fn open_until(&self) -> Vec<(Channel, Option<Instant>)> {
        let mut channels = BTreeMap::new();
        for (whom, known) in self.all().iter() {
            let channel = match whom {
                Whom::Provider(channel) | Whom::Recipient(channel @ Channel::Webhook, _) => *channel,
                Whom::Recipient(..) | Whom::Domain(_) => continue,
            };
            let rest: &mut Option<Instant> = channels.entry(channel).or_default();
            *rest = (*rest).max(known.breaker.open_until());
        }
        channels.into_iter().collect()
    }

    /// All parties that are left alone: providers, domains, mailboxes and programs.
    #[must_use]
    pub fn resting(&self) -> Vec<Rest> {
        let rests = |(whom, known): (&Whom, &Known)| {
            let (since, until) = (known.since?, known.breaker.open_until()?);
            Some(Rest { whom: whom.clone(), since, until, why: known.why })
        };
        self.all().iter().filter_map(rests).collect()
    }

    /// Closes every breaker, after the clock was corrected: the pauses were measured on the wrong clock.
    pub fn clear(&self) {
        self.all().clear();
    }

    /// Admits one message if all of these may be asked now. For each that was left alone this message is the recovery
    /// probe.
    pub(super) fn admit(&self, whoms: &[Whom], now: Instant) -> Option<Admitted> {
        let mut all = self.all();
        let closed = |whom: &Whom| all.get(whom).is_some_and(|known| !known.breaker.would_admit(now));
        if whoms.iter().any(closed) {
            return None;
        }
        let mut rested = false;
        for whom in whoms {
            let breaker = &mut all.entry(whom.clone()).or_default().breaker;
            rested |= breaker.open_until().is_some();
            breaker.admits(now);
        }
        Some(Admitted { rested })
    }

    /// Gives the probe back: nothing was sent after all, and another message may probe.
    pub(super) fn not_asked(&self, whoms: &[Whom]) {
        let mut all = self.all();
        for whom in whoms {
            all.entry(whom.clone()).or_default().breaker.not_asked();
        }
    }

    /// Updates the breakers from the answer to an attempt.
    pub(super) fn heard(&self, whoms: &[Whom], to: &str, outcome: &SendOutcome, now: Instant) {
        // A webhook has no provider in between: there the fault is always the recipient's.
        let between = whoms.iter().any(Whom::is_provider);
        let mut all = self.all();
        for whom in whoms {
            let known = all.entry(whom.clone()).or_default();
            match (outcome.fault, whom) {
                (None, _) | (Some(Fault::Recipient), Whom::Provider(_)) => *known = Known::default(),
                (Some(Fault::Provider), Whom::Domain(_)) => known.breaker.not_asked(),
                (Some(Fault::Provider), Whom::Recipient(..)) if between => known.breaker.not_asked(),
                (Some(Fault::Recipient), Whom::Domain(_)) => {
                    // A mailbox that is known to fail says nothing new about its domain: the next mailbox in line is
                    // the probe.
                    if known.sick.insert(to.to_owned()) {
                        known.failed(outcome.code, now);
                    } else {
                        known.breaker.not_asked();
                    }
                }
                (Some(_), Whom::Provider(_) | Whom::Recipient(..)) => known.failed(outcome.code, now),
            }
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Whom, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A message may go.
pub(super) struct Admitted {
    /// At least one party was left alone: this message is its recovery probe.
    pub(super) rested: bool,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use domain::messages::Attempt;

    fn second(n: u64) -> Instant {
        Instant::from_secs(1_800_000_000).plus(Duration::from_secs(n))
    }

    fn failed(fault: Option<Fault>) -> SendOutcome {
        SendOutcome { attempt: Attempt::Later(None), provider_id: None, code: "x", fault }
    }

    fn of(name: &str) -> [Whom; 3] {
        let domain = name.split_once('@').unwrap().1;
        [
            Whom::Provider(Channel::Email),
            Whom::Domain(domain.into()),
            Whom::Recipient(Channel::Email, name.into()),
        ]
    }

    #[test]
    fn a_mailbox_that_does_not_answer_rests_and_neither_its_neighbours_nor_the_provider() {
        let breakers = Breakers::default();
        for n in 0..20 {
            breakers.heard(&of("hugo@a"), "hugo@a", &failed(Some(Fault::Recipient)), second(n));
        }
        assert!(breakers.admit(&of("hugo@a"), second(20)).is_none());
        let whom = Whom::Recipient(Channel::Email, "hugo@a".into());
        assert_eq!(breakers.resting().iter().map(|rest| &rest.whom).collect::<Vec<_>>(), [&whom]);
        let rest = breakers.resting().remove(0);
        assert_eq!((rest.since, rest.why), (second(4), "x"), "since the fifth failure");
        assert!(rest.until > second(19));
        assert!(breakers.admit(&of("ana@a"), second(20)).is_some_and(|admitted| !admitted.rested));
        assert_eq!(breakers.open_until(), [(Channel::Email, None)]);
    }

    #[test]
    fn a_domain_of_which_nobody_answers_rests_and_no_other() {
        let breakers = Breakers::default();
        for n in 0..5 {
            let name = format!("p{n}@a");
            breakers.heard(&of(&name), &name, &failed(Some(Fault::Recipient)), second(0));
        }
        assert!(breakers.admit(&of("new@a"), second(1)).is_none());
        assert!(breakers.admit(&of("new@b"), second(1)).is_some());
        let probe = breakers.admit(&of("new@a"), second(10)).unwrap();
        assert!(probe.rested && breakers.admit(&of("other@a"), second(10)).is_none(), "one asks for all");
        let domain = |breakers: &Breakers| {
            let all = breakers.resting();
            all.into_iter().find(|rest| rest.whom == Whom::Domain("a".into())).map(|rest| rest.since)
        };
        assert_eq!(domain(&breakers), Some(second(0)));
        breakers.heard(&of("new@a"), "new@a", &failed(None), second(11));
        assert_eq!(domain(&breakers), None);
        assert!(breakers.admit(&of("other@a"), second(11)).is_some());
    }

    #[test]
    fn a_sick_mailbox_never_asks_for_its_neighbours_twice() {
        let breakers = Breakers::default();
        for n in 0..5 {
            let name = format!("p{n}@a");
            breakers.heard(&of(&name), &name, &failed(Some(Fault::Recipient)), second(0));
        }
        // The one that was sick first is first in line, and fails again: whoever is next is asked at once.
        assert!(breakers.admit(&of("p0@a"), second(60)).is_some());
        breakers.heard(&of("p0@a"), "p0@a", &failed(Some(Fault::Recipient)), second(61));
        assert!(breakers.admit(&of("well@a"), second(61)).is_some());
    }

    #[test]
    fn a_provider_that_is_away_is_nobody_elses_fault() {
        let breakers = Breakers::default();
        for _ in 0..5 {
            breakers.heard(&of("ana@a"), "ana@a", &failed(Some(Fault::Provider)), second(0));
        }
        assert!(breakers.admit(&of("bia@b"), second(1)).is_none());
        // The message that asks whether it is back goes to a sick mailbox: the provider is back all the same.
        assert!(breakers.admit(&of("hugo@c"), second(10)).is_some());
        breakers.heard(&of("hugo@c"), "hugo@c", &failed(Some(Fault::Recipient)), second(10));
        assert!(breakers.admit(&of("ana@a"), second(10)).is_some_and(|admitted| !admitted.rested));
    }
}
