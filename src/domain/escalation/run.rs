//! One escalation. Every wait has an end, every change counts the fence up, and what was decided before a change cannot
//! act after it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::policy::{Policy, Step};
use crate::alerts::{AlertCase, AlertState, Level};
use crate::calendars::Calendar;
use crate::id::UserId;
use crate::time::Instant;

/// A policy in progress for one case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The version that was in force when it began: a later edit does not alter an escalation.
    pub policy: Policy,
    /// The step that was taken last, from 0; `None` before the first.
    pub step: Option<usize>,
    /// How often the escalation was begun, from 0.
    pub round: u8,
    /// Where it stands.
    pub state: State,
    /// When somebody was last paged, or it began.
    pub stepped_at: Instant,
    /// When it acts next by itself.
    pub next_at: Option<Instant>,
    /// Counts up with every change.
    pub fence: u64,
    /// When it calls, and whether it ends.
    #[serde(default)]
    pub pace: Pace,
}

/// When an escalation calls people, and whether it has an end at its top.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// Day and night, and at its top again and again until a named person takes it: a red.
    #[default]
    Relentless,
    /// In the open hours of a calendar only, which count its waits too, and at its top once: anything below red.
    Within(Box<Calendar>),
}

impl Pace {
    /// That of a case of this level whose clocks count by `calendar`.
    #[must_use]
    pub fn of(level: Level, calendar: &Calendar) -> Self {
        if level < Level::Red { Self::Within(Box::new(calendar.clone())) } else { Self::Relentless }
    }

    /// The instant by which people had `time` to answer. A calendar that opens no more counts day and night: every wait
    /// has an end.
    #[must_use]
    pub fn after(&self, from: Instant, time: Duration) -> Instant {
        match self {
            Self::Relentless => from.plus(time),
            Self::Within(calendar) => calendar.add(from, time).map_or(from.plus(time), |at| self.opens(at)),
        }
    }

    /// The first instant from `at` on at which people may be called.
    #[must_use]
    pub fn opens(&self, at: Instant) -> Instant {
        match self {
            Self::Relentless => at,
            Self::Within(calendar) => calendar.opens(at).unwrap_or(at),
        }
    }
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits for an answer, or for its first step. Stored and shown to programs as `climbing`: rows on disk and clients
    /// of the API say so.
    #[serde(rename = "climbing")]
    Waiting,
    /// A named person answered.
    Acknowledged(UserId),
    /// Silent until an instant that somebody chose.
    Snoozed(UserId),
    /// The escalation is over and nobody answered: stays on top until a named person takes it.
    NobodyReached,
    /// No legal basis for calling people: nobody is paged until there is one again. The case stays on the queue.
    NoBasis,
    /// The case is done.
    Done,
}

/// Who was found for a step. The order is that of paging.
pub type Found = Vec<UserId>;

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Did {
    /// Paged these people.
    Paged {
        /// The step, from 0; `None`: those for nobody reached, or a person by name.
        step: Option<usize>,
        /// The round.
        round: u8,
        /// Who.
        people: Found,
    },
    /// Called people who came to be meant by a step after it was called.
    Joined {
        /// The step, from 0.
        step: usize,
        /// The round.
        round: u8,
        /// Who.
        people: Found,
    },
    /// Found nobody for a step.
    Empty {
        /// The step.
        step: usize,
        /// The round.
        round: u8,
    },
    /// Came to the end without an answer.
    NobodyReached,
    /// An acknowledgement or a silence came to its end without a resolution.
    Resumed,
    /// The permit for calling people was denied: nobody is paged.
    Withheld,
}

/// Why an act changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The button is older than the last page.
    #[error("it was escalated already since this was shown; look again")]
    Stale,
    /// The case is done.
    #[error("the case is resolved")]
    Done,
    /// There is nothing to take back.
    #[error("nobody has acknowledged it")]
    NotAcknowledged,
    /// A silence without an end.
    #[error("a silence ends within 24 hours")]
    TooLong,
}

/// The longest silence.
const LONGEST_SILENCE: Duration = Duration::from_secs(24 * 3_600);

impl Run {
    /// An escalation that begins now.
    #[must_use]
    pub fn begin(policy: Policy, now: Instant) -> Self {
        Self::begin_at(policy, Pace::Relentless, now)
    }

    /// An escalation that begins now because an SLA was breached. A case that somebody answered for, silenced or
    /// claimed is not called about: its escalation begins in that wait.
    #[must_use]
    pub fn breached(policy: Policy, pace: Pace, case: &AlertCase, now: Instant) -> Self {
        let mut run = Self::begin_at(policy, pace, now);
        let answer = case.acknowledgements.iter().rev().find(|answer| !answer.over);
        let claimed = case.owner.zip(case.claimed_until).filter(|(_, until)| *until > now);
        match (case.state, answer, case.snooze, claimed) {
            (AlertState::Resolved, ..) => run.finish(),
            _ if case.is_settled() => run.finish(),
            (AlertState::Acknowledged, Some(answer), ..) => drop(run.acknowledge(answer.by, now)),
            (AlertState::Snoozed, _, Some(snooze), _) => drop(run.snooze(snooze.by, now, snooze.until)),
            (AlertState::Open, _, _, Some((owner, until))) => drop(run.snooze(owner, now, until)),
            _ => {}
        }
        run
    }

    fn begin_at(policy: Policy, pace: Pace, now: Instant) -> Self {
        let first = pace.after(now, Duration::from_secs(60 * u64::from(policy.starts_after)));
        let first = pace.opens(first);
        Self {
            policy,
            step: None,
            round: 0,
            state: State::Waiting,
            stepped_at: now,
            next_at: Some(first),
            fence: 0,
            pace,
        }
    }

    /// The case is worse than what this escalation began for: another policy takes its place, from its first step.
    pub fn give_way(&mut self, policy: Policy, now: Instant) {
        *self = Self { fence: self.fence + 1, ..Self::begin(policy, now) };
    }

    /// From now on at this pace: what was due in a closed hour waits for the next open one.
    pub fn paced(&mut self, pace: Pace) {
        self.fence += 1;
        self.next_at = self.next_at.map(|at| pace.opens(at));
        self.pace = pace;
    }

    /// Acts if it is due: at most one group of people is paged. `find` says who is there for a step now.
    pub fn tick(&mut self, now: Instant, find: &mut dyn FnMut(&Step) -> Found) -> Vec<Did> {
        if self.next_at.is_none_or(|at| at > now) {
            return Vec::new();
        }
        self.fence += 1;
        // What was planned for an open hour and comes late, after an outage, waits for the next one. What a hand planned
        // for a closed hour is meant.
        let opens = self.pace.opens(now);
        if opens > now && self.next_at.is_some_and(|at| self.pace.opens(at) == at) {
            self.next_at = Some(opens);
            return Vec::new();
        }
        match self.state {
            State::Waiting => self.advance(now, find),
            State::Acknowledged(_) | State::Snoozed(_) => {
                let mut did = vec![Did::Resumed];
                did.extend(self.again(now, find));
                did
            }
            State::NobodyReached => vec![self.call_again(now, find)],
            State::NoBasis | State::Done => {
                self.next_at = None;
                Vec::new()
            }
        }
    }

    /// In place of [`Run::tick`] when the permit for calling people is denied: a wait ends as it would, and nobody is
    /// paged.
    pub fn withhold(&mut self, now: Instant) -> Vec<Did> {
        if self.next_at.is_none_or(|at| at > now) {
            return Vec::new();
        }
        let waited = matches!(self.state, State::Acknowledged(_) | State::Snoozed(_));
        self.fence += 1;
        (self.state, self.next_at) = (State::NoBasis, None);
        if waited { vec![Did::Resumed, Did::Withheld] } else { vec![Did::Withheld] }
    }

    /// Nobody it waits for can be reached: the next step is due as soon as people may be called. Says whether it changed anything.
    pub fn hasten(&mut self, now: Instant) -> bool {
        let next = self.pace.opens(now);
        let waits = self.state == State::Waiting && self.next_at.is_some_and(|at| at > next);
        if waits {
            self.fence += 1;
            self.next_at = Some(next);
        }
        waits
    }

    /// The steps that were called so far and still want an answer, each with its place. Whoever comes to be meant by one of
    /// them is called too.
    #[must_use]
    pub fn called_steps(&self) -> Vec<(usize, &Step)> {
        let steps = self.policy.steps.iter().enumerate();
        match self.state {
            State::NobodyReached => steps.collect(),
            State::Waiting if self.round > 0 => steps.collect(),
            State::Waiting => steps.take(self.step.map_or(0, |step| step + 1)).collect(),
            State::Acknowledged(_) | State::Snoozed(_) | State::NoBasis | State::Done => Vec::new(),
        }
    }

    /// People whom a step means now and nobody called yet, because their turn began or they stand in for somebody, are
    /// called beside the escalation. It goes on as it would; where nobody else is waited for (`in_vain`), it waits the time of
    /// their step for them.
    pub fn join(&mut self, step_at: usize, people: Found, in_vain: bool, now: Instant) -> Option<Did> {
        let waits = self.next_at.is_some_and(|at| at > now) && self.pace.opens(now) == now;
        let time = self.step_at(step_at)?.time();
        if people.is_empty() || !waits {
            return None;
        }
        self.fence += 1;
        self.stepped_at = now;
        if in_vain && self.state == State::Waiting {
            self.next_at = Some(self.pace.after(now, time));
        }
        Some(Did::Joined { step: step_at, round: self.round, people: distinct(people) })
    }

    /// The legal basis for calling people ended: whoever would be paged next is not. A wait for somebody who answered
    /// goes on. Says whether it changed anything.
    pub fn basis_ended(&mut self) -> bool {
        let pages = matches!(self.state, State::Waiting | State::NobodyReached);
        if pages {
            self.fence += 1;
            (self.state, self.next_at) = (State::NoBasis, None);
        }
        pages
    }

    /// There is a legal basis for calling people again: the step it stood on is paged by the next tick. Says whether
    /// it changed anything.
    pub fn basis_given(&mut self, now: Instant) -> bool {
        self.state == State::NoBasis && self.rearm(now).is_ok()
    }

    /// A named person answers: nothing more is paged, until `acknowledged_for` is over.
    ///
    /// # Errors
    /// [`Refused::Done`].
    pub fn acknowledge(&mut self, by: UserId, now: Instant) -> Result<(), Refused> {
        self.change()?;
        let lasts = self.policy.acknowledged_for.map(|minutes| Duration::from_secs(60 * u64::from(minutes)));
        let until = lasts.map(|lasts| self.pace.after(now, lasts));
        (self.state, self.next_at) = (State::Acknowledged(by), until);
        Ok(())
    }

    /// The answer is taken back: the step it stood on is paged again at once.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn unacknowledge(&mut self, now: Instant) -> Result<(), Refused> {
        if !matches!(self.state, State::Acknowledged(_) | State::Snoozed(_) | State::Done) {
            return Err(Refused::NotAcknowledged);
        }
        // A case that was closed too soon and is open again goes on.
        if self.state == State::Done {
            self.state = State::Waiting;
        }
        self.rearm(now)
    }

    /// Whoever it was left to, or handed to, can answer no more: it goes on from where it stood, at once.
    ///
    /// # Errors
    /// [`Refused::Done`].
    pub fn abandoned(&mut self, now: Instant) -> Result<(), Refused> {
        match self.state {
            State::Acknowledged(_) | State::Snoozed(_) => self.rearm(now),
            State::Waiting | State::NobodyReached => {
                self.change()?;
                self.next_at = Some(self.pace.opens(now));
                Ok(())
            }
            State::NoBasis => Ok(()),
            State::Done => Err(Refused::Done),
        }
    }

    /// Whoever it was left to may hold it no longer: when their wait is over, the next step is called and not the same again.
    pub fn moves_on(&mut self) {
        if matches!(self.state, State::Acknowledged(_) | State::Snoozed(_)) {
            self.step = self.step.map(|step| step + 1);
        }
    }

    /// Something worse happened since the answer: as if it had not been given.
    ///
    /// # Errors
    /// [`Refused::Done`].
    pub(crate) fn rearm(&mut self, now: Instant) -> Result<(), Refused> {
        self.change()?;
        // Resumes where it stood: the step is taken anew by the next tick.
        self.step = self.step.and_then(|step| step.checked_sub(1));
        (self.state, self.next_at) = (State::Waiting, Some(self.pace.opens(now)));
        Ok(())
    }

    /// Silent until an instant; then the step it stood on is paged again.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn snooze(&mut self, by: UserId, now: Instant, until: Instant) -> Result<(), Refused> {
        if until.since(now) > LONGEST_SILENCE {
            return Err(Refused::TooLong);
        }
        self.change()?;
        (self.state, self.next_at) = (State::Snoozed(by), Some(self.pace.opens(until)));
        Ok(())
    }

    /// A person pages the next step now, unless somebody was paged since what that person saw.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn force(&mut self, seen: Instant, now: Instant) -> Result<(), Refused> {
        if self.stepped_at > seen {
            return Err(Refused::Stale);
        }
        self.change()?;
        if self.state != State::NobodyReached {
            self.state = State::Waiting;
        }
        self.next_at = Some(now);
        Ok(())
    }

    /// Hands it to a person, who is paged and has the time of the current step to answer.
    ///
    /// # Errors
    /// [`Refused::Done`].
    pub fn reassign(&mut self, to: UserId, now: Instant) -> Result<Did, Refused> {
        self.change()?;
        let time = self.step_at(self.step.unwrap_or(0)).map_or(self.policy.nobody_reached.time(), Step::time);
        (self.stepped_at, self.next_at) = (now, Some(self.pace.after(now, time)));
        if self.state != State::NobodyReached {
            self.state = State::Waiting;
        }
        Ok(Did::Paged { step: None, round: self.round, people: vec![to] })
    }

    /// The case is done.
    pub fn finish(&mut self) {
        self.fence += 1;
        (self.state, self.next_at) = (State::Done, None);
    }

    fn change(&mut self) -> Result<(), Refused> {
        if self.state == State::Done {
            return Err(Refused::Done);
        }
        self.fence += 1;
        Ok(())
    }

    fn step_at(&self, step: usize) -> Option<&Step> {
        self.policy.steps.get(step)
    }

    /// Goes to the next step that has anybody, or whose minutes are to be waited for.
    fn advance(&mut self, now: Instant, find: &mut dyn FnMut(&Step) -> Found) -> Vec<Did> {
        let mut did = Vec::new();
        loop {
            let mut step = self.step.map_or(0, |step| step + 1);
            if step >= self.policy.steps.len() {
                if self.round >= self.policy.repeat {
                    break;
                }
                self.round += 1;
                step = 0;
            }
            self.step = Some(step);
            let Some(step_at) = self.policy.steps.get(step) else { break };
            let people = distinct(find(step_at));
            let (time, skip) = (step_at.time(), step_at.skip_if_empty);
            let empty = people.is_empty();
            did.push(if empty {
                Did::Empty { step, round: self.round }
            } else {
                Did::Paged { step: Some(step), round: self.round, people }
            });
            if !(empty && skip) {
                (self.stepped_at, self.next_at) = (now, Some(self.pace.after(now, time)));
                return did;
            }
        }
        self.state = State::NobodyReached;
        did.push(Did::NobodyReached);
        did.push(self.call_again(now, find));
        did
    }

    /// Pages the step it stands on once more.
    fn again(&mut self, now: Instant, find: &mut dyn FnMut(&Step) -> Found) -> Vec<Did> {
        self.state = State::Waiting;
        self.step = self.step.and_then(|step| step.checked_sub(1));
        self.advance(now, find)
    }

    fn call_again(&mut self, now: Instant, find: &mut dyn FnMut(&Step) -> Found) -> Did {
        let people = distinct(find(&self.policy.nobody_reached));
        let again =
            matches!(self.pace, Pace::Relentless).then(|| now.plus(self.policy.nobody_reached.time()));
        (self.stepped_at, self.next_at) = (now, again);
        Did::Paged { step: None, round: self.round, people }
    }
}

/// One page a person, however many targets name them.
fn distinct(people: Found) -> Found {
    let mut seen = BTreeSet::new();
    people.into_iter().filter(|user| seen.insert(*user)).collect()
}
