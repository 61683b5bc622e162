//! `zelo bench idle`: what a connection costs that says nothing.

use std::time::Duration;

use serde::Serialize;

use super::rig::child::Generator;
use super::rig::load::Pace;
use super::rig::measure::{Drive, plan};
use super::rig::meter::rss_kib;
use super::rig::seed::many;
use super::rig::site::Site;
use super::{Common, note, print};
use crate::house::Start;
use domain::Clock;

/// How to measure.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// Connections at once
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
}

#[derive(Serialize)]
struct Seen {
    connections: usize,
    /// With as many connections as are asked for, after a house that has none.
    before_kib: u64,
    after_kib: u64,
    bytes_per_connection: u64,
}

/// Runs it.
///
/// # Errors
/// Too few descriptors are allowed; the house or the generator failed.
pub(super) fn run(args: &Args, start: Start) -> anyhow::Result<()> {
    let asked = u64::try_from(args.connections)?.saturating_add(200);
    if let Some(allowed) = descriptors().filter(|allowed| *allowed < asked) {
        anyhow::bail!("{asked} descriptors are needed and {allowed} allowed: run `ulimit -n {asked}` first");
    }
    let site = Site::fresh(args.common.database_url.as_deref())?;
    let devices = many(&site.store, &site.tokens, args.connections, Clock::System.now())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let house = runtime.block_on(site.house(start))?;
    // The log takes up the seed first, and memory comes to rest.
    super::rig::measure::rest(Duration::from_secs(5));
    let address = house.mqtt;
    let (one, rest) = devices.split_at(1.min(devices.len()));
    let drive =
        |devices: usize| Drive { devices, pace: Pace::Idle, warm: Duration::ZERO, run: Duration::ZERO };
    // The first connection makes what every later one shares.
    let mut first = Generator::start(site.dir(), &plan(drive(1), address, one.to_vec()))?;
    first.go()?;
    let before = rss_kib();
    let mut others = Generator::start(site.dir(), &plan(drive(rest.len()), address, rest.to_vec()))?;
    others.go()?;
    super::rig::measure::rest(Duration::from_secs(5));
    let after = rss_kib();
    note(&format!("{} sessions live", house.registry.clone().connected_count()));
    let per = after.saturating_sub(before) * 1_024 / u64::try_from(rest.len())?.max(1);
    drop((first, others));
    runtime.block_on(house.stop());
    let seen = Seen {
        connections: args.connections,
        before_kib: before,
        after_kib: after,
        bytes_per_connection: per,
    };
    let words = format!(
        "{} connections: {} KiB resident before, {} KiB after: {} bytes each",
        seen.connections, seen.before_kib, seen.after_kib, seen.bytes_per_connection
    );
    print(&args.common, &seen, &words)
}

/// The soft limit of open files, where the system tells.
fn descriptors() -> Option<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}
