//! `zelo bench kill`: the house is killed at random instants under load. The client keeps every acknowledgement;
//! afterwards all that was acknowledged is there, each reading once, and the log verifies.

use std::collections::{BTreeSet, VecDeque};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use ring::rand::{SecureRandom, SystemRandom};
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::rig::load::login;
use super::rig::seed::{Enrolled, many};
use super::rig::site::{Closed, Site};
use super::rig::source;
use super::rig::wire::{self, Heard, Message, Publisher};
use super::{Common, note, print};
use domain::{Clock, Instant, Signal};
use store::readings;
use store::{Store, audit as log};

/// Unanswered messages of each device.
const WINDOW: usize = 10;
/// Acknowledged messages that a device sends again after each restart, as if their PUBACK was lost.
const AGAIN: usize = 20;
const SIGNALS: [Signal; 3] = [Signal::HeartRate, Signal::Spo2, Signal::RespiratoryRate];

/// Kills that find a free slot for the next node on PostgreSQL; a lost node's is free again after a minute.
const SLOTS: usize = 12;
/// From one kill to the next beyond these.
const APART: Duration = Duration::from_secs(5);

/// How to measure.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// How often it is killed
    #[arg(long, default_value_t = 50)]
    kills: usize,
    /// Devices; every other one sends what was measured hours ago, and so is rolled at once
    #[arg(long, default_value_t = 200)]
    devices: usize,
}

#[derive(Default, Serialize)]
struct Seen {
    backend: &'static str,
    kills: usize,
    /// Messages acknowledged, each counted once.
    acknowledged: usize,
    /// Sent again after a restart.
    resent: usize,
    /// Of those, how many were measured before an hour that is rolled.
    resent_old: usize,
    /// Readings acknowledged and not there.
    missing: usize,
    /// Readings there twice.
    doubled: i64,
    /// Restarts after which the log verified.
    verified: usize,
}

/// One device's side of the story; it survives every kill.
struct Story {
    device: Enrolled,
    number: usize,
    start_ms: i64,
    step_ms: i64,
    next: i64,
    open: VecDeque<i64>,
    acknowledged: BTreeSet<i64>,
    resent: usize,
}

impl Story {
    fn message(&self, n: i64) -> Message {
        Message::nth(self.number, n, self.start_ms, self.step_ms)
    }

    /// What to send first on a new connection: what was never answered, and some of what was.
    fn again(&mut self) -> VecDeque<i64> {
        let answered: BTreeSet<i64> = self.acknowledged.iter().rev().take(AGAIN).copied().collect();
        let all: BTreeSet<i64> = answered.into_iter().chain(self.open.drain(..)).collect();
        self.resent += all.len();
        all.into_iter().collect()
    }
}

/// Runs it.
///
/// # Errors
/// A promise was broken, or the house failed.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let site = Site::fresh(args.common.database_url.as_deref())?;
    let now = Clock::System.now();
    let enrolled = many(&site.store, &site.tokens, args.devices, now)?;
    let backend = site.backend();
    let site = site.closed();
    let stories: Vec<_> = (enrolled.into_iter().enumerate())
        .map(|(number, device)| Arc::new(Mutex::new(story(number, device, now))))
        .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut seen = Seen { backend, kills: args.kills, ..Seen::default() };
    for kill in 0..args.kills {
        if kill >= SLOTS && site.url.file().is_none() {
            super::rig::measure::rest(APART);
        }
        let mut node = Node::start(&site)?;
        let address = node.address;
        let lives: Vec<_> =
            stories.iter().map(|story| runtime.spawn(live(Arc::clone(story), address))).collect();
        super::rig::measure::rest(Duration::from_millis(400 + chance(1_200)?));
        node.kill()?;
        for life in lives {
            // It ends with its connection; what it learned is in the story.
            drop(runtime.block_on(life)?);
        }
        let store = site.open()?;
        let report = verified(&store, &site)?;
        anyhow::ensure!(report.ok, "the log does not verify after kill {}: {report:?}", kill + 1);
        seen.verified += 1;
        if (kill + 1) % 10 == 0 {
            note(&format!("{} kills", kill + 1));
        }
    }
    let store = site.open()?;
    settle(&store)?;
    seen.doubled = doubled(&store, &stories, &mut seen)?;
    let words = format!(
        "{} · {} kills: {} messages acknowledged, {} resent ({} older than a rolled hour)\n  acknowledged and missing: {} readings; doubled: {}; audit verify whole after {} of {} restarts",
        seen.backend,
        seen.kills,
        seen.acknowledged,
        seen.resent,
        seen.resent_old,
        seen.missing,
        seen.doubled,
        seen.verified,
        seen.kills,
    );
    print(&args.common, &seen, &words)?;
    anyhow::ensure!(seen.missing == 0 && seen.doubled == 0, "an acknowledged reading is missing or doubled");
    Ok(())
}

fn story(number: usize, device: Enrolled, now: Instant) -> Story {
    let old = number.is_multiple_of(2);
    let back = Duration::from_secs(if old { 6 * 3_600 } else { 60 });
    Story {
        device,
        number,
        start_ms: now.minus(back).millis(),
        // The new ones must not overtake the clock.
        step_ms: if old { 1_000 } else { 10 },
        next: 0,
        open: VecDeque::new(),
        acknowledged: BTreeSet::new(),
        resent: 0,
    }
}

/// Publishes until the connection breaks.
async fn live(story: Arc<Mutex<Story>>, address: SocketAddr) -> anyhow::Result<()> {
    let lock = || story.lock().unwrap_or_else(PoisonError::into_inner);
    let device = lock().device.clone();
    let mut socket = login(address, &device).await?;
    let publisher = Publisher::new(&device.id);
    let mut again = lock().again();
    let (mut out, mut heard, mut id) = (Vec::new(), Vec::new(), 0_u16);
    loop {
        out.clear();
        {
            let mut story = lock();
            while story.open.len() < WINDOW {
                let n = again.pop_front().unwrap_or_else(|| {
                    story.next += 1;
                    story.next - 1
                });
                id = id.checked_add(1).unwrap_or(1);
                publisher.write(&mut out, id, story.message(n));
                story.open.push_back(n);
            }
        }
        socket.write_all(&out).await?;
        if socket.read_buf(&mut heard).await? == 0 {
            return Ok(());
        }
        let mut used = 0;
        while let Some((size, what)) = heard.get(used..).and_then(wire::next) {
            used += size;
            if let Heard::Puback(_, code) = what {
                let mut story = lock();
                // Answers come in the order of the messages.
                let n = story.open.pop_front().context("an answer to nothing")?;
                if code == 0 {
                    story.acknowledged.insert(n);
                }
            }
        }
        heard.drain(..used);
    }
}

struct Node {
    child: Child,
    address: SocketAddr,
}

impl Node {
    fn start(site: &Closed) -> anyhow::Result<Self> {
        let url = site.database_url();
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bench", "node", "--database-url", &url, "--dir"]).arg(site.dir());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let out = child.stdout.take().context("the house has no output")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let address = line.trim().parse().context("the house did not start: see its words above")?;
        Ok(Self { child, address })
    }

    /// `kill -9`.
    fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _killed_already = self.kill();
    }
}

fn chance(below: u64) -> anyhow::Result<u64> {
    let mut bytes = [0; 8];
    SystemRandom::new().fill(&mut bytes).map_err(|_unspecified| anyhow::anyhow!("no randomness"))?;
    Ok(u64::from_le_bytes(bytes) % below)
}

fn verified(store: &Store, site: &Closed) -> anyhow::Result<audit::verify::Report> {
    let signer = log::load(store, &site.dir().join("keys"))?;
    Ok(log::verify(store, signer.vkey(), None, &[])?)
}

/// Rolls everything: what is twice must show.
fn settle(store: &Store) -> anyhow::Result<()> {
    let now = Clock::System.now();
    while readings::roll(store, now, now.plus(Duration::from_secs(600)))?.more {}
    Ok(())
}

/// Counts what is missing of what was acknowledged; says how many rows are stored beyond one per identity.
fn doubled(store: &Store, stories: &[Arc<Mutex<Story>>], seen: &mut Seen) -> anyhow::Result<i64> {
    let mut once = 0;
    for story in stories {
        let story = story.lock().unwrap_or_else(PoisonError::into_inner);
        seen.acknowledged += story.acknowledged.len();
        seen.resent += story.resent;
        if story.number.is_multiple_of(2) {
            seen.resent_old += story.resent;
        }
        let source = source::of(store, std::slice::from_ref(&story.device))?.pop().context("a device")?;
        for signal in SIGNALS {
            let (permit, patient_key) = (&source.look, source.patient_key);
            let whole = (Instant::MIN, Instant::MAX);
            let found =
                store.read(|view| readings::series(view, permit, patient_key, signal, whole.0, whole.1))?;
            let at: Vec<i64> = found.iter().map(|row| row.reading.at.millis()).collect();
            let distinct: BTreeSet<i64> = at.iter().copied().collect();
            once += i64::try_from(distinct.len())?;
            seen.missing +=
                story.acknowledged.iter().filter(|n| !distinct.contains(&story.message(**n).ts)).count();
        }
    }
    let sizes = store.read(readings::sizes)?;
    Ok(sizes.hot.readings + sizes.cold.readings - once)
}
