//! One schedule: two weeks of turns as strips and as a table, what is missing in red, forms that need no script, and
//! who was on call at any instant of the past.

use askama::Template;

use super::schedules::{Present, Trouble};
use crate::pages::{Choice, Html};
use crate::{Key, Lang, Section, Shell, Theme, Words};
use domain::Instant;

/// The page. Its clock is the schedule's.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// Its lasting id.
    pub id: String,
    /// Its name in the reader's language.
    pub name: String,
    /// The version in force, for the stale check of the forms.
    pub version: u32,
    /// Who wrote it; `None`: the program.
    pub author: Option<String>,
    /// Since when.
    pub since: Option<Instant>,
    /// Who is on call now.
    pub present: Vec<Present>,
    /// When that changes.
    pub next: Option<Instant>,
    /// What will go wrong in the next 30 days.
    pub troubles: Vec<Trouble>,
    /// The days shown.
    pub days: Vec<Day>,
    /// Where nobody is on call; empty: nowhere.
    pub gaps: Vec<Cell>,
    /// A strip per person.
    pub strips: Vec<Strip>,
    /// The same as rows, gaps among them.
    pub turns: Vec<Turn>,
    /// The days before and after, as `YYYY-MM-DD`.
    pub around: (String, String),
    /// What was asked of the past, as the field holds it.
    pub asked: String,
    /// Its answer.
    pub answer: Option<Then>,
    /// What is changed for a while and not over yet.
    pub changes: Vec<Changed>,
    /// Swaps that are asked for.
    pub swaps: Vec<Swap>,
    /// The coming turns, to choose from; nothing for who takes none.
    pub swappable: Vec<Choice>,
    /// With whom a turn may be swapped.
    pub mates: Vec<Choice>,
    /// The rows of a new temporary schedule.
    pub rows: Vec<OwnTurn>,
    /// Whether the forms are shown.
    pub may_manage: bool,
    /// Who may be on call.
    pub people: Vec<Choice>,
    /// What it is called and what it must hold.
    pub need: Need,
    /// Every rotation, and an empty one at the end.
    pub rotations: Vec<RotationShown>,
    /// Whether the reader follows it in another calendar.
    pub followed: bool,
    /// The address of the reader's feed, shown once.
    pub feed: Option<String>,
}

impl View {
    /// The loudest troubles, and the rest.
    fn troubles_apart(&self) -> (&[Trouble], &[Trouble]) {
        self.troubles.split_at_checked(LOUD).unwrap_or((&self.troubles, &[]))
    }
}

/// What a schedule is called, on whose clock its people live, and what it must hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Need {
    /// Its name in Portuguese.
    pub pt: String,
    /// Its name in English.
    pub en: String,
    /// The IANA zone.
    pub zone: String,
    /// Whether whoever answers must hold a valid certificate.
    pub certificate: bool,
    /// The most hours that one person may be on call in seven days.
    pub hours: u64,
    /// Over how many weeks that is averaged.
    pub weeks: u8,
}

/// As many troubles as are read at a glance.
const LOUD: usize = 6;

/// A day of the calendar.
#[derive(Debug, Clone)]
pub(crate) struct Day {
    /// The weekday and the date.
    pub label: String,
    /// Whether it is today.
    pub today: bool,
    /// Which holiday it is for some calendar of the house.
    pub holiday: Option<String>,
}

/// A change of a window: an override or a temporary schedule.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changed {
    /// Its place in this version.
    pub place: usize,
    /// Whether it is a temporary schedule.
    pub is_temporary: bool,
    /// From when until when.
    pub window: (Instant, Instant),
    /// The same as `datetime-local` writes it.
    pub fields: (String, String),
    /// What it does, in words.
    pub what: String,
    /// Who comes, by id; empty: nobody.
    pub add: String,
    /// Who goes, by id; empty: nobody.
    pub remove: String,
    /// The turns of a temporary schedule, and empty rows.
    pub turns: Vec<OwnTurn>,
}

impl Changed {
    /// Names of its fields that are unlike every other's on the page.
    fn key(&self) -> String {
        format!("{}{}", if self.is_temporary { "t" } else { "o" }, self.place)
    }
}

/// A swap that is asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Swap {
    /// Its id.
    pub id: String,
    /// Who would give and who would take, in words.
    pub what: String,
    /// The turn.
    pub window: (Instant, Instant),
    /// The turn in return.
    pub back: Option<(Instant, Instant)>,
    /// Whether the reader may agree.
    pub may_accept: bool,
    /// Whether the reader may decline.
    pub may_decline: bool,
    /// Whether the reader asked.
    pub is_mine: bool,
}

/// A turn of a temporary schedule.
#[derive(Debug, Clone, Default)]
pub(crate) struct OwnTurn {
    /// Whose, by id; empty: nobody's yet.
    pub user: String,
    /// The name.
    pub name: String,
    /// As `datetime-local` writes it.
    pub from: String,
    /// As `datetime-local` writes it.
    pub to: String,
}

/// One person's days.
#[derive(Debug, Clone)]
pub(crate) struct Strip {
    /// The name.
    pub name: String,
    /// One a day.
    pub cells: Vec<Cell>,
}

/// One day of a strip.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    /// Where a bar begins and how long it is, in thousandths of the day.
    pub bars: Vec<(u64, u64)>,
    /// The same in words: `08:00–20:00`.
    pub hours: Vec<String>,
}

impl Cell {
    fn words(&self) -> String {
        self.hours.join(", ")
    }
}

/// A row of the table.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    /// From when.
    pub from: Instant,
    /// Until when.
    pub to: Instant,
    /// Who and why; `None`: nobody.
    pub who: Option<Present>,
}

/// Who was on call at an instant.
#[derive(Debug, Clone)]
pub(crate) struct Then {
    /// When.
    pub at: Instant,
    /// By which version; `None`: there was no such schedule.
    pub version: Option<u32>,
    /// Who.
    pub present: Vec<Present>,
}

/// A rotation as its form holds it.
#[derive(Debug, Clone, Default)]
pub(crate) struct RotationShown {
    /// Its place; empty for a new one.
    pub place: String,
    /// Its name.
    pub name: String,
    /// As `datetime-local` writes it.
    pub starts: String,
    /// As `datetime-local` writes it; empty: never.
    pub ends: String,
    /// How many of which unit; two turns that alternate at the most.
    pub lengths: [(String, &'static str); 2],
    /// Ids in the order of their turns, with empty places at the end.
    pub people: Vec<String>,
    /// Monday to Sunday, as `07:00-12:00 13:00-19:00`.
    pub hours: Vec<String>,
    /// More than this form can say.
    pub beyond: bool,
    /// For how many minutes whoever goes stays.
    pub overlap: u16,
    /// Whether turns without hours are somebody's.
    pub counted: bool,
}

impl RotationShown {
    fn is(&self, place: &usize, id: &str) -> bool {
        self.people.get(*place).is_some_and(|person| person == id)
    }

    fn hours_of(&self, day: &usize) -> &str {
        self.hours.get(*day).map_or("", String::as_str)
    }

    #[expect(clippy::unused_self, reason = "a page can only call what hangs on a value")]
    fn is_unit(&self, one: &str, other: &str) -> bool {
        one == other
    }

    fn is_new(&self) -> bool {
        self.place.is_empty()
    }
}

const UNITS: [(&str, Key); 4] = [
    ("hours", Key("unit-hours")),
    ("days", Key("unit-days")),
    ("weeks", Key("unit-weeks")),
    ("months", Key("unit-months")),
];

const WEEK: [Key; 7] = [
    Key("weekday-mon"),
    Key("weekday-tue"),
    Key("weekday-wed"),
    Key("weekday-thu"),
    Key("weekday-fri"),
    Key("weekday-sat"),
    Key("weekday-sun"),
];

/// The short word of a weekday, Monday first.
#[must_use]
pub(crate) fn weekday(place: usize) -> Key {
    WEEK.get(place).copied().unwrap_or(Key("weekday-mon"))
}

#[derive(Template)]
#[template(path = "on_call/schedule.html")]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
}

/// The page. POST `/schedules/{id}/{override|take-override|temporary|take-temporary|rotation|remove|swap|feed|unfeed}`.
///
/// # Errors
/// The formatter's.
pub(crate) fn page(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view }.render()
}
