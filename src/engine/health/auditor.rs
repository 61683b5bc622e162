//! The engine's auditor: on a thread of its own it compares each minute what was planned with what was done, tells
//! the people on duty of what is late, and leaves a heartbeat that an outside monitor can read. It asks no module.

use std::time::Duration;

use crate::messages::notice::{Notice, tell};
use crate::{Module, Progress, Status};
use domain::calendars::Calendar;
use domain::messages::{Channel, Class};
use domain::time::civil::Zone;
use domain::{Instant, Role};
use store::db::settings;
use store::health::lapses::{self, Owed, Raised};
use store::messages::{About, Topic};
use store::{Store, Tx, Urgency, versions};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(60);
/// What is later than this is raised.
pub const LATE_AFTER: Duration = Duration::from_secs(90);
/// A heartbeat older than this is none.
pub const HEARTBEAT_LASTS: Duration = Duration::from_secs(180);
/// How long a word to the people on duty is worth sending.
const WORD_LASTS: Duration = Duration::from_secs(3_600);
/// How long the word of what was late while nobody read is worth sending.
const OVERNIGHT_LASTS: Duration = Duration::from_secs(24 * 3_600);
/// The calendar of the clinic's hours, by its lasting id.
const CLINIC: &str = "clinic";

const HEARTBEAT: &str = "engine.heartbeat";

/// The auditor as a module of a lane of its own.
pub struct Auditor {
    store: Store,
    status: Status,
}

impl Auditor {
    /// Watches over the plans in this store and the modules of this process.
    #[must_use]
    pub const fn new(store: Store, status: Status) -> Self {
        Self { store, status }
    }
}

impl Module for Auditor {
    fn name(&self) -> &'static str {
        "auditor"
    }

    fn every(&self) -> Duration {
        EVERY
    }

    fn run(&mut self, now: Instant) -> store::Result<Progress> {
        let late = now.minus(LATE_AFTER);
        let found = self.store.read(|view| lapses::look(view, late))?;
        for module in self.status.silent(now, LATE_AFTER).into_iter().filter(|name| *name != self.name()) {
            tracing::error!(module, "an engine module has not come round; /healthz/engine says so");
        }
        let fresh = self.store.keep_house(Urgency::Urgent, self.name(), now, |tx| {
            let closed = !hours(tx)?.is_open(now);
            let raised = lapses::settle(tx, &found, closed)?;
            if raised.untold {
                word(tx, &raised)?;
            }
            if !closed && let Some(owed) = lapses::pay(tx)? {
                overnight(tx, owed)?;
            }
            settings::keep(tx, HEARTBEAT, &now.micros().to_string())?;
            Ok(raised.fresh)
        })?;
        for lapse in &fresh {
            tracing::error!(kind = %lapse.kind, subject = %lapse.subject, expected_at = %lapse.expected_at, "a plan was not carried out in time");
        }
        Ok(Progress { did: fresh.len(), more: false })
    }
}

/// One word for all that one look found, to those who run the house, at once; of a kind of lapse once an hour at most. What
/// is late by one way is told by the others.
fn word(tx: &mut Tx<'_>, raised: &Raised) -> store::Result<()> {
    let Some(first) = raised.fresh.iter().min_by_key(|lapse| lapse.expected_at) else { return Ok(()) };
    let now = tx.now();
    // The dashboard is this store: what is there is never late.
    let ways: Vec<Channel> = raised.ways.iter().copied().filter(|way| *way != Channel::InApp).collect();
    let notice = Notice {
        key: format!("lapse:{}", now.micros()),
        class: Class::Clinical,
        template: "lapse",
        variables: serde_json::json!({
            "link": "/status", "since": first.expected_at, "count": raised.fresh.len(), "repetition": 1,
        }),
        about: About::house(Topic::Engine, &first.kind),
        lasts: WORD_LASTS,
        not_by: &ways,
    };
    tell(tx, &[Role::Admin], &notice).map(drop)
}

/// When those who run the house read what is no open red: in the clinic's hours; where nobody said which those are, always.
fn hours(tx: &mut Tx<'_>) -> store::Result<Calendar> {
    let now = tx.now();
    let clinic = versions::in_force::<Calendar>(tx, CLINIC, now)?;
    Ok(clinic.map_or_else(|| Calendar::always(Zone::SAO_PAULO), |held| held.body))
}

/// One word, when the clinic opens, for all that was late while it was closed: most of it is over by then.
fn overnight(tx: &mut Tx<'_>, owed: Owed) -> store::Result<()> {
    let now = tx.now();
    let notice = Notice {
        key: format!("lapses_overnight:{}", now.micros()),
        class: Class::Transactional,
        template: "lapses_overnight",
        variables: serde_json::json!({ "link": "/status", "since": owed.since, "count": owed.count }),
        about: About::house(Topic::Engine, "overnight"),
        lasts: OVERNIGHT_LASTS,
        not_by: &[],
    };
    tell(tx, &[Role::Admin], &notice).map(drop)
}

/// A heartbeat this far ahead of now was made on a wrong clock, and is none.
const AHEAD: Duration = Duration::from_secs(60);

/// When the auditor last finished a look; `None`: never, longer ago than [`HEARTBEAT_LASTS`], or in the future.
///
/// # Errors
/// Database errors.
pub fn heartbeat(view: &mut store::View<'_>, now: Instant) -> store::Result<Option<Instant>> {
    let kept = settings::get(view, HEARTBEAT)?.and_then(|text| text.parse().ok()).map(Instant::from_micros);
    Ok(kept.filter(|at| now.since(*at) <= HEARTBEAT_LASTS && at.since(now) <= AHEAD))
}
