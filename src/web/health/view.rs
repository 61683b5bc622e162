//! How the house is: engine, ingest, storage, seal and gateway. Each figure beside the bound it is held to.

use std::time::Duration;

use askama::Template;

use crate::pages::Html;
use crate::pages::job::UnderWay;
use crate::{Key, Lang, Section, Shell, Theme, Words};
use domain::certificate::{self, Door};
use domain::time::Step;
use domain::{Can, Instant};

/// The state of one node.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// The binary's version.
    pub version: String,
    /// Since when it runs.
    pub started_at: Instant,
    /// Engine modules in their order.
    pub modules: Vec<Module>,
    /// The jobs under way, on whatever node.
    pub jobs: Vec<UnderWay>,
    /// When the newest verification of the audit log ended, if it found a break.
    pub log_broken: Option<Instant>,
    /// Messages that wait for a commit.
    pub queue_depth: u64,
    /// Series that wait for another judgement, and for how long the oldest has.
    pub reevaluate: Backlog,
    /// Notices that wait to be handed over.
    pub outbox: Backlog,
    /// Commands that wait for their device.
    pub commands: Backlog,
    /// Readings that wait to be folded into chunks.
    pub unrolled: Rolling,
    /// Age of the newest checkpoint.
    pub seal_age: Option<Duration>,
    /// For how long the oldest entry of the log has waited to be signed; `None`: none waits.
    pub unsigned: Option<Duration>,
    /// Open device sessions.
    pub connections: u64,
    /// What the device edge did since the start, by name.
    pub edge: Vec<(Key, u64)>,
    /// `SQLite` or `PostgreSQL`.
    pub backend: String,
    /// Bytes of the database.
    pub stored_bytes: Option<u64>,
    /// Bytes left on the disk of the data directory.
    pub free_bytes: Option<u64>,
    /// The certificates that this node shows, and for how long each is good yet; zero: it has expired.
    pub certificates: Vec<(Door, Duration)>,
    /// Red alerts whose policy was run to its end without an answer.
    pub nobody_reached: u32,
    /// Alerts for which nobody is called because another session of the database holds them, and since when.
    pub passed_over: Option<(u32, Instant)>,
    /// The last step of the wall clock, for a day.
    pub step: Option<Step>,
    /// When the auditor last finished a look; `None`: too long ago.
    pub heartbeat: Option<Instant>,
    /// What was planned and not done in time.
    pub lapses: Vec<Lapse>,
    /// Messages by channel.
    pub messages: Vec<MessageCounts>,
    /// Whoever is left alone behind the channels.
    pub resting: Vec<Resting>,
}

/// Something that was planned and not done in time.
#[derive(Debug, Clone)]
pub(crate) struct Lapse {
    /// `late_step`, `late_timer`, …
    pub kind: String,
    /// The row's id.
    pub subject: String,
    /// Where it is looked at, if somewhere.
    pub link: Option<String>,
    /// How many wait.
    pub count: usize,
    /// When it was to be done.
    pub expected_at: Instant,
    /// Since when it is known.
    pub noticed_at: Instant,
}

impl Lapse {
    /// What it is.
    #[must_use]
    pub(crate) fn word(&self) -> Key {
        match self.kind.as_str() {
            "late_step" => Key("lapse-late-step"),
            "late_timer" => Key("lapse-late-timer"),
            "late_message" => Key("lapse-late-message"),
            "late_program" => Key("lapse-late-program"),
            "stuck_message" => Key("lapse-stuck-message"),
            "unescalated_red" => Key("lapse-unescalated-red"),
            "set_aside" => Key("lapse-set-aside"),
            _ => Key("lapse-other"),
        }
    }
}

/// Messages of one channel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MessageCounts {
    /// Its name.
    pub channel: Key,
    /// Waiting.
    pub due: u64,
    /// Handed to a provider.
    pub sending: u64,
    /// Taken, sent on, delivered or read.
    pub gone: u64,
    /// Given up.
    pub failed: u64,
    /// How its provider is doing.
    pub provider: Provider,
}

/// How the provider of a channel is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provider {
    /// It is asked.
    Asked,
    /// It is left alone until an instant.
    Resting(Instant),
    /// There is none, and what to do.
    Missing(Key),
}

/// A mail server, a mailbox or a program that is left alone.
#[derive(Debug, Clone)]
pub(crate) struct Resting {
    /// What it is: "Domínio", "Caixa de e-mail", "Programa".
    pub kind: Key,
    /// Its name.
    pub name: String,
    /// Where it is looked at, if somewhere.
    pub link: Option<String>,
    /// Since when, and until when.
    pub window: (Instant, Instant),
    /// What the last attempt came to, as in `smtp_421`.
    pub why: &'static str,
}

/// Rows that wait, and for how long the oldest has.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Backlog {
    /// How many.
    pub depth: u64,
    /// For how long.
    pub age: Option<Duration>,
}

/// Readings that wait to be folded into chunks.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rolling {
    /// How many were counted.
    pub readings: u64,
    /// Whether there are more.
    pub more: bool,
}

/// One module of the engine.
#[derive(Debug, Clone)]
pub(crate) struct Module {
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

impl Module {
    /// What it does, in words; `None` for one that has none.
    fn word(&self) -> Option<Key> {
        Some(match self.name.as_str() {
            "auditor" => Key("module-auditor"),
            "bases" => Key("module-bases"),
            "bounces" => Key("module-bounces"),
            "clock" => Key("module-clock"),
            "coverage" => Key("module-coverage"),
            "deadline" => Key("module-deadline"),
            "departures" => Key("module-departures"),
            "escalate" => Key("module-escalate"),
            "handover" => Key("module-handover"),
            "housekeeping" => Key("module-housekeeping"),
            "jobs" => Key("module-jobs"),
            "late_reds" => Key("module-late-reds"),
            "moves" => Key("module-moves"),
            "outbox in_app" => Key("module-outbox-in-app"),
            "outbox email" => Key("module-outbox-email"),
            "outbox webhook" => Key("module-outbox-webhook"),
            "reevaluate" => Key("module-reevaluate"),
            "roll" => Key("module-roll"),
            "seal" => Key("module-seal"),
            "seat" => Key("module-seat"),
            "silence" => Key("module-silence"),
            _ => return None,
        })
    }
}

/// How a module stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
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
    pub(crate) const fn word(self) -> Key {
        match self {
            Self::Well => Key("health-well"),
            Self::Late => Key("health-late"),
            Self::Failing => Key("health-failing"),
        }
    }

    /// Its tone.
    #[must_use]
    pub(crate) const fn tone(self) -> &'static str {
        match self {
            Self::Well => "on",
            Self::Late => "warn",
            Self::Failing => "red",
        }
    }

    /// Its icon.
    #[must_use]
    pub(crate) const fn icon(self) -> &'static str {
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

/// An entry of the log is signed within this time.
const SIGNED_WITHIN: Duration = Duration::from_secs(2);
/// Less than this and the disk is nearly full.
const SHORT_OF_DISK: u64 = 1_000_000_000;

fn certificate(w: &Words, door: Door, left: Duration) -> Figure {
    let name = match door {
        Door::Https => Key("status-certificate-https"),
        Door::Mqtts => Key("status-certificate-mqtts"),
    };
    Figure {
        name: w.say(name),
        value: if left.is_zero() {
            w.say("status-certificate-expired")
        } else {
            w.one("status-certificate-left", "span", w.short_span(&left))
        },
        bound: Some(w.one("status-at-least", "bound", w.short_span(&certificate::SOON))),
        health: match left {
            left if left < certificate::NOW => Health::Failing,
            left if left <= certificate::SOON => Health::Late,
            _ => Health::Well,
        },
    }
}

impl View {
    fn rolling(&self, w: &Words) -> Figure {
        let Rolling { readings, more } = self.unrolled;
        let value = w.whole(&readings);
        Figure {
            name: w.say("status-unrolled"),
            value: if more { w.one("status-or-more", "n", value) } else { value },
            bound: None,
            health: if more { Health::Late } else { Health::Well },
        }
    }

    /// The age of the last signature. A quiet house signs nothing: late is only what waits for one.
    fn sealed(&self, w: &Words) -> Figure {
        let late = self.unsigned.is_some_and(|span| span > SIGNED_WITHIN);
        Figure {
            name: w.say("status-seal-age"),
            value: self.seal_age.map_or_else(|| "–".to_owned(), |span| w.short_span(&span)),
            bound: Some(match self.unsigned {
                Some(_waits) => w.one("status-bound", "bound", w.short_span(&SIGNED_WITHIN)),
                None => w.say("status-seal-none"),
            }),
            health: if late { Health::Late } else { Health::Well },
        }
    }

    fn figures(&self, w: &Words) -> Vec<Figure> {
        let plain =
            |name: Key, value: String| Figure { name: w.say(name), value, bound: None, health: Health::Well };
        let queue = |name: Key, backlog: Backlog, bound: Option<u64>| {
            let late = backlog.age.zip(bound).is_some_and(|(age, bound)| age > Duration::from_secs(bound));
            Figure {
                name: w.say(name),
                value: w.whole(&backlog.depth),
                bound: backlog.age.map(|age| w.one("status-oldest", "span", w.short_span(&age))),
                health: if late { Health::Late } else { Health::Well },
            }
        };
        let mut figures = vec![
            plain(Key("status-connections"), w.whole(&self.connections)),
            plain(Key("status-queue-depth"), w.whole(&self.queue_depth)),
            self.sealed(w),
            queue(Key("status-reevaluate-depth"), self.reevaluate, Some(10)),
            queue(Key("status-outbox-depth"), self.outbox, None),
            queue(Key("status-commands-depth"), self.commands, None),
            self.rolling(w),
        ];
        if let Some(bytes) = &self.stored_bytes {
            figures.push(plain(Key("status-stored"), w.bytes(bytes)));
        }
        if let Some(free) = &self.free_bytes {
            let health = if *free < SHORT_OF_DISK { Health::Late } else { Health::Well };
            let bound = Some(w.one("status-at-least", "bound", w.bytes(&SHORT_OF_DISK)));
            figures.push(Figure { name: w.say("status-free"), value: w.bytes(free), bound, health });
        }
        figures.extend(self.certificates.iter().map(|(door, left)| certificate(w, *door, *left)));
        figures.extend(self.edge.iter().map(|(name, count)| plain(*name, w.whole(count))));
        figures
    }
}

#[derive(Template)]
#[template(path = "health/status.html", blocks = ["status"])]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
    figures: Vec<Figure>,
}

impl Page<'_> {
    fn stepped(&self, step: &Step) -> String {
        let key = if step.by_ms < 0 { Key("status-clock-back") } else { Key("status-clock-forward") };
        let span = Duration::from_millis(step.by_ms.unsigned_abs());
        self.w.two(key, "span", self.w.short_span(&span), "time", self.w.at(&step.at))
    }
}

fn of<'a>(shell: &'a Shell, view: &'a View) -> Page<'a> {
    Page { shell, w: &shell.words, view, figures: view.figures(&shell.words) }
}

/// The whole page.
///
/// # Errors
/// The formatter's.
pub(crate) fn page(shell: &Shell, view: &View) -> Html {
    of(shell, view).render()
}

/// The figures and modules, asked for again every 10 s.
///
/// # Errors
/// The formatter's.
pub(crate) fn part(shell: &Shell, view: &View) -> Html {
    of(shell, view).as_status().render()
}
