//! `zelo bench late`: what late data costs those who are on time. A calm device is answered alone, while others bring
//! readings of last week into long series, and while many come back after a week offline; memory beside each.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::rig::device::Device;
use super::rig::history::{Sensor, Values, lay};
use super::rig::lone::{Answer, Lone};
use super::rig::measure::{rest, settled};
use super::rig::meter::{Histogram, forget_peak, peak_kib, rss_kib};
use super::rig::seed::{Enrolled, many};
use super::rig::site::Site;
use super::rig::source;
use super::{Common, note, print};
use crate::house::Start;
use domain::time::civil::Window;
use domain::{Clock, Signal};
use store::Store;
use store::rules::reevaluations;

/// Readings in one message of a backlog.
const PART: i64 = 500;
/// What is not judged by then counts as never.
const PATIENCE: Duration = Duration::from_secs(300);

/// How to measure.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// Series with a reading each second behind them, which get single late readings
    #[arg(long, default_value_t = 24)]
    series: usize,
    /// Devices that come back with a reading a minute
    #[arg(long, default_value_t = 1_000)]
    devices: usize,
    /// How far back both reach
    #[arg(long, default_value_t = 7)]
    days: u32,
    /// Seconds that the calm device is watched alone, and beside single late readings
    #[arg(long, default_value_t = 20)]
    seconds: u64,
}

/// One of the three times.
#[derive(Debug, Default, Serialize)]
struct Time {
    late: u64,
    p50_us: u64,
    p99_us: u64,
    slowest_us: u64,
    before_kib: u64,
    peak_kib: u64,
    /// From the last late reading to all of it judged.
    judged_ms: u128,
}

#[derive(Debug, Serialize)]
struct Seen {
    backend: &'static str,
    days: u32,
    history: u64,
    alone: Time,
    single: Time,
    backlog: Time,
}

/// Runs it.
///
/// # Errors
/// The house or a device failed.
pub(super) fn run(args: &Args, start: Start) -> anyhow::Result<()> {
    let site = Site::fresh(args.common.database_url.as_deref())?;
    let enrolled = many(&site.store, &site.tokens, 1 + args.series + args.devices, Clock::System.now())?;
    let (one, others) = enrolled.split_at(1);
    let (long, back) = others.split_at(args.series);
    let now = Clock::System.now();
    let from = now.minus(Duration::from_secs(86_400 * u64::from(args.days)));
    let sensor = Sensor { signal: Signal::HeartRate, every: 1_000, jitter: 0, values: Values::Wander };
    let history = lay(
        &site.store,
        &source::of(&site.store, long)?,
        &sensor,
        Window { from, to: now.minus(Duration::from_secs(60)) },
        true,
    )?;
    note(&format!("{history} readings lie behind {} series", long.len()));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let house = runtime.block_on(site.house(start))?;
    settled(&house);
    let address = house.mqtt;
    let watched = Duration::from_secs(args.seconds);
    let alone = beside(&site.store, address, one, || {
        rest(watched);
        Ok(0)
    })?;
    note("single late readings");
    let single = beside(&site.store, address, one, || trickle(address, long, from.millis(), watched))?;
    note("devices come back");
    let backlog =
        beside(&site.store, address, one, || come_back(address, back, from.millis(), now.millis()))?;
    runtime.block_on(house.stop());
    let seen = Seen { backend: site.backend(), days: args.days, history, alone, single, backlog };
    print(&args.common, &seen, &seen.words())
}

/// What the calm device notices while something happens, and until all of it is judged.
fn beside(
    store: &Store,
    address: SocketAddr,
    one: &[Enrolled],
    happens: impl FnOnce() -> anyhow::Result<u64>,
) -> anyhow::Result<Time> {
    let lone = Lone::start(address, one)?;
    rest(Duration::from_secs(1));
    forget_peak();
    let mut time = Time { before_kib: rss_kib(), ..Time::default() };
    time.late = happens()?;
    let announced_at = Instant::now();
    while store.read(reevaluations::backlog)?.0 > 0 {
        anyhow::ensure!(announced_at.elapsed() < PATIENCE, "late readings are not judged");
        rest(Duration::from_millis(10));
    }
    (time.judged_ms, time.peak_kib) = (announced_at.elapsed().as_millis(), peak_kib());
    let (answers, _turned_away) = lone.stop()?;
    let mut all = Histogram::default();
    answers.iter().for_each(|(_, took): &Answer| all.add(*took));
    (time.p50_us, time.p99_us, time.slowest_us) = (all.quantile(500), all.quantile(990), all.quantile(1_000));
    Ok(time)
}

/// Each series' device is on time once, then brings one reading after the other from the far end, each a little later.
fn trickle(address: SocketAddr, long: &[Enrolled], from: i64, watched: Duration) -> anyhow::Result<u64> {
    let mut devices: Vec<Device> =
        long.iter().map(|enrolled| Device::connect(address, enrolled)).collect::<anyhow::Result<_>>()?;
    let (began, mut sent) = (Instant::now(), 0);
    for device in &mut devices {
        device.publish(&one_reading(Clock::System.now().millis()))?;
    }
    let mut at = from + 500;
    while began.elapsed() < watched {
        for device in &mut devices {
            device.publish(&one_reading(at))?;
            sent += 1;
        }
        at += 60_000;
        rest(Duration::from_millis(500));
    }
    Ok(sent)
}

/// Every device says that it is there, and then what it measured while it was away.
fn come_back(address: SocketAddr, back: &[Enrolled], from: i64, to: i64) -> anyhow::Result<u64> {
    let mut devices: Vec<Device> =
        back.iter().map(|enrolled| Device::connect(address, enrolled)).collect::<anyhow::Result<_>>()?;
    for device in &mut devices {
        device.publish(&one_reading(Clock::System.now().millis()))?;
    }
    let (mut sent, mut at) = (0, from);
    while at < to {
        let end = to.min(at + PART * 60_000);
        let readings: Vec<String> = (at..end)
            .step_by(60_000)
            .map(|at| format!(r#"{{"ts":{at},"heart_rate":{}}}"#, 60 + at % 37))
            .collect();
        let message = format!("[{}]", readings.join(","));
        for device in &mut devices {
            device.send(&message)?;
        }
        for device in &mut devices {
            device.answered()?;
        }
        sent += u64::try_from(readings.len())? * u64::try_from(devices.len())?;
        at = end;
    }
    Ok(sent)
}

fn one_reading(at: i64) -> String {
    format!(r#"{{"ts":{at},"values":{{"heart_rate":72}}}}"#)
}

impl Seen {
    fn words(&self) -> String {
        let times =
            [("alone", &self.alone), ("single late", &self.single), ("back after days", &self.backlog)];
        let mut words = vec![format!(
            "{} · {} readings behind the series, {} days back",
            self.backend, self.history, self.days
        )];
        for (name, time) in times {
            words.push(format!(
                "  {name}: {} late readings; a calm device p50 {} µs, p99 {} µs, slowest {} µs; resident {} MiB, peak {} MiB; judged {} ms after the last",
                time.late,
                time.p50_us,
                time.p99_us,
                time.slowest_us,
                time.before_kib / 1_024,
                time.peak_kib / 1_024,
                time.judged_ms,
            ));
        }
        words.join("\n")
    }
}
