//! One calendar: the week as it is open, the holidays that it keeps, what the next days look like under it, the form
//! that changes it, and every version.

use askama::Template;
use chrono::{Datelike, Days, NaiveDate};

use super::form::Draft;
use crate::on_call::view::schedule::weekday;
use crate::pages::{Choice, Html};
use crate::versions::view::{Editor, Kind, Line, SettingView};
use crate::{Key, Lang, Section, Shell, Theme, Words};
use domain::calendars::{Calendar, Closed, Hours, MUNICIPALITIES, Place, Scope, State};

/// Days that a person sees ahead.
const AHEAD: u64 = 30;
/// Days ahead whose holidays are listed.
const YEAR: u64 = 366;
/// As wide as a day is drawn.
const WIDE: u32 = 1_000;
const DAY: u32 = 24 * 60;

/// The page of one calendar.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// What is in force, what was.
    pub kept: SettingView,
    /// Whether it is open now; `None`: none is in force.
    pub is_open: Option<bool>,
    /// The next days under the version in force.
    pub ahead: Vec<Day>,
    /// Holidays and own days of the next year.
    pub holidays: Vec<Rest>,
    /// The form, for who may change it.
    pub editor: Option<Editor<Draft>>,
    /// The next days under the draft, when it was looked at.
    pub drafted: Vec<Day>,
}

/// One day ahead.
#[derive(Debug, Clone, Default)]
pub(crate) struct Day {
    /// "ter 24/11".
    pub label: String,
    /// "08:00–12:00, 13:00–18:00", or nothing: closed.
    pub hours: String,
    /// Where and how wide to draw what is open.
    pub bars: Vec<(u32, u32)>,
    /// Why it is not as the week says: a holiday, an own day.
    pub why: Option<String>,
}

/// A day of rest, or with hours of its own.
#[derive(Debug, Clone)]
pub(crate) struct Rest {
    /// "25/12/2026".
    pub date: String,
    /// Its name.
    pub name: String,
    /// Where it holds: national, state, municipal, own.
    pub scope: Key,
    /// The hours of that day; nothing: closed.
    pub hours: String,
}

/// Hours for people: nothing when it is closed.
#[must_use]
pub(crate) fn spoken(hours: &Hours) -> String {
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let each = hours.intervals().iter().map(|(from, to)| format!("{}–{}", clock(*from), clock(*to)));
    each.collect::<Vec<_>>().join(", ")
}

fn open_or_closed(w: &Words, hours: &Hours) -> String {
    if hours.is_none() { w.say("calendar-closed") } else { spoken(hours) }
}

/// Whose holidays close it, in words.
#[must_use]
pub(crate) fn place(w: &Words, place: Option<Place>) -> String {
    let Some(place) = place else { return w.say("calendar-no-holidays") };
    let mut scopes = vec![w.say("calendar-national")];
    scopes.extend(place.state.map(|state| state.names().1.to_owned()));
    scopes.extend(place.municipality.map(|code| {
        let known = MUNICIPALITIES.iter().find(|(known_code, ..)| *known_code == code);
        w.one(
            Key("calendar-city"),
            "name",
            known.map_or_else(|| code.to_string(), |(.., name)| (*name).to_owned()),
        )
    }));
    scopes.join(" · ")
}

/// What a calendar says, line by line.
#[must_use]
pub(crate) fn lines(w: &Words, calendar: &Calendar) -> Vec<Line> {
    let line = |label: String, text: String| Line { label, text };
    let mut lines = vec![
        line(w.say("calendar-zone"), calendar.zone.name().to_owned()),
        line(w.say("calendar-holidays"), place(w, calendar.place)),
    ];
    let week = calendar.week.iter().enumerate();
    lines.extend(week.map(|(day, hours)| line(w.say(weekday(day)), open_or_closed(w, hours))));
    lines.extend(calendar.exceptions.iter().map(|(date, exception)| {
        let mut text = format!("{} · {}", open_or_closed(w, &exception.hours), exception.label);
        if exception.yearly {
            text = format!("{text} · {}", w.say("calendar-yearly"));
        }
        line(w.date(*date), text)
    }));
    lines
}

/// What a calendar is, in a list: whose holidays, how the week is open.
#[must_use]
pub(crate) fn brief(w: &Words, calendar: &Calendar) -> Vec<Line> {
    let mut lines = lines(w, calendar);
    lines.truncate(9);
    if !calendar.exceptions.is_empty() {
        let text = w.count("calendar-own-days-count", calendar.exceptions.len());
        lines.push(Line { label: w.say("calendar-own-days"), text });
    }
    lines
}

fn days(from: NaiveDate, count: u64) -> impl Iterator<Item = NaiveDate> {
    (0..count).filter_map(move |n| from.checked_add_days(Days::new(n)))
}

/// The next days from a date on.
#[must_use]
pub(crate) fn ahead(w: &Words, calendar: &Calendar, from: NaiveDate) -> Vec<Day> {
    let pattern = match w.lang {
        Lang::PtBr => "%d/%m",
        Lang::En => "%-d %b",
    };
    let day = |date: NaiveDate| {
        let (hours, closed) = calendar.day(date);
        let bar = |(from, to): &(u16, u16)| {
            let at = |minute: u16| u32::from(minute) * WIDE / DAY;
            (at(*from), at(*to) - at(*from))
        };
        let place = usize::try_from(date.weekday().num_days_from_monday()).unwrap_or(0);
        Day {
            label: format!("{} {}", w.say(weekday(place)), date.format(pattern)),
            hours: spoken(hours),
            bars: hours.intervals().iter().map(bar).collect(),
            why: match closed {
                Some(Closed::Holiday(name) | Closed::Exception(name)) => Some(name),
                _ => None,
            },
        }
    };
    days(from, AHEAD).map(day).collect()
}

/// Holidays and own days of the year that begins at a date.
#[must_use]
pub(crate) fn holidays(w: &Words, calendar: &Calendar, from: NaiveDate) -> Vec<Rest> {
    let rest = |date: NaiveDate| {
        let own = calendar.exception(date);
        let holiday = calendar.place.and_then(|place| place.holiday(date));
        let (name, scope, hours) = match (own, holiday) {
            (Some(own), _) => (own.label.to_string(), Key("calendar-scope-own"), spoken(&own.hours)),
            (None, Some(holiday)) => (holiday.name.to_owned(), scope(holiday.scope), String::new()),
            (None, None) => return None,
        };
        Some(Rest { date: w.date(date), name, scope, hours })
    };
    days(from, YEAR).filter_map(rest).collect()
}

const fn scope(scope: Scope) -> Key {
    match scope {
        Scope::National => Key("calendar-scope-national"),
        Scope::State => Key("calendar-scope-state"),
        Scope::Municipal => Key("calendar-scope-municipal"),
    }
}

/// Zones of Brazil, to choose from; any other may be typed.
pub(crate) const ZONES: [&str; 10] = [
    "America/Sao_Paulo",
    "America/Noronha",
    "America/Bahia",
    "America/Fortaleza",
    "America/Recife",
    "America/Belem",
    "America/Manaus",
    "America/Cuiaba",
    "America/Porto_Velho",
    "America/Rio_Branco",
];

impl Draft {
    /// Each day's field: its id, its name, what is written.
    #[must_use]
    pub(crate) fn days(&self, w: &Words) -> Vec<(String, String, &str)> {
        let each = self.week.iter().enumerate();
        each.map(|(day, hours)| (format!("h{day}"), w.say(weekday(day)), hours.as_str())).collect()
    }

    /// Whose holidays a calendar may keep, beside the country's.
    #[must_use]
    pub(crate) fn states(&self) -> Vec<Choice> {
        let choice = |state: State| {
            let (code, name) = state.names();
            Choice { value: code.to_owned(), label: format!("{name} ({code})") }
        };
        State::ALL.into_iter().map(choice).collect()
    }

    /// Municipalities to choose from, and the one that is held.
    #[must_use]
    pub(crate) fn cities(&self) -> Vec<Choice> {
        let known = MUNICIPALITIES.iter().map(|(code, state, name)| Choice {
            value: code.to_string(),
            label: format!("{name} ({})", state.names().0),
        });
        let mut choices: Vec<Choice> = known.collect();
        if !self.city.is_empty() && !choices.iter().any(|choice| choice.value == self.city) {
            choices.push(Choice { value: self.city.clone(), label: self.city.clone() });
        }
        choices
    }
}

#[derive(Template)]
#[template(path = "calendars/calendar.html")]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
}

/// The whole page.
///
/// # Errors
/// The formatter's.
pub(crate) fn page(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view }.render()
}
