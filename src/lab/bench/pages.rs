//! `zelo bench growth --pages`: every page and endpoint that a clinician, a manager, an auditor and a DPO open, in a
//! house with a past and in one with ten times the past, asked in turn on the same machine.

use std::time::{Duration, Instant as Moment};

use anyhow::Context as _;
use serde::Serialize;
use tokio::runtime::Runtime;

use super::rig::dashboard::{Dashboard, Eyes};
use super::rig::history::{Sensor, Values, lay};
use super::rig::seed::{Enrolled, many};
use super::rig::site::{Site, manager};
use super::rig::source;
use super::{Common, note, print};
use ::rules::{Change, Episode, Finding};
use domain::alerts::{Act, Outcome};
use domain::time::civil::Window;
use domain::{AlertId, Clock, DeviceId, Instant, Level, PatientId, Role, Rule, Signal, UserId};
use engine::Module as _;
use engine::escalation::Escalate;
use engine::messages::outbox;
use store::alerts::{self, copies};
use store::audit::Sequencer;
use store::patients::audience::Audience;
use store::{Act as Entry, Actor, Keyed, Tx, Urgency, audit, escalation, on_call, rules, sla};
use web::routes::rows;

/// Patients, each with a device, one open red and a past.
const PATIENTS: usize = 20;
/// Times that each address is asked of each house.
const TIMES: usize = 9;
/// As many times the past.
const LONGER: usize = 10;
/// The past is over since so long: what a page says of the last day, or draws of it, is the same in both houses.
const AGO: Duration = Duration::from_secs(3 * 86_400);
/// Minutes of each patient's heart that a page draws.
const RECENT: u64 = 100;
/// Entries in one transaction.
const GROUP: usize = 2_000;
/// Slower by less than this is noise, whatever the ratio.
const NOISE: Duration = Duration::from_micros(500);
/// Who looks.
const ROLES: [Role; 4] = [Role::Clinician, Role::Manager, Role::Auditor, Role::Dpo];
/// What hands out the whole past on purpose, and what never ends.
const LEFT_OUT: [&str; 2] = ["/api/v1/audit/export", "/api/v1/live"];

/// A house whose past is one or ten.
struct Ward {
    site: Site,
    dashboard: Dashboard,
    eyes: Vec<(Role, Eyes)>,
    patient: PatientId,
    device: DeviceId,
    alert: AlertId,
    user: UserId,
}

#[derive(Serialize)]
struct Line {
    route: String,
    role: &'static str,
    status: u16,
    before_us: u64,
    after_us: u64,
    /// Hundredths.
    ratio: u64,
    flat: bool,
}

#[derive(Serialize)]
struct Seen {
    backend: &'static str,
    alerts: usize,
    lines: Vec<Line>,
}

/// Runs it: `cases` resolved alerts at first, and ten times as many.
///
/// # Errors
/// A house failed, or an address costs more with ten times the past behind it.
pub(super) fn run(common: &Common, cases: usize) -> anyhow::Result<()> {
    let runtime = Runtime::new()?;
    let short = Ward::open(common, &runtime, cases)?;
    let long = Ward::open(common, &runtime, cases * LONGER)?;
    let backend = short.site.backend();
    let mut lines = Vec::new();
    for row in rows().iter().filter(|row| row.method == "GET" && !LEFT_OUT.contains(&row.path)) {
        for (place, role) in ROLES.into_iter().enumerate().filter(|(_, role)| row.admits(Some(*role))) {
            lines.extend(measure(row.path, role, &short, &long, place)?);
        }
    }
    short.dashboard.close(&runtime);
    long.dashboard.close(&runtime);
    lines.sort_by_key(|line| std::cmp::Reverse(line.ratio));
    let grown: Vec<String> = lines.iter().filter(|line| !line.flat).map(Line::words).collect();
    let seen = Seen { backend, alerts: cases, lines };
    print(common, &seen, &seen.words())?;
    anyhow::ensure!(grown.is_empty(), "not flat:\n{}", grown.join("\n"));
    Ok(())
}

/// The median of both houses, asked in turn; none for what this role's house does not answer with 200.
fn measure(path: &str, role: Role, short: &Ward, long: &Ward, place: usize) -> anyhow::Result<Option<Line>> {
    let (mut before, mut after, mut status) = (Vec::new(), Vec::new(), 0);
    for _ in 0..TIMES {
        for (house, times) in [(short, &mut before), (long, &mut after)] {
            let (_, eyes) = house.eyes.get(place).context("a role without eyes")?;
            let began = Moment::now();
            (status, _) = eyes.get(&house.filled(path))?;
            times.push(began.elapsed());
            if status != 200 {
                return Ok(None);
            }
        }
    }
    let (before, after) = (median(before), median(after));
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let ratio = micros(after) * 100 / micros(before).max(1);
    let flat = ratio <= 150 || after.saturating_sub(before) < NOISE;
    let (before_us, after_us) = (micros(before), micros(after));
    Ok(Some(Line { route: path.to_owned(), role: role.name(), status, before_us, after_us, ratio, flat }))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

impl Ward {
    fn open(common: &Common, runtime: &Runtime, cases: usize) -> anyhow::Result<Self> {
        let site = Site::fresh(common.database_url.as_deref())?;
        let now = Clock::System.now();
        let began = Moment::now();
        site.store.keep_house(Urgency::Urgent, "bench", now, |tx| {
            rules::seed(tx)?;
            on_call::seed(tx)?;
            escalation::seed(tx)?;
            outbox::seed(tx)?;
            sla::seed(tx)
        })?;
        let signer = audit::open(&site.store, &site.dir().join("keys"), now)?;
        let user = manager(&site.store, now)?;
        let then = now.minus(AGO);
        let enrolled = many(&site.store, &site.tokens, PATIENTS, then)?;
        let dashboard = Dashboard::open(&site, runtime)?;
        readings(&site, &enrolled, cases, now)?;
        past(&site, &enrolled, dashboard.viewer, cases, then)?;
        for from in (0..cases).step_by(GROUP) {
            site.store.write(Actor::System("bench"), now, |tx| {
                (from..cases.min(from + GROUP)).try_for_each(|_| tx.audit(&Entry::new("auth.login")))
            })?;
        }
        let alert = open_reds(&site, &enrolled, now.plus(Duration::from_secs(5)))?;
        let mut sequencer = Sequencer::begin(&site.store, signer)?;
        while sequencer.sequence(&site.store, now.plus(Duration::from_secs(9)), usize::MAX)?.more {}
        site.store.keep_house(Urgency::Patient, "bench", now, copies::counted)?;
        let eyes = ROLES
            .into_iter()
            .map(|role| Ok((role, dashboard.eyes_of(&site, role)?)))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let first = enrolled.first().context("no patient")?;
        let (patient, device) = (first.patient, first.device()?);
        note(&format!("{cases} resolved alerts laid in {} ms", began.elapsed().as_millis()));
        Ok(Self { site, dashboard, eyes, patient, device, alert, user })
    }

    fn filled(&self, path: &str) -> String {
        let id = match path.strip_prefix("/api/v1").unwrap_or(path) {
            path if path.starts_with("/alerts/") => self.alert.to_string(),
            path if path.starts_with("/devices/") => self.device.to_string(),
            path if path.starts_with("/users/") => self.user.to_string(),
            path if path.starts_with("/escalation-policies/") => escalation::RED.to_owned(),
            _ => self.patient.to_string(),
        };
        let path = path.replace("{id}", &id).replace("{index}", "5");
        if path.ends_with("/series") { format!("{path}?signal=heart_rate") } else { path }
    }
}

/// Each patient's heart: of today as much in both houses, and before that some hours, or ten times as many.
fn readings(site: &Site, enrolled: &[Enrolled], cases: usize, now: Instant) -> anyhow::Result<()> {
    let sources = source::of(&site.store, enrolled)?;
    let sensor = Sensor { signal: Signal::HeartRate, every: 1_000, jitter: 0, values: Values::Wander };
    let minutes = u64::try_from(cases)? / 20;
    for (end, minutes) in [(now.minus(AGO), minutes), (now.minus(Duration::from_secs(4 * 3_600)), RECENT)] {
        let from = end.minus(Duration::from_secs(minutes * 60));
        lay(&site.store, &sources, &sensor, Window { from, to: end }, true)?;
    }
    Ok(())
}

fn raise(tx: &mut Tx<'_>, patient: PatientId, at: Instant) -> store::Result<AlertId> {
    let seeds = Rule::seeds();
    let rule = seeds.first().ok_or(store::Error::NotFound("rule"))?;
    let opened = Change::Opened { level: Level::Red, started_at: at, at };
    let episode = Episode::opened(rule, &opened).ok_or(store::Error::NotFound("episode"))?;
    let finding = Finding::of(rule, Level::Red, &[]);
    let key = Audience::program().patient(tx, patient)?.key();
    alerts::open(tx, Keyed { key, id: patient }, rule, &episode, &finding, false)
}

/// One red of each patient, called about, answered and resolved; then its copies.
fn past(site: &Site, enrolled: &[Enrolled], who: UserId, cases: usize, now: Instant) -> anyhow::Result<()> {
    let actor = Actor::User { id: who, role: Role::Clinician };
    let mut raised = Vec::new();
    for patient in enrolled.iter().map(|enrolled| enrolled.patient) {
        raised.push(site.store.write(actor, now, |tx| raise(tx, patient, now))?);
    }
    while Escalate::new(site.store.clone()).run(now)?.more {}
    let each = (cases / enrolled.len().max(1)).max(1);
    for alert in raised {
        let resolve = Act::Resolve { outcome: Outcome::TrueAlarm };
        site.store.write(actor, now, |tx| {
            let done = alerts::acted(tx, alert, who, resolve, Some("bancada"));
            done.map(drop).map_err(|_refused| store::Error::Conflict("the bench could not resolve"))
        })?;
        site.store.keep_house(Urgency::Patient, "bench", now, |tx| copies::of_alert(tx, alert, each))?;
    }
    Ok(())
}

/// One red of each patient that goes on.
fn open_reds(site: &Site, enrolled: &[Enrolled], now: Instant) -> anyhow::Result<AlertId> {
    let mut last = None;
    for patient in enrolled.iter().rev().map(|enrolled| enrolled.patient) {
        last = Some(site.store.write(Actor::System("bench"), now, |tx| raise(tx, patient, now))?);
    }
    while Escalate::new(site.store.clone()).run(now)?.more {}
    last.context("no patient")
}

impl Line {
    fn words(&self) -> String {
        let (whole, part) = (self.ratio / 100, self.ratio % 100);
        let grown = if self.flat { "" } else { "  GROWN" };
        format!(
            "{whole}.{part:02} ×  {:>7} → {:>7} µs  {:<9} {}{grown}",
            self.before_us, self.after_us, self.role, self.route
        )
    }
}

impl Seen {
    fn words(&self) -> String {
        let flat = self.lines.iter().filter(|line| line.flat).count();
        let head = format!(
            "{} · {} and {} resolved alerts: {flat} of {} looks are flat (at most 1.5 ×, or less than {} µs more)",
            self.backend,
            self.alerts,
            self.alerts * LONGER,
            self.lines.len(),
            NOISE.as_micros(),
        );
        let lines: Vec<String> = self.lines.iter().map(Line::words).collect();
        format!("{head}\n{}", lines.join("\n"))
    }
}
