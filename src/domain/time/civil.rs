//! Wall clocks: what people live in an IANA zone, turned into instants. A clock time may never come (the clock
//! jumped ahead; in Brazil it did so at midnight) or come twice; each question says which instant it wants.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::Instant;

/// A zone of the IANA time zone database, as in `America/Sao_Paulo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(Tz);

/// The name is not in the IANA time zone database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no IANA time zone; write one like America/Sao_Paulo")]
pub struct NoZone;

/// Instants from `from` (inclusive) to `to` (exclusive).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    /// The first instant.
    pub from: Instant,
    /// The first instant after it.
    pub to: Instant,
}

impl Window {
    /// What both windows hold, or nothing.
    #[must_use]
    pub fn meet(self, other: Self) -> Option<Self> {
        let both = Self { from: self.from.max(other.from), to: self.to.min(other.to) };
        (both.from < both.to).then_some(both)
    }

    /// Whether the instant lies in it.
    #[must_use]
    pub fn holds(self, at: Instant) -> bool {
        self.from <= at && at < self.to
    }
}

/// In order, without empty ones, those that touch or overlap made one.
#[must_use]
pub fn union(mut windows: Vec<Window>) -> Vec<Window> {
    windows.retain(|window| window.from < window.to);
    windows.sort_unstable();
    let mut out: Vec<Window> = Vec::with_capacity(windows.len());
    for window in windows {
        match out.last_mut() {
            Some(last) if window.from <= last.to => last.to = last.to.max(window.to),
            _ => out.push(window),
        }
    }
    out
}

impl Zone {
    /// Where most of Brazil lives.
    pub const SAO_PAULO: Self = Self(Tz::America__Sao_Paulo);

    /// From its name.
    ///
    /// # Errors
    /// [`NoZone`].
    pub fn parse(name: &str) -> Result<Self, NoZone> {
        name.parse().map(Self).map_err(|_no_such_zone| NoZone)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// What the clock shows at an instant.
    #[must_use]
    pub fn local(self, at: Instant) -> NaiveDateTime {
        shift(utc(at), self.offset(at))
    }

    /// The date that the clock shows at an instant.
    #[must_use]
    pub fn date(self, at: Instant) -> NaiveDate {
        self.local(at).date()
    }

    /// The first instant at which the clock shows `local`; when it never does, the instant of the jump over it.
    #[must_use]
    pub fn first(self, local: NaiveDateTime) -> Instant {
        let change = self.change(local, local);
        let before = change.before(local);
        if before < change.at { before } else { change.after(local).max(change.at) }
    }

    /// The last instant at which the clock shows `local`; when it never does, the instant of the jump over it.
    #[must_use]
    pub fn last(self, local: NaiveDateTime) -> Instant {
        let change = self.change(local, local);
        let after = change.after(local);
        if after >= change.at { after } else { change.before(local).min(change.at) }
    }

    /// The instants at which the clock shows `from` or later and not yet `to`, which are at most a day apart: two
    /// windows when the clock was set back in between, none when it jumped over all of it.
    #[must_use]
    pub fn during(self, from: NaiveDateTime, to: NaiveDateTime) -> Vec<Window> {
        let change = self.change(from, to);
        let before = Window { from: change.before(from), to: change.before(to).min(change.at) };
        let after = Window { from: change.after(from).max(change.at), to: change.after(to) };
        union(vec![before, after])
    }

    /// The instants of a local day.
    #[must_use]
    pub fn day(self, date: NaiveDate) -> Window {
        Window { from: self.first(midnight(date)), to: self.first(midnight(next(date))) }
    }

    fn offset(self, at: Instant) -> i64 {
        i64::from(self.0.offset_from_utc_datetime(&utc(at)).fix().local_minus_utc())
    }

    /// How the clock was changed from a day before `from` to a day after `to`. No zone changes twice in so
    /// short a time; where nothing was changed, the change is to the same offset.
    fn change(self, from: NaiveDateTime, to: NaiveDateTime) -> Change {
        let (mut before, mut after) = (instant(from).minus(DAY).secs(), instant(to).plus(DAY).secs());
        let offset = |secs| self.offset(Instant::from_secs(secs));
        let (early, late) = (offset(before), offset(after));
        while after - before > 1 && early != late {
            let middle = before + (after - before) / 2;
            if offset(middle) == early { before = middle } else { after = middle }
        }
        Change { at: Instant::from_secs(after), early, late }
    }
}

const DAY: Duration = Duration::from_secs(86_400);

/// A clock set from one offset to another; seconds east of UTC.
struct Change {
    at: Instant,
    early: i64,
    late: i64,
}

impl Change {
    /// When a clock that was never set anew shows `local`.
    fn before(&self, local: NaiveDateTime) -> Instant {
        instant(shift(local, -self.early))
    }

    /// When a clock that always ran as it does now shows `local`.
    fn after(&self, local: NaiveDateTime) -> Instant {
        instant(shift(local, -self.late))
    }
}

fn utc(at: Instant) -> NaiveDateTime {
    let edge = if at < Instant::from_secs(0) { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    at.utc().unwrap_or(edge).naive_utc()
}

fn instant(utc: NaiveDateTime) -> Instant {
    Instant::from_micros(utc.and_utc().timestamp_micros())
}

fn shift(time: NaiveDateTime, seconds: i64) -> NaiveDateTime {
    time.checked_add_signed(TimeDelta::seconds(seconds)).unwrap_or(time)
}

/// The start of a date on the clock.
#[must_use]
pub fn midnight(date: NaiveDate) -> NaiveDateTime {
    date.and_time(NaiveTime::MIN)
}

/// The date after; the last one that can be written has none and stays.
#[must_use]
pub fn next(date: NaiveDate) -> NaiveDate {
    date.succ_opt().unwrap_or(date)
}

impl TryFrom<String> for Zone {
    type Error = NoZone;

    fn try_from(name: String) -> Result<Self, NoZone> {
        Self::parse(&name)
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name().into()
    }
}
