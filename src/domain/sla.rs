//! A promise with a time in it: how long it may take, on which clock, what stops the clock and why. Nothing here
//! is remembered: where a timer stands follows from when it started, its pauses and the calendar.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::calendar::{Calendar, Closed, Stretch};
use super::civil::Window;
use super::time::Instant;

/// What is promised, and the clock that counts it. JSON: `{"open_minutes": 240}`.
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

/// One promise in progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    /// What is promised.
    pub target: Target,
    /// When the clock started.
    pub started_at: Instant,
    /// In order and without overlap; only the last may be open.
    pub pauses: Vec<Pause>,
    /// When the promise was kept, or could no longer be.
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
    /// In time, and [`WARN_PERCENT`] of it is used.
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
pub const WARN_PERCENT: u32 = 80;

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
                let told = |stretch: Stretch| Segment {
                    window: stretch.window,
                    still: stretch.closed.map(Still::Closed),
                };
                out.extend(calendar.trace(window).into_iter().map(told));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::{Hours, Place};
    use crate::domain::civil::Zone;
    use chrono::NaiveDateTime;
    use proptest::prelude::*;

    fn desk() -> Calendar {
        let weekday = Hours::parse("08:00-12:00 13:00-18:00").unwrap();
        let week = std::array::from_fn(|day| if day < 5 { weekday.clone() } else { Hours::NONE });
        Calendar { week, place: Some(Place::default()), ..Calendar::always(Zone::SAO_PAULO) }
    }

    fn at(text: &str) -> Instant {
        Zone::SAO_PAULO.first(NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap())
    }

    fn paused(from: &str, to: Option<&str>) -> Pause {
        Pause { from: at(from), to: to.map(at), reason: PauseReason::WaitingPatient }
    }

    #[test]
    fn the_clock_stands_still_while_the_patient_is_waited_for() {
        let desk = desk();
        let mut timer = Timer::started(Target::OpenMinutes(240), at("2026-11-24 09:00"));
        assert_eq!(timer.due(&desk), Some(at("2026-11-24 14:00")));
        timer.pauses.push(paused("2026-11-24 10:00", None));
        assert_eq!(timer.due(&desk), None);
        assert_eq!(timer.standing(&desk, at("2026-12-24 10:00")), Standing::Paused);
        timer.pauses[0] = paused("2026-11-24 10:00", Some("2026-11-25 17:00"));
        assert_eq!(
            timer.due(&desk),
            Some(at("2026-11-26 10:00")),
            "an hour before, one on the 25th, two on the 26th"
        );
    }

    #[test]
    fn it_warns_at_four_fifths_breaches_when_due_and_a_stop_ends_it() {
        let desk = desk();
        let mut timer = Timer::started(Target::OpenMinutes(300), at("2026-11-24 08:00"));
        for (now, standing) in [
            ("2026-11-24 11:59", Standing::Running),
            ("2026-11-24 12:00", Standing::Warned),
            ("2026-11-24 13:59", Standing::Warned),
            ("2026-11-24 14:00", Standing::Breached),
        ] {
            assert_eq!(timer.standing(&desk, at(now)), standing, "{now}");
        }
        timer.stopped_at = Some(at("2026-11-24 14:00"));
        assert_eq!(timer.standing(&desk, at("2027-11-24 14:00")), Standing::Met);
        timer.stopped_at = Some(at("2026-11-24 14:01"));
        assert_eq!(timer.standing(&desk, at("2027-11-24 14:00")), Standing::Late);
    }

    /// After "obrigada" of a patient whose case is resolved, nothing may run on (chatwoot 10178).
    #[test]
    fn nothing_runs_after_the_stop() {
        let desk = desk();
        let mut timer = Timer::started(Target::OpenMinutes(60), at("2026-11-24 09:00"));
        timer.stopped_at = Some(at("2026-11-24 09:30"));
        let used = timer.used(&desk, at("2026-11-27 09:00"));
        assert_eq!(used, Duration::from_secs(1_800));
        assert_eq!(timer.standing(&desk, at("2026-11-27 09:00")), Standing::Met);
    }

    #[test]
    fn a_breach_before_a_pause_stays_a_breach() {
        let desk = desk();
        let mut timer = Timer::started(Target::Minutes(60), at("2026-11-24 09:00"));
        timer.pauses.push(paused("2026-11-24 11:00", None));
        assert_eq!(timer.standing(&desk, at("2026-11-24 12:00")), Standing::Breached);
    }

    #[test]
    fn a_statutory_answer_is_counted_in_days() {
        let desk = desk();
        let sac = Timer::started(Target::Days(7), at("2026-11-20 10:00"));
        assert_eq!(sac.due(&desk), Some(at("2026-11-28 00:00")), "the whole seventh day is theirs");
        let ans = Timer::started(Target::WorkingDays(5), at("2026-11-19 10:00"));
        assert_eq!(ans.due(&desk), Some(at("2026-11-28 00:00")), "20 November is a holiday");
        assert_eq!(ans.warn_at(&desk), Some(at("2026-11-27 00:00")));
    }

    /// Reminders of escalation went out at midnight and on weekends (zammad 4432, glpi 22678).
    #[test]
    fn a_warning_falls_into_working_hours() {
        let desk = desk();
        let timer = Timer::started(Target::OpenMinutes(240), at("2026-11-27 16:00"));
        let warn = timer.warn_at(&desk).unwrap();
        assert_eq!(warn, at("2026-11-30 09:12"));
        assert!(desk.is_open(warn));
    }

    #[test]
    fn its_trace_tells_every_stretch_and_why() {
        let desk = desk();
        let mut timer = Timer::started(Target::OpenMinutes(240), at("2026-11-24 11:00"));
        timer.pauses.push(paused("2026-11-24 14:00", Some("2026-11-24 15:00")));
        let told: Vec<Option<Still>> =
            timer.trace(&desk, at("2026-11-24 16:00")).into_iter().map(|segment| segment.still).collect();
        let lunch = Some(Still::Closed(Closed::OffHours));
        let waiting = Some(Still::Paused(PauseReason::WaitingPatient));
        assert_eq!(told, [None, lunch, None, waiting, None]);
    }

    proptest! {
        #[test]
        fn what_is_used_when_it_is_due_is_what_was_promised(
            start in 0_i64..20_000, minutes in 1_u32..3_000, cuts in proptest::collection::btree_set(0_i64..20_000, 0..6),
        ) {
            let desk = desk();
            let begin = at("2026-11-16 00:00");
            let after = |minutes: i64| Instant::from_secs(begin.secs() + 60 * minutes);
            let cuts: Vec<i64> = cuts.into_iter().filter(|cut| *cut > start).collect();
            let mut timer = Timer::started(Target::OpenMinutes(minutes), after(start));
            timer.pauses = cuts.chunks_exact(2).map(|cut| Pause {
                from: after(cut[0]), to: Some(after(cut[1])), reason: PauseReason::ScheduledCallback,
            }).collect();
            let due = timer.due(&desk).unwrap();
            prop_assert_eq!(timer.used(&desk, due), Duration::from_secs(60 * u64::from(minutes)));
            prop_assert!(timer.warn_at(&desk).unwrap() <= due);
        }
    }
}
