//! One measured run of a house in this process under a generator in another.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::child::Generator;
use super::load::{Pace, Plan, Report};
use super::meter::{cpu_ms, rate, rss_kib};
use super::seed::{Enrolled, many};
use super::site::Site;
use crate::house::{House, Start};
use domain::Clock;
use store::readings::{self, Part};

/// Readings in a message.
pub(crate) const READINGS: u64 = 3;
/// Measured time begins this long ago, so that the roll has closed rows to fold from the start.
const BEHIND: Duration = Duration::from_secs(3 * 3_600);

/// What is driven, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drive {
    /// Devices, each with a patient of its own.
    pub devices: usize,
    /// How they publish.
    pub pace: Pace,
    /// Before anything counts.
    pub warm: Duration,
    /// What counts.
    pub run: Duration,
}

/// What was seen.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Seen {
    /// `sqlite` or `postgres`.
    pub backend: &'static str,
    /// How many devices.
    pub devices: usize,
    /// Acknowledged messages a second.
    pub messages_s: u64,
    /// Acknowledged readings a second.
    pub readings_s: u64,
    /// The generator's view.
    pub load: Report,
    /// Commits of telemetry a second.
    pub commits_s: u64,
    /// Rows in a commit, on average.
    pub rows_per_commit: u64,
    /// Processor time of the house, in thousandths of one core.
    pub house_millicores: u64,
    /// The same of the generator.
    pub load_millicores: u64,
    /// Resident memory of this process at the end, KiB.
    pub rss_kib: u64,
    /// Readings in the journal and the bytes they take.
    pub hot: Sized,
    /// The same of the chunks.
    pub cold: Sized,
    /// The same of the receipts, each of one message.
    pub audit: Sized,
}

/// Readings and bytes.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Sized {
    readings: i64,
    bytes: i64,
    /// Thousandths of a byte.
    milli_bytes_per_reading: i64,
}

impl From<Part> for Sized {
    fn from(part: Part) -> Self {
        Self { readings: part.readings, bytes: part.bytes, milli_bytes_per_reading: part.per_thousand() }
    }
}

impl Sized {
    /// Bytes a reading.
    #[must_use]
    pub(crate) fn words(&self) -> String {
        format!("{}.{:02}", self.milli_bytes_per_reading / 1_000, self.milli_bytes_per_reading % 1_000 / 10)
    }
}

/// The generator's plan for a drive.
#[must_use]
pub(crate) fn plan(drive: Drive, address: std::net::SocketAddr, devices: Vec<Enrolled>) -> Plan {
    Plan {
        address,
        devices,
        pace: drive.pace,
        start_ms: Clock::System.now().minus(BEHIND).millis(),
        // Few devices publish so fast that at a second each they would overtake the clock.
        step_ms: if drive.devices < 500 { 100 } else { 1_000 },
        warm: drive.warm,
        run: drive.run,
    }
}

/// Seeds a fresh site, starts the house and the generator, and measures.
///
/// # Errors
/// The house or the generator failed.
pub(crate) fn measure(server: Option<&str>, drive: Drive, start: Start) -> anyhow::Result<Seen> {
    let site = Site::fresh(server)?;
    let began = Instant::now();
    let devices = many(&site.store, &site.tokens, drive.devices, Clock::System.now())?;
    crate::bench::note(&format!("{} devices seeded in {} ms", devices.len(), began.elapsed().as_millis()));
    measure_at(&site, drive, devices, start)
}

/// As [`measure`], on a site that is there already.
///
/// # Errors
/// As [`measure`].
pub(crate) fn measure_at(
    site: &Site,
    drive: Drive,
    devices: Vec<Enrolled>,
    start: Start,
) -> anyhow::Result<Seen> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let house = runtime.block_on(site.house(start))?;
    settled(&house);
    let seen = under_load(site, &house, drive, devices);
    runtime.block_on(house.stop());
    seen
}

/// Waits until the log has taken up what the seed wrote: it is not what is measured.
pub(crate) fn settled(house: &House) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut before = u64::MAX;
    while Instant::now() < deadline {
        let modules = house.engine.modules();
        let did = modules.iter().find(|(name, _)| *name == "seal").map_or(0, |(_, module)| module.did);
        if did == before && did > 0 {
            return;
        }
        before = did;
        rest(Duration::from_millis(600));
    }
}

fn under_load(site: &Site, house: &House, drive: Drive, devices: Vec<Enrolled>) -> anyhow::Result<Seen> {
    let plan = plan(drive, house.mqtt, devices);
    let mut generator = Generator::start(site.dir(), &plan)?;
    let stats = &house.ingest;
    let counts = || (stats.commits.load(Ordering::Relaxed), stats.readings.load(Ordering::Relaxed), cpu_ms());
    generator.go()?;
    let (from, before) = (Instant::now(), counts());
    let load = Report { acked: Vec::new(), ..generator.report()? };
    let (took, after) = (from.elapsed(), counts());
    let (commits, rows, cpu) = (after.0 - before.0, after.1 - before.1, after.2 - before.2);
    let measured = Duration::from_micros(load.took_us);
    let sizes = site.store.read(readings::sizes)?;
    Ok(Seen {
        backend: site.backend(),
        devices: drive.devices,
        messages_s: rate(load.acks, measured),
        readings_s: rate(load.acks * READINGS, measured),
        commits_s: rate(commits, took),
        rows_per_commit: rows / commits.max(1),
        house_millicores: rate(cpu, took),
        load_millicores: rate(load.cpu_ms, measured),
        rss_kib: rss_kib(),
        hot: sizes.hot.into(),
        cold: sizes.cold.into(),
        audit: sizes.audit.into(),
        load,
    })
}

impl Seen {
    /// Processor time of the house for each reading.
    #[must_use]
    pub(crate) fn nanos_per_reading(&self) -> u64 {
        self.house_millicores * 1_000_000 / self.readings_s.max(1)
    }

    /// In words, a line for each matter.
    #[must_use]
    pub(crate) fn words(&self) -> String {
        let bytes = |part: &Sized| format!("{} over {} readings", part.words(), part.readings);
        let load = &self.load;
        format!(
            "{} · {} devices\n  {} readings/s ({} messages/s), refused {}, connections lost {}\n  publish → PUBACK p50 {} µs, p99 {} µs, longest {} µs\n  {} commits/s of {} rows; house {} m-cores, generator {} m-cores; {} MiB resident\n  bytes a reading: hot {}; cold {}; audit {} bytes a message",
            self.backend,
            self.devices,
            self.readings_s,
            self.messages_s,
            load.refused,
            load.lost,
            load.p50_us,
            load.p99_us,
            load.max_us,
            self.commits_s,
            self.rows_per_commit,
            self.house_millicores,
            self.load_millicores,
            self.rss_kib / 1_024,
            bytes(&self.hot),
            bytes(&self.cold),
            self.audit.words(),
        )
    }
}

/// Lets the machine come to rest, or time pass under load: a measurement has nothing else to wait for.
#[expect(clippy::disallowed_methods, reason = "a bench measures over time")]
pub(crate) fn rest(time: Duration) {
    std::thread::sleep(time);
}
