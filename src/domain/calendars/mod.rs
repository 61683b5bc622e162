//! When a team works: several intervals a day, holidays, dated exceptions. Time is counted exactly over instants,
//! whatever the clocks of the zone did in between.

mod holidays;
mod hours;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{Datelike, NaiveDate, TimeDelta, Weekday};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::line::Label;
use super::time::Instant;
use super::time::civil::{Window, Zone, next, union};
pub use holidays::{Holiday, MUNICIPALITIES, Place, Scope, State};
pub use hours::{Hours, NoHours};

/// Nothing is looked for further ahead: a calendar that opens no more has no deadline.
const HORIZON_DAYS: i64 = 3_660;

/// A team's working time. One version of it; a change is a new version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// Whose clock counts.
    pub zone: Zone,
    /// Whose holidays count; `None`: it works through all of them.
    pub place: Option<Place>,
    /// Monday to Sunday. A day without hours is closed.
    pub week: [Hours; 7],
    /// Dates with hours of their own, before the week and the holidays: a half day, a closed Friday, a worked
    /// holiday. An exception for the date itself goes before a yearly one. A day without a year, `--12-24`
    /// (ISO 8601), comes back each year and always did.
    #[serde(default, deserialize_with = "dated")]
    pub exceptions: BTreeMap<NaiveDate, Exception>,
}

fn dated<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<NaiveDate, Exception>, D::Error> {
    let written = BTreeMap::<String, Exception>::deserialize(from)?;
    let mut out = BTreeMap::new();
    for (day, exception) in written {
        let (date, yearly) = match day.strip_prefix("--") {
            // A leap year, so that every day is in it.
            Some(day) => (format!("2000-{day}").parse::<NaiveDate>(), true),
            None => (day.parse(), exception.yearly),
        };
        let date = date
            .map_err(|_no_date| D::Error::custom("a day is written 2026-12-24, or --12-24 for every year"))?;
        if out.insert(date, Exception { yearly, ..exception }).is_some() {
            return Err(D::Error::custom("a day stands there twice"));
        }
    }
    Ok(out)
}

/// What is different on a date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// Why, for the trace.
    pub label: Label,
    /// The hours of that date; none: closed.
    #[serde(default)]
    pub hours: Hours,
    /// Whether it comes back on that day of each later year.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub yearly: bool,
}

/// What is wrong with a calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Faulty {
    /// The house knows no holidays of this municipality, and would keep none in silence.
    #[error("the holidays of this municipality are not known here")]
    Municipality,
    /// It lies in another state.
    #[error("this municipality lies in another state")]
    State,
}

/// Why a stretch of time does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why", content = "name")]
pub enum Closed {
    /// Outside the hours of a day that has some.
    OffHours,
    /// A day of the week without hours.
    DayOff,
    /// A holiday.
    Holiday(String),
    /// A dated exception.
    Exception(String),
}

/// A stretch of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Its instants.
    pub window: Window,
    /// Why it does not count; `None`: it counts.
    pub closed: Option<Closed>,
}

impl Calendar {
    /// Open day and night.
    #[must_use]
    pub fn always(zone: Zone) -> Self {
        Self {
            zone,
            place: None,
            week: std::array::from_fn(|_| Hours::all_day()),
            exceptions: BTreeMap::new(),
        }
    }

    /// Whether it says what it keeps.
    ///
    /// # Errors
    /// [`Faulty`].
    pub fn check(&self) -> Result<(), Faulty> {
        let Some(Place { state, municipality: Some(code) }) = self.place else { return Ok(()) };
        let known = MUNICIPALITIES.iter().find(|(known, ..)| *known == code);
        let (_, of, _) = known.ok_or(Faulty::Municipality)?;
        if Some(*of) == state { Ok(()) } else { Err(Faulty::State) }
    }

    /// The exception for a date: its own, else the newest yearly one.
    #[must_use]
    pub fn exception(&self, date: NaiveDate) -> Option<&Exception> {
        let again = |first: &NaiveDate| (first.month(), first.day()) == (date.month(), date.day());
        let mut before = self.exceptions.range(..=date).rev();
        before
            .find(|(first, exception)| **first == date || (exception.yearly && again(first)))
            .map(|(_, exception)| exception)
    }

    /// The hours of a date, and why they are what they are when it is not the week's plan.
    #[must_use]
    pub fn day(&self, date: NaiveDate) -> (&Hours, Option<Closed>) {
        const NONE: &Hours = &Hours::NONE;
        if let Some(exception) = self.exception(date) {
            return (&exception.hours, Some(Closed::Exception(exception.label.clone().into())));
        }
        if let Some(holiday) = self.place.and_then(|place| place.holiday(date)) {
            return (NONE, Some(Closed::Holiday(holiday.name.into())));
        }
        let [mon, tue, wed, thu, fri, sat, sun] = &self.week;
        let hours = match date.weekday() {
            Weekday::Mon => mon,
            Weekday::Tue => tue,
            Weekday::Wed => wed,
            Weekday::Thu => thu,
            Weekday::Fri => fri,
            Weekday::Sat => sat,
            Weekday::Sun => sun,
        };
        (hours, hours.is_none().then_some(Closed::DayOff))
    }

    /// The open windows between two instants, in order, joined where they touch.
    #[must_use]
    pub fn open(&self, within: Window) -> Vec<Window> {
        // A clock set back over midnight shows the evening of a date again after the next date began.
        let last = next(self.zone.date(within.to));
        let mut date = before(self.zone.date(within.from));
        let mut open = Vec::new();
        while date <= last {
            for (from, to) in self.day(date).0.on(date) {
                open.extend(self.zone.during(from, to).into_iter().filter_map(|run| run.meet(within)));
            }
            if next(date) == date {
                break;
            }
            date = next(date);
        }
        union(open)
    }

    /// Whether it is open at an instant.
    #[must_use]
    pub fn is_open(&self, at: Instant) -> bool {
        !self.open(Window { from: at, to: Instant::from_micros(at.micros().saturating_add(1)) }).is_empty()
    }

    /// The first instant from `at` on at which it is open; `None` when that does not come within ten years.
    #[must_use]
    pub fn opens(&self, at: Instant) -> Option<Instant> {
        let blink = Duration::from_micros(1);
        self.add(at, blink).map(|after| after.minus(blink))
    }

    /// How much of the time from `from` to `to` it is open.
    #[must_use]
    pub fn between(&self, from: Instant, to: Instant) -> Duration {
        self.open(Window { from, to }).into_iter().map(|open| open.to.since(open.from)).sum()
    }

    /// The first instant by which it has been open for `time` since `from`; `None` when it does not open that
    /// long within ten years.
    #[must_use]
    pub fn add(&self, from: Instant, time: Duration) -> Option<Instant> {
        if time.is_zero() {
            return Some(from);
        }
        let mut left = time;
        let mut days = 8;
        let mut from = from;
        let end = from.plus(span(HORIZON_DAYS));
        while from < end {
            let within = Window { from, to: from.plus(span(days)).min(end) };
            for open in self.open(within) {
                let length = open.to.since(open.from);
                if left <= length {
                    return Some(open.from.plus(left));
                }
                left = left.saturating_sub(length);
            }
            (from, days) = (within.to, days * 2);
        }
        None
    }

    /// The time between two instants as a person would tell it: what counted, what did not, and why.
    #[must_use]
    pub fn trace(&self, within: Window) -> Vec<Stretch> {
        let open = self.open(within);
        let mut out: Vec<Stretch> = Vec::new();
        let mut at = within.from;
        for window in &open {
            self.shut(Window { from: at, to: window.from }, &mut out);
            out.push(Stretch { window: *window, closed: None });
            at = window.to;
        }
        self.shut(Window { from: at, to: within.to }, &mut out);
        out
    }

    /// Tells a closed stretch day by day; days that are closed for the same reason are one.
    fn shut(&self, window: Window, out: &mut Vec<Stretch>) {
        let mut at = window.from;
        while at < window.to {
            let date = self.zone.date(at);
            let day_end = self.zone.day(date).to;
            let to = if day_end > at { day_end.min(window.to) } else { window.to };
            let closed = self.day(date).1.unwrap_or(Closed::OffHours);
            match out.last_mut() {
                Some(last) if last.closed.as_ref() == Some(&closed) => last.window.to = to,
                _ => out.push(Stretch { window: Window { from: at, to }, closed: Some(closed) }),
            }
            at = to;
        }
    }

    /// Whether a date is a working day (dia útil): it has hours.
    #[must_use]
    pub fn works(&self, date: NaiveDate) -> bool {
        !self.day(date).0.is_none()
    }

    /// The working day that is the `days`-th after a date, that date not counted (as Res. CD/ANPD 15/2024 and
    /// the Civil Procedure Code art. 224 count); `None` when it does not come within ten years.
    #[must_use]
    pub(crate) fn working_day(&self, after: NaiveDate, days: u32) -> Option<NaiveDate> {
        let mut left = days;
        let mut date = after;
        for _ in 0..HORIZON_DAYS {
            if left == 0 {
                return Some(date);
            }
            date = next(date);
            left -= u32::from(self.works(date));
        }
        None
    }
}

fn before(date: NaiveDate) -> NaiveDate {
    date.checked_sub_signed(TimeDelta::days(1)).unwrap_or(date)
}

fn span(days: i64) -> Duration {
    Duration::from_secs(u64::try_from(days).unwrap_or(0) * 86_400)
}
