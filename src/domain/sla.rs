//! The clock of a service level: how long it may take, on which clock, what stops the clock and why. Nothing here
//! is remembered: where a timer stands follows from when it started, its pauses and the calendar.

mod level;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::calendars::{Calendar, Closed, Stretch};
use super::time::Instant;
use super::time::civil::Window;
pub use level::{Faulty, Metric, ServiceLevel, calendars, seeds};

/// The target of a service level, and how it is counted. JSON: `{"open_minutes": 240}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Minutes day and night.
    Minutes(u32),
    /// Minutes of the calendar's working hours.
    OpenMinutes(u32),
    /// The end of the n-th day after the start's.
    Days(u32),
    /// The end of the n-th working day after the start's (dias úteis).
    WorkingDays(u32),
}

/// Why a clock stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseReason {
    /// The patient has to answer.
    WaitingPatient,
    /// Somebody outside has to act: a laboratory, a supplier, an operator.
    WaitingThirdParty,
    /// A call was agreed for later.
    ScheduledCallback,
}

/// A stretch in which the clock stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Since when.
    pub from: Instant,
    /// Until when; `None`: still.
    pub to: Option<Instant>,
    /// Why.
    pub reason: PauseReason,
}

/// One clock in progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    /// The target.
    pub target: Target,
    /// When the clock started.
    pub started_at: Instant,
    /// In order and without overlap; only the last may be open.
    pub pauses: Vec<Pause>,
    /// When the target was met, or could no longer be.
    pub stopped_at: Option<Instant>,
}

/// Where a timer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// In time.
    Running,
    /// The clock stands still.
    Paused,
    /// In time, and `WARN_PERCENT` of it is used.
    Warned,
    /// The time is over and nobody has done it.
    Breached,
    /// Done in time.
    Met,
    /// Done, too late.
    Late,
}

/// A stretch of a timer's life, as it is explained to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its instants.
    pub window: Window,
    /// Why the clock stood still; `None`: it ran.
    pub still: Option<Still>,
}

/// Why the clock stood still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Still {
    /// Paused by a person or by what they wait for.
    Paused(PauseReason),
    /// The calendar is closed.
    Closed(Closed),
}

/// A warning comes when this share of the time is used.
pub(crate) const WARN_PERCENT: u32 = 80;

impl PauseReason {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::WaitingPatient, Self::WaitingThirdParty, Self::ScheduledCallback];

    /// Its name in the store and the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WaitingPatient => "waiting_patient",
            Self::WaitingThirdParty => "waiting_third_party",
            Self::ScheduledCallback => "scheduled_callback",
        }
    }
}

impl Standing {
    /// Every standing.
    pub const ALL: [Self; 6] =
        [Self::Running, Self::Paused, Self::Warned, Self::Breached, Self::Met, Self::Late];

    /// Its name in the store and the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Warned => "warned",
            Self::Breached => "breached",
            Self::Met => "met",
            Self::Late => "late",
        }
    }
}

impl Timer {
    /// A clock that starts now.
    #[must_use]
    pub const fn started(target: Target, at: Instant) -> Self {
        Self { target, started_at: at, pauses: Vec::new(), stopped_at: None }
    }

    /// When the time is over; `None` while it is paused, or when the calendar opens no more.
    #[must_use]
    pub fn due(&self, calendar: &Calendar) -> Option<Instant> {
        self.share(calendar, 100)
    }

    /// When to warn. On a calendar of working hours a warning, too, comes while somebody works.
    #[must_use]
    pub fn warn_at(&self, calendar: &Calendar) -> Option<Instant> {
        self.share(calendar, WARN_PERCENT)
    }

    /// When people are notified of what this clock says at an instant: a clock of days says it at midnight, people
    /// hear it when their calendar opens. `None` when it opens no more.
    #[must_use]
    pub fn announced_at(&self, calendar: &Calendar, says: Instant) -> Option<Instant> {
        match self.target {
            Target::Minutes(_) | Target::OpenMinutes(_) => Some(says),
            Target::Days(_) | Target::WorkingDays(_) => calendar.opens(says),
        }
    }

    /// Whether a pause is open.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.stopped_at.is_none() && self.pauses.last().is_some_and(|pause| pause.to.is_none())
    }

    /// Where it stands.
    #[must_use]
    pub fn standing(&self, calendar: &Calendar, now: Instant) -> Standing {
        let at = self.stopped_at.unwrap_or(now);
        // What is asked is how it stood then: what came later is not known yet.
        let then = self.until(at);
        let due = then.due(calendar);
        if self.stopped_at.is_some() {
            // Done at the very instant is done in time.
            return if due.is_some_and(|due| due < at) { Standing::Late } else { Standing::Met };
        }
        let over = |end: Option<Instant>| end.is_some_and(|end| end <= at);
        if over(due) {
            Standing::Breached
        } else if then.pauses.last().is_some_and(|pause| pause.to.is_none()) {
            Standing::Paused
        } else if over(then.warn_at(calendar)) {
            Standing::Warned
        } else {
            Standing::Running
        }
    }

    /// How much of the time is used at an instant, for targets in minutes.
    #[must_use]
    pub fn used(&self, calendar: &Calendar, now: Instant) -> Duration {
        let ran = self.trace(calendar, now).into_iter().filter(|segment| segment.still.is_none());
        ran.map(|segment| segment.window.to.since(segment.window.from)).sum()
    }

    /// Its life from the start until `now`, or until it stopped: when the clock ran, when it stood still, and why.
    #[must_use]
    pub fn trace(&self, calendar: &Calendar, now: Instant) -> Vec<Segment> {
        let end = self.stopped_at.map_or(now, |at| at.min(now));
        let mut out = Vec::new();
        let mut at = self.started_at;
        for pause in self.pauses.iter().filter(|pause| pause.from < end) {
            self.ran(calendar, Window { from: at, to: pause.from }, &mut out);
            let to = pause.to.map_or(end, |to| to.min(end));
            let window = Window { from: pause.from, to };
            out.push(Segment { window, still: Some(Still::Paused(pause.reason)) });
            at = to;
        }
        self.ran(calendar, Window { from: at, to: end }, &mut out);
        out
    }

    fn ran(&self, calendar: &Calendar, window: Window, out: &mut Vec<Segment>) {
        if window.from >= window.to {
            return;
        }
        match self.target {
            Target::Minutes(_) | Target::Days(_) => out.push(Segment { window, still: None }),
            Target::OpenMinutes(_) | Target::WorkingDays(_) => {
                let segment = |stretch: Stretch| Segment {
                    window: stretch.window,
                    still: stretch.closed.map(Still::Closed),
                };
                out.extend(calendar.trace(window).into_iter().map(segment));
            }
        }
    }

    /// When a share of the time is used.
    fn share(&self, calendar: &Calendar, percent: u32) -> Option<Instant> {
        let minutes = |n: u32| Duration::from_secs(u64::from(n) * 60) * percent / 100;
        let days = |n: u32| u32::try_from(u64::from(n) * u64::from(percent) / 100).unwrap_or(n);
        match self.target {
            Target::Minutes(n) => self.after(&Calendar::always(calendar.zone), minutes(n)),
            Target::OpenMinutes(n) => self.after(calendar, minutes(n)),
            Target::Days(n) => self.after_days(&Calendar::always(calendar.zone), days(n)),
            Target::WorkingDays(n) => self.after_days(calendar, days(n)),
        }
    }

    fn after(&self, calendar: &Calendar, time: Duration) -> Option<Instant> {
        let mut left = time;
        let mut at = self.started_at;
        for pause in &self.pauses {
            let ran = calendar.between(at, pause.from);
            if left <= ran {
                return calendar.add(at, left);
            }
            left = left.saturating_sub(ran);
            at = pause.to?;
        }
        calendar.add(at, left)
    }

    /// A day that a pause touches does not count.
    fn after_days(&self, calendar: &Calendar, days: u32) -> Option<Instant> {
        let mut date = calendar.zone.date(self.started_at);
        let mut counted = 0;
        while counted < days {
            date = calendar.working_day(date, 1)?;
            let day = calendar.zone.day(date);
            let touched = |pause: &&Pause| pause.from < day.to && pause.to.is_none_or(|to| to > day.from);
            match self.pauses.iter().find(touched) {
                Some(pause) if pause.to.is_none() => return None,
                Some(_) => {}
                None => counted += 1,
            }
        }
        Some(calendar.zone.day(date).to)
    }

    /// The timer as it was known at an instant.
    fn until(&self, at: Instant) -> Self {
        let known = self.pauses.iter().filter(|pause| pause.from <= at);
        let pauses = known.map(|pause| Pause { to: pause.to.filter(|to| *to <= at), ..*pause }).collect();
        Self { pauses, ..self.clone() }
    }
}
