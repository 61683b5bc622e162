//! `zelo bench red`: from the publish that completes a red condition to the red on an open dashboard: the event on its
//! live stream, and the queue asked for again that shows it, while other devices keep the house busy.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::Serialize;

use super::rig::child::Generator;
use super::rig::dashboard::{Dashboard, Eyes, Live};
use super::rig::device::Device;
use super::rig::load::Pace;
use super::rig::measure::{Drive, plan, rest, settled};
use super::rig::meter::Histogram;
use super::rig::seed::many;
use super::rig::site::{Site, manager};
use super::{Common, note, print};
use crate::house::Start;
use domain::alerts::Act;
use domain::messages::{self, Attempt};
use domain::{AlertId, Clock, Outcome, UserId};
use notify::Post;
use notify::{Channel, Outgoing, SendOutcome};
use store::rules::reevaluations;
use store::{Actor, Store, alerts};

/// A pulse of 130 at 1 Hz: the 61st reading closes the interval of a minute (DESIGN §7).
const BEFORE: i64 = 60;
const CALM: Duration = Duration::from_millis(50);
/// A page that does not show the red by then never will.
const PATIENCE: Duration = Duration::from_secs(20);

/// How to measure.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// Patients that turn red, one after the other
    #[arg(long, default_value_t = 250)]
    episodes: usize,
    /// Reds that stay open on the page; the others are resolved once seen
    #[arg(long, default_value_t = 20)]
    open: usize,
    /// Devices in the background
    #[arg(long, default_value_t = 1_000)]
    devices: usize,
    /// Their messages a second in all; 0: silence
    #[arg(long, default_value_t = 2_000)]
    rate: u32,
}

#[derive(Default, Serialize)]
struct Seen {
    backend: &'static str,
    episodes: usize,
    open: usize,
    rate: u32,
    told_p50_us: u64,
    told_p99_us: u64,
    shown_p50_us: u64,
    shown_p99_us: u64,
    shown_max_us: u64,
    /// From the publish to the first step's channel, which here is e-mail without a wire.
    paged_p50_us: u64,
    paged_p99_us: u64,
    paged_max_us: u64,
    /// Times the page had to be asked more than once.
    asked_again: usize,
}

/// Runs it.
///
/// # Errors
/// The house failed, or a red was never shown.
pub(super) fn run(args: &Args, start: Start) -> anyhow::Result<()> {
    let site = Site::fresh(args.common.database_url.as_deref())?;
    let now = Clock::System.now();
    let enrolled = many(&site.store, &site.tokens, args.devices + args.episodes, now)?;
    let (busy, red) = enrolled.split_at(args.devices);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    manager(&site.store, now)?;
    let pager = Arc::new(Pager::default());
    let post = Post { channels: vec![pager.clone()], ..Post::default() };
    let house = runtime.block_on(site.house_with(start, post))?;
    let dashboard = Dashboard::open(&site, &runtime)?;
    settled(&house);
    let address = house.mqtt;
    let load = Drive {
        devices: busy.len(),
        pace: Pace::Fixed(args.rate),
        warm: Duration::from_secs(5),
        run: Duration::from_secs(3_600),
    };
    let mut background = None;
    if args.rate > 0 {
        let mut generator = Generator::start(site.dir(), &plan(load, address, busy.to_vec()))?;
        generator.go()?;
        background = Some(generator);
    }
    let begun = Clock::System.now().millis() - BEFORE * 1_000;
    let mut devices = Vec::with_capacity(red.len());
    for enrolled in red {
        let mut device = Device::connect(address, enrolled)?;
        device.send(&pulses(begun, 0..BEFORE))?;
        devices.push(device);
    }
    devices.iter_mut().try_for_each(Device::answered)?;
    known(&site.store)?;
    note(&format!("{} devices are one reading short of a red", devices.len()));
    let mut watch =
        Watch { eyes: dashboard.eyes(), live: dashboard.eyes().listen()?, again: 0, seen: HashSet::new() };
    watch.eyes.get("/queue")?;
    let (mut announced, mut shown, mut paged) =
        (Histogram::default(), Histogram::default(), Histogram::default());
    for (number, device) in devices.iter_mut().enumerate() {
        let last = pulses(begun, BEFORE..BEFORE + 1);
        let began = Instant::now();
        device.send(&last)?;
        let (alert, heard) = watch.red(began)?;
        announced.add(heard);
        shown.add(began.elapsed());
        paged.add(pager.rang(alert)?.saturating_duration_since(began));
        if number >= args.open {
            resolve(&site.store, alert, dashboard.viewer)?;
        }
        rest(CALM);
    }
    drop(background);
    let mut seen = Seen {
        backend: site.backend(),
        episodes: devices.len(),
        open: args.open.min(devices.len()),
        rate: args.rate,
        asked_again: watch.again,
        shown_max_us: shown.max(),
        ..Seen::default()
    };
    (seen.told_p50_us, seen.told_p99_us) = (announced.quantile(500), announced.quantile(990));
    (seen.shown_p50_us, seen.shown_p99_us) = (shown.quantile(500), shown.quantile(990));
    (seen.paged_p50_us, seen.paged_p99_us, seen.paged_max_us) =
        (paged.quantile(500), paged.quantile(990), paged.max());
    dashboard.close(&runtime);
    runtime.block_on(house.stop());
    print(&args.common, &seen, &seen.words())
}

impl Seen {
    fn words(&self) -> String {
        format!(
            "{} · {} reds under {} messages/s, {} open on the page\n  publish → event p50 {} µs, p99 {} µs; → the queue shows it p50 {} µs, p99 {} µs, longest {} µs; asked again {} times\n  publish → the first step's channel p50 {} µs, p99 {} µs, longest {} µs",
            self.backend,
            self.episodes,
            self.rate,
            self.open,
            self.told_p50_us,
            self.told_p99_us,
            self.shown_p50_us,
            self.shown_p99_us,
            self.shown_max_us,
            self.asked_again,
            self.paged_p50_us,
            self.paged_p99_us,
            self.paged_max_us,
        )
    }
}

/// A channel whose wire ends here: it notes when the page of which alert came.
#[derive(Default)]
struct Pager(Mutex<HashMap<String, Instant>>);

impl Channel for Pager {
    fn channel(&self) -> messages::Channel {
        messages::Channel::Email
    }

    fn send(&self, message: &Outgoing, _now: domain::Instant) -> SendOutcome {
        let mut step = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for id in message.text.split_whitespace().filter_map(|word| word.strip_prefix("/alerts/")) {
            step.entry(id.to_owned()).or_insert_with(Instant::now);
        }
        SendOutcome { attempt: Attempt::Accepted, provider_id: None, code: "bench", fault: None }
    }
}

impl Pager {
    /// When it rang for an alert.
    fn rang(&self, alert: AlertId) -> anyhow::Result<Instant> {
        let (began, id) = (Instant::now(), alert.to_string());
        loop {
            let step = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id).copied();
            match step {
                Some(at) => return Ok(at),
                None => anyhow::ensure!(began.elapsed() < PATIENCE, "nobody was paged for a red"),
            }
            rest(Duration::from_millis(1));
        }
    }
}

/// An open queue.
struct Watch {
    eyes: Eyes,
    live: Live,
    again: usize,
    /// Alerts that were seen red: what is announced of them later concerns no measurement.
    seen: HashSet<String>,
}

impl Watch {
    /// Waits until a new red stands on the page; says which, and when the stream told of it.
    fn red(&mut self, began: Instant) -> anyhow::Result<(AlertId, Duration)> {
        loop {
            let (name, data) = self.live.next()?;
            if name != "alert.changed" {
                anyhow::ensure!(began.elapsed() < PATIENCE, "no alert was told of");
                continue;
            }
            let heard = began.elapsed();
            let data: serde_json::Value = serde_json::from_str(&data)?;
            let id = data.get("alert_id").and_then(serde_json::Value::as_str).context("an alert's id")?;
            if !self.seen.contains(id) && self.shows(id, began)? {
                self.seen.insert(id.to_owned());
                return Ok((id.parse().context("an alert's id")?, heard));
            }
        }
    }

    /// Whether the queue shows this alert red.
    fn shows(&mut self, id: &str, began: Instant) -> anyhow::Result<bool> {
        let (status, page) = self.eyes.get("/queue")?;
        anyhow::ensure!(status == 200, "the queue answered {status}");
        let row = page.split("<li class=\"row ").find(|row| row.contains(&format!("id=\"row-{id}\"")));
        let red = row.is_some_and(|row| row.starts_with("row-red"));
        self.again += usize::from(!red);
        anyhow::ensure!(red || began.elapsed() < PATIENCE, "a red was never shown");
        Ok(red)
    }
}

/// Readings of 130 a minute, one a second, as one message.
fn pulses(begun_ms: i64, seconds: std::ops::Range<i64>) -> String {
    let reading = |n: i64| format!(r#"{{"ts":{},"values":{{"heart_rate":130}}}}"#, begun_ms + n * 1_000);
    let all: Vec<String> = seconds.map(reading).collect();
    format!("[{}]", all.join(","))
}

/// Waits until every series is known: a first reading is judged by a replay.
fn known(store: &Store) -> anyhow::Result<()> {
    let began = Instant::now();
    while !store.read(|view| reevaluations::due(view, 1))?.is_empty() {
        anyhow::ensure!(began.elapsed() < PATIENCE * 3, "the replays do not catch up");
        rest(CALM);
    }
    Ok(())
}

fn resolve(store: &Store, alert: AlertId, who: UserId) -> anyhow::Result<()> {
    let now = Clock::System.now();
    let actor = Actor::User { id: who, role: domain::Role::Clinician };
    let acted = store.write(actor, now, |tx| {
        let outcome = Act::Resolve { outcome: Outcome::TrueAlarm };
        Ok(alerts::acted(tx, alert, who, outcome, None).map(drop))
    })?;
    Ok(acted?)
}
