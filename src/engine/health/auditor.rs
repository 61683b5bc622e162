//! The engine's auditor, on a thread of its own. Each minute it compares what was planned with what was done, tells the
//! people on duty what is late, and writes a heartbeat that an outside monitor can read. It reads the tables and asks
//! no module.

use std::time::Duration;

use crate::messages::notice::{Notice, send};
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
/// Whatever is overdue by more than this is raised.
pub(crate) const LATE_AFTER: Duration = Duration::from_secs(90);
/// An older heartbeat does not count.
pub(crate) const HEARTBEAT_LASTS: Duration = Duration::from_secs(180);
/// How long a message to the people on duty is worth sending.
const WORD_LASTS: Duration = Duration::from_secs(3_600);
/// How long the message about a closed clinic's lapses is worth sending.
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
    /// Watches the plans in this store and the modules of this process.
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
            if raised.unannounced {
                word(tx, &raised)?;
            }
            if !closed && let Some(owed) = lapses::pay(tx)? {
                overnight(tx, owed)?;
            }
            settings::save(tx, HEARTBEAT, &now.micros().to_string())?;
            Ok(raised.fresh)
        })?;
        for lapse in &fresh {
            tracing::error!(kind = %lapse.kind, subject = %lapse.subject, expected_at = %lapse.expected_at, "a plan was not carried out in time");
        }
        Ok(Progress { did: fresh.len(), more: false })
    }
}

/// Plans one message about everything that one look found, to the managers at once; at most one an hour for a kind of
/// lapse. Lapses of one channel are reported on the others.
fn word(tx: &mut Tx<'_>, raised: &Raised) -> store::Result<()> {
    let Some(first) = raised.fresh.iter().min_by_key(|lapse| lapse.expected_at) else { return Ok(()) };
    let now = tx.now();
    // The dashboard reads from this store: a message there is never late.
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
    send(tx, &[Role::Admin], &notice).map(drop)
}

/// The hours in which managers read what is not an open red: the clinic's; always, where no clinic hours are set.
fn hours(tx: &mut Tx<'_>) -> store::Result<Calendar> {
    let now = tx.now();
    let clinic = versions::in_force::<Calendar>(tx, CLINIC, now)?;
    Ok(clinic.map_or_else(|| Calendar::always(Zone::SAO_PAULO), |stored| stored.body))
}

/// Plans one message, when the clinic opens, about everything that was late while it was closed: most of it is over by
/// then.
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
    send(tx, &[Role::Admin], &notice).map(drop)
}

/// A heartbeat this far in the future was written on a wrong clock and does not count.
const AHEAD: Duration = Duration::from_secs(60);

/// When the auditor last finished a look; `None`: never, longer ago than `HEARTBEAT_LASTS`, or in the future.
///
/// # Errors
/// Database errors.
pub fn heartbeat(view: &mut store::View<'_>, now: Instant) -> store::Result<Option<Instant>> {
    let stored = settings::get(view, HEARTBEAT)?.and_then(|text| text.parse().ok()).map(Instant::from_micros);
    Ok(stored.filter(|at| now.since(*at) <= HEARTBEAT_LASTS && at.since(now) <= AHEAD))
}
