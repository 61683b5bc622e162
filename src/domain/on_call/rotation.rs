//! Turns on the wall clock: handed over at the same hour whatever the clock of the zone did in between. A turn
//! starts at the first instant of its hour and ends at the last one of the next turn's, so that a clock set back
//! gives an overlap and a clock set ahead no gap.

use chrono::{Datelike, Months, NaiveDate, NaiveDateTime, TimeDelta};
use serde::{Deserialize, Serialize};

use crate::calendars::Hours;
use crate::id::UserId;
use crate::line::Label;
use crate::time::civil::{Window, Zone, midnight, next};

/// People who take turns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// Its name.
    pub name: Label,
    /// When the first person's first turn starts, on the wall clock.
    pub starts: NaiveDateTime,
    /// When the last turn ends, on the wall clock; `None`: never.
    #[serde(default)]
    pub ends: Option<NaiveDateTime>,
    /// How long turns are, over and over: `[1 week]`, or `[5 days, 2 days]`.
    pub lengths: Vec<Length>,
    /// Who takes turns, in this order.
    pub people: Vec<UserId>,
    /// Monday to Sunday: the hours in which the rotation puts somebody on call; `None`: day and night.
    #[serde(default)]
    pub hours: Option<[Hours; 7]>,
    /// For so many minutes whoever goes stays on call beside whoever comes.
    #[serde(default)]
    pub overlap_minutes: u16,
    /// What becomes of a turn in which the rotation has no hours.
    #[serde(default)]
    pub idle_turns: Idle,
}

/// What becomes of a turn without hours, as a Sunday's in a rotation of working days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Idle {
    /// Somebody has it and does nothing: with seven people and five days, always the same two. Versions from before
    /// anybody could choose mean this.
    #[default]
    Counted,
    /// The next turn with hours goes to the next person: everybody has as many.
    Skipped,
}

/// The length of a turn on the wall clock: a day has 24 hours on it, always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Length {
    /// Hours.
    Hours(u16),
    /// Days.
    Days(u16),
    /// Weeks.
    Weeks(u16),
    /// Months of the calendar: from the 31st to the last day of a shorter month, and to the 31st again.
    Months(u16),
}

/// The longest month.
const LONGEST_MONTH: i64 = 31 * 24;
/// A little more than a month lasts on average: counted so, nothing lies further ahead than it does.
const MONTH: i64 = 731;

impl Length {
    /// The most hours that it shows on the clock.
    pub(super) fn most_hours(self) -> i64 {
        let (months, hours) = self.parts();
        i64::from(months) * LONGEST_MONTH + hours
    }

    /// Months of the calendar, and hours.
    fn parts(self) -> (u32, i64) {
        match self {
            Self::Hours(n) => (0, i64::from(n)),
            Self::Days(n) => (0, i64::from(n) * 24),
            Self::Weeks(n) => (0, i64::from(n) * WEEK),
            Self::Months(n) => (u32::from(n), 0),
        }
    }
}

/// Hours of a week.
const WEEK: i64 = 168;

/// A turn on the wall clock.
struct Turn {
    user: UserId,
    from: NaiveDateTime,
    to: NaiveDateTime,
}

impl Rotation {
    /// Who has a turn in a window, cut to it. A rotation without people or with a turn of no length has none.
    #[must_use]
    pub fn turns(&self, zone: Zone, within: Window) -> Vec<(UserId, Window)> {
        let mut out = Vec::new();
        for turn in self.on_the_clock(zone, within) {
            for (from, to) in self.hours_of(&turn) {
                let window = Window { from: zone.first(from), to: zone.last(to) };
                out.extend(window.meet(within).map(|window| (turn.user, window)));
            }
        }
        out
    }

    /// When a turn starts on the clock, counted from the first, so that a month's last day stays the last.
    fn handover(&self, number: usize) -> Option<NaiveDateTime> {
        let (cycles, place) =
            (number.checked_div(self.lengths.len())?, number.checked_rem(self.lengths.len())?);
        let ((months, hours), (more_months, more_hours)) =
            (sum(&self.lengths), sum(self.lengths.get(..place)?));
        let cycles = u32::try_from(cycles).ok()?;
        let months = months.checked_mul(cycles)?.checked_add(more_months)?;
        let hours = hours.checked_mul(i64::from(cycles))?.checked_add(more_hours)?;
        self.starts.checked_add_months(Months::new(months))?.checked_add_signed(TimeDelta::try_hours(hours)?)
    }

    /// The number of a turn that starts at or before a clock time, not far from it; the first one, when it lies before.
    fn number_before(&self, at: NaiveDateTime) -> usize {
        let (months, hours) = sum(&self.lengths);
        let whole = i64::from(months) * MONTH + hours;
        let cycles = (at - self.starts).num_hours().checked_div_euclid(whole).unwrap_or(0) - 1;
        usize::try_from(cycles).unwrap_or(0).saturating_mul(self.lengths.len())
    }

    /// The handovers on the wall clock from a clock time on, the first of them at or before it.
    pub fn handovers(&self, from: NaiveDateTime) -> impl Iterator<Item = NaiveDateTime> + '_ {
        (self.number_before(from)..).map_while(|number| self.handover(number))
    }

    fn on_the_clock(&self, zone: Zone, within: Window) -> Vec<Turn> {
        let mut out = Vec::new();
        if self.lengths.iter().any(|length| length.most_hours() < 1) {
            return out;
        }
        let (from, to) = (day_before(zone.local(within.from)), day_after(zone.local(within.to)));
        let first = self.number_before(from);
        let mut worked = self.worked_before(first);
        for number in first.. {
            let (Some(start), Some(end)) = (self.handover(number), self.handover(number.saturating_add(1)))
            else {
                break;
            };
            if start >= to || self.ends.is_some_and(|ends| ends <= start) {
                break;
            }
            if !self.works(start, end) {
                continue;
            }
            let whose = worked.checked_rem(self.people.len()).and_then(|place| self.people.get(place));
            worked += 1;
            let stays = end + TimeDelta::minutes(i64::from(self.overlap_minutes));
            let end = self.ends.map_or(stays, |ends| ends.min(stays));
            out.extend(whose.map(|user| Turn { user: *user, from: start, to: end }));
        }
        out.retain(|turn| turn.to > from);
        out
    }

    /// Whether a turn is somebody's.
    fn works(&self, from: NaiveDateTime, to: NaiveDateTime) -> bool {
        let Some(week) = self.hours.as_ref().filter(|_| self.idle_turns == Idle::Skipped) else {
            return true;
        };
        let days = std::iter::successors(Some(from.date()), |date| Some(next(*date))).take(8);
        let mut hours =
            days.flat_map(|date| week.get(place(date)).into_iter().flat_map(move |day| day.on(date)));
        hours.any(|(opens, closes)| opens.max(from) < closes.min(to))
    }

    /// How many turns before this one are somebody's. Turns fall on the same hours of the week again after so many
    /// cycles that they make whole weeks, so the way back does not grow with the years.
    fn worked_before(&self, number: usize) -> usize {
        let (months, hours) = sum(&self.lengths);
        // A month holds every day of the week.
        if self.hours.is_none() || self.idle_turns == Idle::Counted || months > 0 {
            return number;
        }
        let period = usize::try_from(WEEK / gcd(hours, WEEK)).unwrap_or(1).saturating_mul(self.lengths.len());
        let worked = |until: usize| {
            let turns = (0..until).map_while(|n| Some((self.handover(n)?, self.handover(n + 1)?)));
            turns.filter(|(from, to)| self.works(*from, *to)).count()
        };
        let (whole, rest) =
            (number.checked_div(period).unwrap_or(0), number.checked_rem(period).unwrap_or(0));
        let each = if whole > 0 { worked(period) } else { 0 };
        whole.saturating_mul(each).saturating_add(worked(rest))
    }

    /// The parts of a turn in which the rotation has hours.
    fn hours_of(&self, turn: &Turn) -> Vec<(NaiveDateTime, NaiveDateTime)> {
        let Some(week) = &self.hours else { return vec![(turn.from, turn.to)] };
        let mut parts: Vec<(NaiveDateTime, NaiveDateTime)> = Vec::new();
        let mut date = turn.from.date();
        while midnight(date) < turn.to {
            let hours = week.get(place(date)).into_iter().flat_map(|hours| hours.on(date));
            for (from, to) in hours.map(|(from, to)| (from.max(turn.from), to.min(turn.to))) {
                match parts.last_mut() {
                    _ if from >= to => {}
                    Some(last) if last.1 == from => last.1 = to,
                    _ => parts.push((from, to)),
                }
            }
            date = next(date);
        }
        parts
    }
}

fn sum(lengths: &[Length]) -> (u32, i64) {
    let parts = lengths.iter().map(|length| length.parts());
    parts.fold((0, 0), |(months, hours), (m, h)| (months + m, hours + h))
}

const fn gcd(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a, b);
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn place(date: NaiveDate) -> usize {
    usize::try_from(date.weekday().num_days_from_monday()).unwrap_or(0)
}

fn day_before(at: NaiveDateTime) -> NaiveDateTime {
    at.checked_sub_signed(TimeDelta::days(1)).unwrap_or(at)
}

fn day_after(at: NaiveDateTime) -> NaiveDateTime {
    at.checked_add_signed(TimeDelta::days(1)).unwrap_or(at)
}
