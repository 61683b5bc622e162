//! `zelo bench siege`: what honest devices notice of strangers. The same calm load is measured three times: alone, beside
//! thousands of connections that never finish their request, and beside devices that flood foreign topics.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;

use super::rig::child::Generator;
use super::rig::dashboard::Dashboard;
use super::rig::load::Pace;
use super::rig::measure::{Drive, plan, settled};
use super::rig::meter::{forget_peak, peak_kib, rate, rss_kib};
use super::rig::seed::{Enrolled, many};
use super::rig::site::Site;
use super::rig::strangers::{Did, Plan, Strangers, served};
use super::{Common, note, print};
use crate::house::Start;
use domain::Clock;

/// How to measure.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// Connections that drip a byte a second
    #[arg(long, default_value_t = 4_300)]
    slow: usize,
    /// Devices that flood foreign topics
    #[arg(long, default_value_t = 2)]
    flooders: usize,
    /// Calm devices
    #[arg(long, default_value_t = 200)]
    devices: usize,
    /// Their messages a second in all
    #[arg(long, default_value_t = 500)]
    rate: u32,
    /// Seconds that count, each time
    #[arg(long, default_value_t = 15)]
    seconds: u64,
}

/// One of the three times.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Time {
    acks_s: u64,
    refused: u64,
    lost: u64,
    p50_us: u64,
    p99_us: u64,
    /// A request of somebody who wants something; `None`: it was not answered.
    http_us: Option<u64>,
    rss_kib: u64,
    peak_kib: u64,
    /// What the strangers did.
    did: Did,
}

#[derive(Debug, Serialize)]
struct Seen {
    backend: &'static str,
    devices: usize,
    slow: usize,
    flooders: usize,
    alone: Time,
    beside_slow: Time,
    beside_flood: Time,
}

/// Runs it.
///
/// # Errors
/// The house, the pages or the generator failed.
pub(super) fn run(args: &Args, start: Start) -> anyhow::Result<()> {
    let site = Site::fresh(args.common.database_url.as_deref())?;
    let all = many(&site.store, &site.tokens, args.devices + args.flooders, Clock::System.now())?;
    let (calm, flooders) = all.split_at(args.devices);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let house = runtime.block_on(site.house(start))?;
    let pages = Dashboard::open(&site, &runtime)?;
    settled(&house);
    let (mqtt, http) = (house.mqtt, pages.eyes().address());
    let siege = Siege { site: &site, args, mqtt, http };
    let strangers = |slow, flooders: &[Enrolled]| Plan { http, mqtt, slow, flooders: flooders.to_vec() };
    let alone = siege.measure(0, calm, None)?;
    note("alone: measured");
    let beside_slow = siege.measure(1, calm, Some(&strangers(args.slow, &[])))?;
    note("beside slow connections: measured");
    let beside_flood = siege.measure(2, calm, Some(&strangers(0, flooders)))?;
    pages.close(&runtime);
    runtime.block_on(house.stop());
    let seen = Seen {
        backend: site.backend(),
        devices: args.devices,
        slow: args.slow,
        flooders: args.flooders,
        alone,
        beside_slow,
        beside_flood,
    };
    print(&args.common, &seen, &seen.words())
}

struct Siege<'a> {
    site: &'a Site,
    args: &'a Args,
    mqtt: SocketAddr,
    http: SocketAddr,
}

impl Siege<'_> {
    /// The calm devices, beside whoever came. Each time has instants of its own, so that each reading is a new one.
    fn measure(&self, time: i64, calm: &[Enrolled], came: Option<&Plan>) -> anyhow::Result<Time> {
        let drive = Drive {
            devices: calm.len(),
            pace: Pace::Fixed(self.args.rate),
            warm: Duration::from_secs(2),
            run: Duration::from_secs(self.args.seconds),
        };
        let mut plan = plan(drive, self.mqtt, calm.to_vec());
        plan.start_ms += time * 600_000;
        let strangers = came.map(|came| Strangers::gather(self.site.dir(), came)).transpose()?;
        forget_peak();
        // Honest devices connect while the strangers stand.
        let mut generator = Generator::start(self.site.dir(), &plan)?;
        generator.go()?;
        let http = served(self.http).ok();
        let report = generator.report()?;
        let (rss_kib, peak_kib) = (rss_kib(), peak_kib());
        let did = strangers.map(Strangers::leave).transpose()?.unwrap_or_default();
        Ok(Time {
            acks_s: rate(report.acks, Duration::from_micros(report.took_us)),
            refused: report.refused,
            lost: report.lost,
            p50_us: report.p50_us,
            p99_us: report.p99_us,
            http_us: http.map(|took| u64::try_from(took.as_micros()).unwrap_or(u64::MAX)),
            rss_kib,
            peak_kib,
            did,
        })
    }
}

impl Time {
    fn words(&self, alone: &Self) -> String {
        let http = self.http_us.map_or("not answered".to_owned(), |took| format!("{took} µs"));
        format!(
            "PUBACK p50 {} µs ({}), p99 {} µs ({}), {}/s, refused {}, lost {}; a request {http}; resident {} MiB, {} at the peak",
            self.p50_us,
            times(self.p50_us, alone.p50_us),
            self.p99_us,
            times(self.p99_us, alone.p99_us),
            self.acks_s,
            self.refused,
            self.lost,
            self.rss_kib / 1_024,
            self.peak_kib / 1_024,
        )
    }
}

/// How many times as much, with two decimals.
fn times(now: u64, alone: u64) -> String {
    let hundredths = now * 100 / alone.max(1);
    format!("× {}.{:02}", hundredths / 100, hundredths % 100)
}

impl Seen {
    fn words(&self) -> String {
        format!(
            "{} · {} calm devices\n  alone: {}\n  beside {} slow connections ({} opened): {}\n  beside {} flooders ({} MiB sent): {}",
            self.backend,
            self.devices,
            self.alone.words(&self.alone),
            self.slow,
            self.beside_slow.did.opened,
            self.beside_slow.words(&self.alone),
            self.flooders,
            self.beside_flood.did.flooded / (1 << 20),
            self.beside_flood.words(&self.alone),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_to_the_run_without_strangers() {
        assert_eq!(
            (times(150, 100), times(1_005, 1_000), times(5, 0)),
            ("× 1.50".into(), "× 1.00".into(), "× 5.00".into())
        );
    }
}
