//! What a policy would have done with the alerts of the past: how often each step pages, whom on which day, and how
//! often nobody answers. Pure: it runs each case with the same `Run` as the engine, and supposes that people answer
//! when they did.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::NaiveDate;

use super::policy::{Policy, Step};
use super::run::{Did, Found, Run};
use crate::id::UserId;
use crate::time::Instant;
use crate::time::civil::Zone;

/// One alert of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Happened {
    /// When somebody should have come.
    pub began: Instant,
    /// Who answered first, and when.
    pub answered: Option<(UserId, Instant)>,
    /// When it was resolved.
    pub over: Option<Instant>,
}

/// What one step would have done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StepTally {
    /// How often it was taken and paged somebody.
    pub paged: u32,
    /// Pages to people.
    pub pages: u32,
    /// How often nobody was found for it.
    pub empty: u32,
}

/// What a policy would have done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DryRun {
    /// Alerts that were escalated.
    pub cases: u32,
    /// Alerts that came to the top without an answer.
    pub unanswered: u32,
    /// By step.
    pub steps: Vec<StepTally>,
    /// Those who are called when nobody was reached.
    pub top: StepTally,
    /// Pages to each person on each day of the zone.
    pub people: BTreeMap<UserId, BTreeMap<NaiveDate, u32>>,
}

/// How two policies differ over the same alerts: the first less the second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Difference {
    /// Pages.
    pub pages: i64,
    /// Alerts that came to the top without an answer.
    pub unanswered: i64,
    /// Pages to the most paged person on that person's worst day.
    pub worst_day: i64,
}

/// A case is followed for this long: what never ends would be paged for ever.
const FOLLOWED: Duration = Duration::from_secs(24 * 3_600);

/// Escalations every case until it was over, a day at the most, and never beyond `until`. `find` says who is there for a
/// step at an instant; `zone` is where a day begins. The policy must have passed [`Policy::check`].
pub fn dry_run(
    policy: &Policy,
    cases: &[Happened],
    until: Instant,
    zone: Zone,
    find: &mut dyn FnMut(&Step, Instant) -> Found,
) -> DryRun {
    let mut tally = DryRun { steps: vec![StepTally::default(); policy.steps.len()], ..DryRun::default() };
    for case in cases {
        tally.cases = tally.cases.saturating_add(1);
        tally.advance(policy, case, until, zone, find);
    }
    tally
}

impl DryRun {
    /// Pages to people, of all steps.
    #[must_use]
    pub fn pages(&self) -> u32 {
        self.steps.iter().map(|tally| tally.pages).fold(self.top.pages, u32::saturating_add)
    }

    /// Who was paged most on one day, when, and how often.
    #[must_use]
    pub fn worst_day(&self) -> Option<(UserId, NaiveDate, u32)> {
        let days = self.people.iter().flat_map(|(user, days)| days.iter().map(|(day, n)| (*user, *day, *n)));
        days.max_by_key(|(_, day, n)| (*n, std::cmp::Reverse(*day)))
    }

    /// The difference to another policy over the same cases.
    #[must_use]
    pub fn against(&self, other: &Self) -> Difference {
        let worst = |tally: &Self| i64::from(tally.worst_day().map_or(0, |(_, _, n)| n));
        Difference {
            pages: i64::from(self.pages()) - i64::from(other.pages()),
            unanswered: i64::from(self.unanswered) - i64::from(other.unanswered),
            worst_day: worst(self) - worst(other),
        }
    }

    fn advance(
        &mut self,
        policy: &Policy,
        case: &Happened,
        until: Instant,
        zone: Zone,
        find: &mut dyn FnMut(&Step, Instant) -> Found,
    ) {
        let end = case.over.unwrap_or(until).min(case.began.plus(FOLLOWED)).min(until);
        let mut answer = case.answered;
        let mut run = Run::begin(policy.clone(), case.began);
        while let Some(next) = run.next_at {
            if let Some((by, at)) = answer.take_if(|(_, at)| *at <= next) {
                // An answer stops what is due at the same instant, as the engine's transaction would.
                let _never_done = run.acknowledge(by, at);
                continue;
            }
            if next >= end {
                return;
            }
            for did in run.tick(next, &mut |step| find(step, next)) {
                self.note(did, zone.date(next));
            }
        }
    }

    fn note(&mut self, did: Did, day: NaiveDate) {
        match did {
            Did::Paged { step, people, .. } => {
                let tally = match step {
                    Some(step) => self.steps.get_mut(step),
                    None => Some(&mut self.top),
                };
                if let Some(tally) = tally {
                    let pages = u32::try_from(people.len()).unwrap_or(u32::MAX);
                    tally.pages = tally.pages.saturating_add(pages);
                    if people.is_empty() { tally.empty += 1 } else { tally.paged += 1 }
                }
                for user in people {
                    *self.people.entry(user).or_default().entry(day).or_default() += 1;
                }
            }
            Did::Empty { step, .. } => {
                if let Some(tally) = self.steps.get_mut(step) {
                    tally.empty += 1;
                }
            }
            Did::NobodyReached => self.unanswered += 1,
            Did::Joined { .. } | Did::Resumed | Did::Withheld => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::escalation::seeds;

    fn minute(n: u64) -> Instant {
        Instant::from_secs(1_795_348_800).plus(Duration::from_secs(60 * n))
    }

    fn person(n: u128) -> UserId {
        uuid::Uuid::from_u128(n).to_string().parse().unwrap()
    }

    fn zone() -> Zone {
        Zone::parse("America/Sao_Paulo").unwrap()
    }

    fn red() -> Policy {
        seeds().remove(0)
    }

    fn everybody(policy: &Policy) -> impl FnMut(&Step, Instant) -> Found {
        let steps = policy.steps.clone();
        move |step, _at| {
            let place = steps.iter().position(|other| other == step).unwrap_or(4);
            vec![person(u128::try_from(place).unwrap() + 1)]
        }
    }

    #[test]
    fn pages_are_counted_by_step_and_by_person_and_day() {
        let policy = red();
        let case = |began, answered: Option<u64>, over: Option<u64>| Happened {
            began: minute(began),
            answered: answered.map(|at| (person(1), minute(at))),
            over: over.map(minute),
        };
        // Answered in the second step; answered at once; never, and over after 22 minutes.
        let cases = [case(0, Some(7), Some(20)), case(100, Some(101), Some(110)), case(200, None, Some(222))];
        let tally = dry_run(&policy, &cases, minute(10_000), zone(), &mut everybody(&policy));
        let paged: Vec<u32> = tally.steps.iter().map(|tally| tally.paged).collect();
        assert_eq!(paged, [3, 2, 1, 1]);
        assert_eq!((tally.cases, tally.unanswered, tally.top.pages), (3, 1, 1));
        assert_eq!(tally.pages(), 8);
        assert_eq!(tally.worst_day().map(|(who, _, n)| (who, n)), Some((person(1), 3)));
    }

    #[test]
    fn what_was_acknowledged_and_forgotten_pages_again() {
        let policy = red();
        let case =
            Happened { began: minute(0), answered: Some((person(1), minute(1))), over: Some(minute(40)) };
        let tally = dry_run(&policy, &[case], minute(10_000), zone(), &mut everybody(&policy));
        // Thirty minutes after the answer, at 31, the first step; at 36 the second.
        assert_eq!((tally.steps[0].paged, tally.steps[1].paged), (2, 1));
    }

    #[test]
    fn an_empty_step_is_counted_and_an_alert_without_an_end_is_followed_for_a_day() {
        let policy = red();
        let case = Happened { began: minute(0), answered: None, over: None };
        let tally = dry_run(&policy, &[case], minute(100_000), zone(), &mut |_step, _at| vec![]);
        assert!(tally.steps.iter().all(|tally| *tally == StepTally { paged: 0, pages: 0, empty: 1 }));
        assert_eq!((tally.unanswered, tally.pages()), (1, 0));
        assert_eq!(tally.top.empty, 24 * 60 / 5, "every five minutes of one day");
    }

    #[test]
    fn the_difference_says_what_a_change_costs() {
        let (now, mut slower) = (red(), red());
        slower.steps[0].minutes = 15;
        let case =
            Happened { began: minute(0), answered: Some((person(1), minute(9))), over: Some(minute(12)) };
        let old = dry_run(&now, &[case], minute(1_000), zone(), &mut everybody(&now));
        let new = dry_run(&slower, &[case], minute(1_000), zone(), &mut everybody(&slower));
        assert_eq!(new.against(&old), Difference { pages: -1, unanswered: 0, worst_day: 0 });
    }
}
