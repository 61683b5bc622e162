//! `zelo bench start`: `zelo serve` in a process of its own, from its start to the line that says it is ready: on an
//! empty store, and on one whose journal is full. Then every device sends one message, and it counts until the last
//! replay is worked off.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::rig::child::Generator;
use super::rig::history::{Sensor, Values, lay};
use super::rig::load::Pace;
use super::rig::measure::{Drive, plan, rest};
use super::rig::meter::{cpu_ms_of, rss_kib_of};
use super::rig::seed::{Enrolled, many};
use super::rig::site::{Closed, Site};
use super::rig::source;
use super::{Common, note, print};
use domain::time::civil::Window;
use domain::{Clock, Signal};
use store::rules::reevaluations;
use store::{Store, readings};

const SIGNALS: [Signal; 3] = [Signal::HeartRate, Signal::Spo2, Signal::RespiratoryRate];
/// Memory comes to rest.
const REST: Duration = Duration::from_secs(10);
/// Warm is not reached later than this.
const PATIENCE: Duration = Duration::from_secs(180);
const LOOK: Duration = Duration::from_millis(20);

/// How to measure.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// Readings in the journal
    #[arg(long, default_value_t = 10_000_000)]
    rows: u64,
    /// Devices they come from, three signals each at 1 Hz
    #[arg(long, default_value_t = 5_000)]
    devices: usize,
}

#[derive(Default, Serialize)]
struct Seen {
    backend: &'static str,
    binary_kib: u64,
    empty_ready_ms: u128,
    empty_rest_kib: u64,
    hot_rows: u64,
    hot_bytes: i64,
    ready_ms: u128,
    ready_kib: u64,
    /// From the first of the messages to the last replay.
    warm_ms: u128,
    /// Processor time of the node meanwhile, the roll of the journal included.
    warm_cpu_ms: u64,
    warm_answer_p99_us: u64,
    warm_kib: u64,
    rest_kib: u64,
}

/// Runs it.
///
/// # Errors
/// The store or the node failed.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let server = args.common.database_url.as_deref();
    let binary = std::fs::metadata(std::env::current_exe()?)?.len();
    let mut seen = Seen { binary_kib: binary / 1_024, ..Seen::default() };
    {
        let site = Site::fresh(server)?;
        seen.backend = site.backend();
        // Held until the node has ended: what is dropped takes its database and its directory away.
        let site = site.closed();
        let node = Node::start(&site)?;
        seen.empty_ready_ms = node.took.as_millis();
        rest(REST);
        seen.empty_rest_kib = rss_kib_of(node.child.id());
    }
    let (site, enrolled) = full(server, args, &mut seen)?;
    let node = Node::start(&site)?;
    (seen.ready_ms, seen.ready_kib) = (node.took.as_millis(), rss_kib_of(node.child.id()));
    note("ready");
    let store = site.open()?;
    warm(&store, &site, &node, enrolled, &mut seen)?;
    seen.warm_kib = rss_kib_of(node.child.id());
    rest(REST);
    seen.rest_kib = rss_kib_of(node.child.id());
    drop(store);
    drop(node);
    let words = format!(
        "{} · binary {} MiB\n  empty: ready after {} ms, {} MiB resident at rest\n  {} readings in the journal ({} MiB): ready after {} ms with {} MiB resident; {} devices' first messages: warm after {} ms ({} ms of processor time, the roll's included), answered p99 {} ms, {} MiB resident, {} MiB after a rest",
        seen.backend,
        seen.binary_kib / 1_024,
        seen.empty_ready_ms,
        seen.empty_rest_kib / 1_024,
        seen.hot_rows,
        seen.hot_bytes / 1_048_576,
        seen.ready_ms,
        seen.ready_kib / 1_024,
        args.devices,
        seen.warm_ms,
        seen.warm_cpu_ms,
        seen.warm_answer_p99_us / 1_000,
        seen.warm_kib / 1_024,
        seen.rest_kib / 1_024,
    );
    print(&args.common, &seen, &words)
}

/// A closed site whose journal is full.
fn full(server: Option<&str>, args: &Args, seen: &mut Seen) -> anyhow::Result<(Closed, Vec<Enrolled>)> {
    let site = Site::fresh(server)?;
    let enrolled = many(&site.store, &site.tokens, args.devices, Clock::System.now())?;
    let sources = source::of(&site.store, &enrolled)?;
    let people = u64::try_from(args.devices)? * u64::try_from(SIGNALS.len())?;
    let end = Clock::System.now();
    let from = end.minus(Duration::from_secs(args.rows / people.max(1)));
    let sensor = |signal| Sensor { signal, every: 1_000, jitter: 0, values: Values::Wander };
    for signal in SIGNALS {
        seen.hot_rows += lay(&site.store, &sources, &sensor(signal), Window { from, to: end }, false)?;
        note(&format!("{} readings in the journal", seen.hot_rows));
    }
    seen.hot_bytes = site.store.read(readings::sizes)?.hot.bytes;
    Ok((site.closed(), enrolled))
}

/// One message a second of each device, until no replay is left.
fn warm(
    store: &Store,
    site: &Closed,
    node: &Node,
    enrolled: Vec<Enrolled>,
    seen: &mut Seen,
) -> anyhow::Result<()> {
    let rate = u32::try_from(enrolled.len())?;
    let run = Duration::from_secs(3);
    let drive = Drive { devices: enrolled.len(), pace: Pace::Fixed(rate), warm: Duration::ZERO, run };
    let mut plan = plan(drive, node.mqtt, enrolled);
    plan.start_ms = Clock::System.now().millis();
    let mut generator = Generator::start(site.dir(), &plan)?;
    generator.go()?;
    let pid = node.child.id().to_string();
    let (began, cpu) = (Instant::now(), cpu_ms_of(&pid));
    let mut last = began;
    // Each has sent after a second; a second after that nothing new is marked.
    while last.elapsed() < Duration::from_secs(2) {
        anyhow::ensure!(began.elapsed() < PATIENCE, "the replays do not catch up");
        if !store.read(|view| reevaluations::due(view, 1))?.is_empty() {
            last = Instant::now();
            seen.warm_cpu_ms = cpu_ms_of(&pid).saturating_sub(cpu);
        }
        rest(LOOK);
    }
    seen.warm_ms = last.saturating_duration_since(began).as_millis();
    seen.warm_answer_p99_us = generator.report()?.p99_us;
    Ok(())
}

/// `zelo serve`, killed when dropped.
struct Node {
    child: Child,
    mqtt: SocketAddr,
    took: Duration,
}

#[derive(Deserialize)]
struct Ready {
    mqtt: SocketAddr,
}

impl Node {
    fn start(site: &Closed) -> anyhow::Result<Self> {
        let url = site.database_url();
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve", "--json", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"]);
        command.args(["--database-url", &url, "--data-dir"]).arg(site.dir());
        let began = Instant::now();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let out = child.stdout.take().context("the node has no output")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let took = began.elapsed();
        let ready: Ready =
            serde_json::from_str(&line).context("the node did not start: see its words above")?;
        Ok(Self { child, mqtt: ready.mqtt, took })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}
