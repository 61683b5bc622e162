//! The form of a calendar: what was typed, kept as it was typed, and the calendar or the mistakes it makes.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::on_call::view::schedule::weekday;
use crate::versions::view::Wrong;
use crate::{Key, Words};
use domain::calendars::{Calendar, Exception, Hours, MUNICIPALITIES, NoHours, Place, State};
use domain::line::{Label, NotALine};
use domain::time::civil::Zone;

/// Empty rows for own days at the end of the form.
const SPARE: usize = 3;
/// As many own days as a form may hold.
const MOST_ROWS: usize = 400;
/// What stands for the country's holidays alone.
pub(crate) const NATIONAL: &str = "BR";

/// A calendar while it is being written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Draft {
    /// An IANA zone.
    pub zone: String,
    /// Whose holidays: nothing for none, [`NATIONAL`], or a state's two letters.
    pub state: String,
    /// The IBGE's code of a municipality; nothing for none.
    pub city: String,
    /// Monday to Sunday, as in `08:00-12:00 13:00-18:00`.
    pub week: Vec<String>,
    /// Own days, and empty rows to add some.
    pub own: Vec<Own>,
}

/// A day with hours of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Own {
    /// As in `2026-12-24`.
    pub date: String,
    /// Why.
    pub label: String,
    /// As the week's; nothing: closed.
    pub hours: String,
    /// Whether it comes back each year.
    pub yearly: bool,
}

impl Own {
    const fn is_empty(&self) -> bool {
        self.date.is_empty() && self.label.is_empty() && self.hours.is_empty()
    }
}

impl Draft {
    /// A calendar as it stands, or one that nobody wrote yet: office hours, the country's holidays.
    #[must_use]
    pub(crate) fn of(calendar: Option<&Calendar>) -> Self {
        let Some(calendar) = calendar else {
            let office = |day| if day < 5 { String::from(Hours::office()) } else { String::new() };
            let week = (0..7).map(office).collect();
            let zone = Zone::SAO_PAULO.name().to_owned();
            return Self { zone, state: NATIONAL.to_owned(), week, ..Self::default() }.with_room();
        };
        let state = |place: Place| place.state.map_or(NATIONAL, |state| state.names().0).to_owned();
        let own = |(date, exception): (&NaiveDate, &Exception)| Own {
            date: date.to_string(),
            label: exception.label.to_string(),
            hours: exception.hours.clone().into(),
            yearly: exception.yearly,
        };
        Self {
            zone: calendar.zone.name().to_owned(),
            state: calendar.place.map(state).unwrap_or_default(),
            city: calendar
                .place
                .and_then(|place| place.municipality)
                .map_or_else(String::new, |n| n.to_string()),
            week: calendar.week.iter().map(|hours| hours.clone().into()).collect(),
            own: calendar.exceptions.iter().map(own).collect(),
        }
        .with_room()
    }

    /// What a form sent: `zone`, `state`, `city`, `h0` to `h6`, and for own day n `xn-date`, `xn-label`, `xn-hours`,
    /// `xn-yearly`.
    #[must_use]
    pub(crate) fn sent(get: impl Fn(&str) -> String) -> Self {
        let rows: usize = get("rows").parse().unwrap_or(0);
        let own = (0..rows.min(MOST_ROWS)).map(|n| Own {
            date: get(&format!("x{n}-date")),
            label: get(&format!("x{n}-label")),
            hours: get(&format!("x{n}-hours")),
            yearly: !get(&format!("x{n}-yearly")).is_empty(),
        });
        Self {
            zone: get("zone"),
            state: get("state"),
            city: get("city"),
            week: (0..7).map(|day| get(&format!("h{day}"))).collect(),
            own: own.filter(|own| !own.is_empty()).collect(),
        }
        .with_room()
    }

    fn with_room(mut self) -> Self {
        self.own.extend(vec![Own::default(); SPARE]);
        self
    }

    /// The calendar it makes, or every mistake.
    ///
    /// # Errors
    /// The mistakes, each at its field.
    pub(crate) fn calendar(&self, w: &Words) -> Result<Calendar, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let mut at = |field: String, label: String, what: String| wrong.push(Wrong { field, label, what });
        let zone = Zone::parse(&self.zone).unwrap_or_else(|_none| {
            at("zone".to_owned(), w.say("calendar-zone"), w.say("calendar-wrong-zone"));
            Zone::SAO_PAULO
        });
        let place = self.place().unwrap_or_else(|(field, label, what)| {
            at(field.to_owned(), w.say(label), w.say(what));
            None
        });
        let week = std::array::from_fn(|day| {
            let text = self.week.get(day).map(String::as_str).unwrap_or_default();
            Hours::parse(text).unwrap_or_else(|no| {
                at(format!("h{day}"), w.say(weekday(day)), hours_wrong(w, &no));
                Hours::NONE
            })
        });
        let mut exceptions = BTreeMap::new();
        for (n, own) in self.own.iter().enumerate().filter(|(_, own)| !own.is_empty()) {
            let row = || w.one("calendar-own-day", "n", n + 1);
            let hours = Hours::parse(&own.hours).unwrap_or_else(|no| {
                at(format!("x{n}-hours"), row(), hours_wrong(w, &no));
                Hours::NONE
            });
            let label = own.label.parse().unwrap_or_else(|_no_name: NotALine| {
                at(format!("x{n}-label"), row(), w.say("calendar-wrong-label"));
                Label::from("?")
            });
            match own.date.parse::<NaiveDate>() {
                Err(_) => at(format!("x{n}-date"), row(), w.say("calendar-wrong-date")),
                Ok(date) => {
                    if exceptions.insert(date, Exception { label, hours, yearly: own.yearly }).is_some() {
                        at(format!("x{n}-date"), row(), w.say("calendar-wrong-twice"));
                    }
                }
            }
        }
        if wrong.is_empty() { Ok(Calendar { zone, place, week, exceptions }) } else { Err(wrong) }
    }

    /// Whose holidays it keeps; a municipality belongs to its state.
    fn place(&self) -> Result<Option<Place>, (&'static str, Key, Key)> {
        let state_wrong = ("state", Key("calendar-holidays"), Key("calendar-wrong-state"));
        let city_wrong = |what| ("city", Key("calendar-city-field"), what);
        let state = match self.state.as_str() {
            "" | NATIONAL => None,
            code => Some(State::from_code(code).ok_or(state_wrong)?),
        };
        let city: Option<u32> = match self.city.as_str() {
            "" => None,
            code => Some(code.parse().map_err(|_code| city_wrong(Key("calendar-wrong-city")))?),
        };
        let elsewhere =
            |code| MUNICIPALITIES.iter().any(|(known, of, _)| *known == code && Some(*of) != state);
        match city {
            Some(_) if self.state.is_empty() => Err(city_wrong(Key("calendar-wrong-city"))),
            Some(code) if elsewhere(code) => Err(city_wrong(Key("calendar-wrong-city"))),
            _ if self.state.is_empty() => Ok(None),
            municipality => Ok(Some(Place { state, municipality })),
        }
    }
}

fn hours_wrong(w: &Words, no: &NoHours) -> String {
    match no {
        NoHours::Form(part) => w.one("calendar-wrong-form", "part", part),
        NoHours::Backwards(part) => w.one("calendar-wrong-backwards", "part", part),
        NoHours::Order(part) => w.one("calendar-wrong-order", "part", part),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lang;
    use crate::pages::shell::DEFAULT_ZONE;
    use domain::Instant;
    use domain::sla::calendars;

    const WORDS: Words = Words { lang: Lang::PtBr, zone: DEFAULT_ZONE, now: Instant::from_micros(0) };

    #[test]
    fn every_seed_goes_through_the_form_unchanged() {
        for (name, mut calendar) in calendars() {
            let half = Exception {
                label: "Véspera".into(),
                hours: Hours::parse("08:00-12:00").unwrap(),
                yearly: true,
            };
            calendar.exceptions.insert(NaiveDate::from_ymd_opt(2026, 12, 24).unwrap(), half);
            assert_eq!(Draft::of(Some(&calendar)).calendar(&WORDS), Ok(calendar), "{name}");
        }
    }

    #[test]
    fn every_mistake_is_told_at_its_field_at_once() {
        let mut draft = Draft::of(None);
        draft.zone = "Marte/Olympus".to_owned();
        draft.city = "3550308".to_owned();
        draft.week[2] = "08:00-12:00 11:00-18:00".to_owned();
        let own = |date: &str, label: &str, hours: &str| Own {
            date: date.to_owned(),
            label: label.to_owned(),
            hours: hours.to_owned(),
            yearly: false,
        };
        draft.own = vec![
            own("2026-12-24", "Véspera", "manhã"),
            own("2026-12-24", "Outra vez", ""),
            Own::default(),
            own("", "", "08:00-12:00"),
        ];
        let wrong = draft.calendar(&WORDS).unwrap_err();
        let fields: Vec<&str> = wrong.iter().map(|wrong| wrong.field.as_str()).collect();
        assert_eq!(fields, ["zone", "city", "h2", "x0-hours", "x1-date", "x3-label", "x3-date"]);
        assert!(wrong[2].what.contains("11:00-18:00"), "{:?}", wrong[2]);
    }
}
