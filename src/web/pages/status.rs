//! How the house is: engine, ingest, storage, seal and gateway. Each figure beside the bound it is held to.

use std::time::Duration;

use askama::Template;

use super::Html;
use crate::domain::Instant;
use crate::web::{Key, Lang, Section, Shell, Theme, Words};

/// The state of one node.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// The binary's version.
    pub version: String,
    /// Since when it runs.
    pub started_at: Instant,
    /// Engine modules in their order.
    pub modules: Vec<Module>,
    /// From reception to commit, the slowest of the last minute.
    pub ingest_lag: Option<Duration>,
    /// Messages that wait for a commit.
    pub queue_depth: u64,
    /// Series that wait for another judgement.
    pub reevaluate_depth: u64,
    /// Messages that wait to be sent.
    pub outbox_depth: u64,
    /// Age of the newest checkpoint.
    pub seal_age: Option<Duration>,
    /// Open device sessions.
    pub connections: u64,
    /// Readings committed in the last minute.
    pub readings_minute: Option<u64>,
    /// `SQLite` or `PostgreSQL`, with its version.
    pub backend: String,
    /// Bytes of the database.
    pub stored_bytes: u64,
    /// Bytes left on its disk.
    pub free_bytes: Option<u64>,
    /// Rows of the hot journal.
    pub hot_rows: u64,
    /// Red alerts whose policy was climbed to the top without an answer.
    pub nobody_reached: u32,
}

/// One module of the engine.
#[derive(Debug, Clone)]
pub struct Module {
    /// Its name, such as `escalate`.
    pub name: String,
    /// When it last ended.
    pub ran_at: Option<Instant>,
    /// How long that took.
    pub took: Option<Duration>,
    /// What it did, in its own words.
    pub did: String,
    /// How it stands.
    pub health: Health,
}

/// How a module stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It runs.
    Well,
    /// It is later than it should be.
    Late,
    /// Its last run failed.
    Failing,
}

impl Health {
    /// The word.
    #[must_use]
    pub const fn word(self) -> Key {
        match self {
            Self::Well => Key("health-well"),
            Self::Late => Key("health-late"),
            Self::Failing => Key("health-failing"),
        }
    }

    /// Its tone.
    #[must_use]
    pub const fn tone(self) -> &'static str {
        match self {
            Self::Well => "on",
            Self::Late => "warn",
            Self::Failing => "red",
        }
    }

    /// Its icon.
    #[must_use]
    pub const fn icon(self) -> &'static str {
        match self {
            Self::Well => "circle-check",
            Self::Late => "triangle-alert",
            Self::Failing => "octagon-alert",
        }
    }
}

/// A figure, and whether it is inside its bound.
#[derive(Debug, Clone)]
struct Figure {
    name: String,
    value: String,
    bound: Option<String>,
    health: Health,
}

impl View {
    fn figures(&self, w: &Words) -> Vec<Figure> {
        let bounded = |name: Key, value: Option<Duration>, bound: Duration| Figure {
            name: w.say(name),
            value: value.map_or_else(|| "–".to_owned(), |span| w.short_span(&span)),
            bound: Some(w.one("status-bound", "bound", w.short_span(&bound))),
            health: if value.is_some_and(|span| span > bound) { Health::Late } else { Health::Well },
        };
        let plain =
            |name: Key, value: String| Figure { name: w.say(name), value, bound: None, health: Health::Well };
        let mut figures = vec![
            bounded(Key("status-ingest-lag"), self.ingest_lag, Duration::from_millis(250)),
            bounded(Key("status-seal-age"), self.seal_age, Duration::from_secs(2)),
            plain(Key("status-connections"), w.whole(&self.connections)),
            plain(Key("status-queue-depth"), w.whole(&self.queue_depth)),
            plain(Key("status-reevaluate-depth"), w.whole(&self.reevaluate_depth)),
            plain(Key("status-outbox-depth"), w.whole(&self.outbox_depth)),
            plain(Key("status-hot-rows"), w.whole(&self.hot_rows)),
            plain(Key("status-stored"), w.bytes(&self.stored_bytes)),
        ];
        if let Some(readings) = &self.readings_minute {
            figures.push(plain(Key("status-readings-minute"), w.whole(readings)));
        }
        if let Some(free) = &self.free_bytes {
            let short = *free < 1_000_000_000;
            let health = if short { Health::Late } else { Health::Well };
            figures.push(Figure {
                name: w.say(Key("status-free")),
                value: w.bytes(free),
                bound: None,
                health,
            });
        }
        figures
    }
}

#[derive(Template)]
#[template(path = "status.html", blocks = ["status"])]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
    figures: Vec<Figure>,
}

fn of<'a>(shell: &'a Shell, view: &'a View) -> Page<'a> {
    Page { shell, w: &shell.words, view, figures: view.figures(&shell.words) }
}

/// The whole page.
///
/// # Errors
/// The formatter's.
pub fn page(shell: &Shell, view: &View) -> Html {
    of(shell, view).render()
}

/// The figures and modules, asked for again every 30 s.
///
/// # Errors
/// The formatter's.
pub fn part(shell: &Shell, view: &View) -> Html {
    of(shell, view).as_status().render()
}
