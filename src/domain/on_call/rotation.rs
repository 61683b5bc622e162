//! Turns on the wall clock: handed over at the same hour whatever the clock of the zone did in between. A turn
//! starts at the first instant of its hour and ends at the last one of the next turn's, so that a clock set back
//! gives an overlap and a clock set ahead no gap.

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta};
use serde::{Deserialize, Serialize};

use crate::domain::calendar::Hours;
use crate::domain::civil::{Window, Zone, midnight, next};
use crate::domain::id::UserId;
use crate::domain::line::Label;

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
}

impl Length {
    pub(super) fn hours(self) -> i64 {
        match self {
            Self::Hours(n) => i64::from(n),
            Self::Days(n) => i64::from(n) * 24,
            Self::Weeks(n) => i64::from(n) * 168,
        }
    }
}

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

    /// The handovers on the wall clock from a clock time on, the first of them at or before it.
    pub fn handovers(&self, from: NaiveDateTime) -> impl Iterator<Item = NaiveDateTime> + '_ {
        self.numbered(from).map(|(_, at)| at)
    }

    fn numbered(&self, from: NaiveDateTime) -> impl Iterator<Item = (usize, NaiveDateTime)> + '_ {
        let whole: i64 = self.lengths.iter().map(|length| length.hours()).sum();
        let usable = whole > 0 && self.lengths.iter().all(|length| length.hours() > 0);
        let cycles = if usable { ((from - self.starts).num_hours().div_euclid(whole) - 1).max(0) } else { 0 };
        let first = usize::try_from(cycles).unwrap_or(0).saturating_mul(self.lengths.len());
        let mut at = self.starts.checked_add_signed(TimeDelta::hours(cycles.saturating_mul(whole)));
        let mut lengths = self.lengths.iter().cycle();
        let all = (first..).map_while(move |number| {
            let this = at?;
            at = lengths.next().and_then(|length| this.checked_add_signed(TimeDelta::hours(length.hours())));
            Some((number, this))
        });
        all.take(if usable { usize::MAX } else { 0 })
    }

    fn on_the_clock(&self, zone: Zone, within: Window) -> Vec<Turn> {
        let (from, to) = (day_before(zone.local(within.from)), day_after(zone.local(within.to)));
        let mut handovers = self.numbered(from).peekable();
        let mut out = Vec::new();
        while let Some((number, start)) = handovers.next() {
            let over = self.ends.is_some_and(|ends| ends <= start);
            let (Some((_, end)), false) = (handovers.peek(), over || start >= to) else { break };
            let end = self.ends.map_or(*end, |ends| ends.min(*end));
            let turn = number.checked_rem(self.people.len()).and_then(|place| self.people.get(place));
            out.extend(turn.map(|user| Turn { user: *user, from: start, to: end }));
        }
        out.retain(|turn| turn.to > from);
        out
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

fn place(date: NaiveDate) -> usize {
    usize::try_from(date.weekday().num_days_from_monday()).unwrap_or(0)
}

fn day_before(at: NaiveDateTime) -> NaiveDateTime {
    at.checked_sub_signed(TimeDelta::days(1)).unwrap_or(at)
}

fn day_after(at: NaiveDateTime) -> NaiveDateTime {
    at.checked_add_signed(TimeDelta::days(1)).unwrap_or(at)
}
