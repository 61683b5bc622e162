//! `zelo bench overload`: ten times what the house can take is offered for a minute. Memory stays bounded, nothing
//! acknowledged is lost, and afterwards a lone device is answered as quickly as before.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::rig::child::Generator;
use super::rig::load::{Pace, Report};
use super::rig::lone::{Answer, Lone, STEADY};
use super::rig::measure::{Drive, READINGS, plan, rest, settled};
use super::rig::meter::{Histogram, forget_peak, peak_kib, rate, rss_kib};
use super::rig::seed::{Enrolled, many};
use super::rig::site::Site;
use super::rig::source;
use super::{Common, note, print};
use crate::house::Start;
use domain::Clock;
use store::{Store, readings};

/// It is watched alone for so long before, and afterwards.
const ALONE: Duration = Duration::from_secs(5);
const AFTER: Duration = Duration::from_secs(20);
/// Normal again: so long a time without an answer slower than the slowest hundredth before, or than this.
const NORMAL: Duration = Duration::from_millis(10);

/// How to measure.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// Devices that offer too much
    #[arg(long, default_value_t = 5_000)]
    devices: usize,
    /// How often what the house takes is offered
    #[arg(long, default_value_t = 10)]
    factor: u32,
    /// For how many seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

#[derive(Default, Serialize)]
struct Seen {
    backend: &'static str,
    devices: usize,
    /// What the house took of the same devices at window 20, messages a second.
    taken_s: u64,
    offered_s: u64,
    /// Acknowledged under overload, messages a second.
    acknowledged_s: u64,
    refused: u64,
    lost_connections: u64,
    rss_before_kib: u64,
    peak_kib: u64,
    rss_after_kib: u64,
    acknowledged: u64,
    /// Readings of acknowledged messages that are not in the store.
    missing: u64,
    before_p50_us: u64,
    before_p99_us: u64,
    during_p50_us: u64,
    during_p99_us: u64,
    /// Times the lone device was turned away.
    lone_lost: u32,
    /// From the end of the overload to normal answers; `None`: never seen.
    normal_after_ms: Option<u128>,
}

/// Runs it.
///
/// # Errors
/// The house failed, or an acknowledged reading is not in the store.
pub(super) fn run(args: &Args, start: Start) -> anyhow::Result<()> {
    let site = Site::fresh(args.common.database_url.as_deref())?;
    let enrolled = many(&site.store, &site.tokens, args.devices + 1, Clock::System.now())?;
    let (one, all) = enrolled.split_at(1);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let house = runtime.block_on(site.house(start))?;
    settled(&house);
    let address = house.mqtt;
    let mut seen = Seen { backend: site.backend(), devices: all.len(), ..Seen::default() };
    let drive = |pace, warm, run| Drive { devices: all.len(), pace, warm: seconds(warm), run: seconds(run) };
    let lone = Lone::start(address, one)?;
    rest(ALONE);
    let from = Instant::now();
    let capacity = drive(Pace::Closed(20), 4, 6);
    let taken = load(&site, &plan(capacity, address, all.to_vec()))?;
    seen.taken_s = rate(taken.acks, Duration::from_micros(taken.took_us));
    note(&format!("{} messages/s are taken at window 20", seen.taken_s));
    (seen.rss_before_kib, seen.offered_s) = (rss_kib(), seen.taken_s * u64::from(args.factor));
    forget_peak();
    let offered = u32::try_from(seen.offered_s)?;
    let mut over = plan(drive(Pace::Fixed(offered), 1, args.seconds), address, all.to_vec());
    // After what was sent before, so that each reading is a new one.
    over.start_ms += 3_600_000;
    over.step_ms = 100;
    let over = load(&site, &over)?;
    let until = Instant::now();
    note("the overload is over");
    rest(AFTER);
    (seen.peak_kib, seen.rss_after_kib) = (peak_kib(), rss_kib());
    let (answers, lone_lost) = lone.stop()?;
    seen.lone_lost = lone_lost;
    seen.latencies(&answers, from, until);
    (seen.refused, seen.lost_connections) = (over.refused, over.lost);
    seen.acknowledged_s = rate(over.acks, Duration::from_micros(over.took_us));
    runtime.block_on(house.stop());
    (seen.acknowledged, seen.missing) = missing(&site.store, all, [&taken, &over])?;
    print(&args.common, &seen, &seen.words())?;
    anyhow::ensure!(seen.missing == 0, "acknowledged readings are not in the store");
    Ok(())
}

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn load(site: &Site, plan: &super::rig::load::Plan) -> anyhow::Result<Report> {
    let mut generator = Generator::start(site.dir(), plan)?;
    generator.go()?;
    generator.report()
}

/// Rolls everything, so that each reading counts once; says how many messages were acknowledged and how many of their
/// readings are not stored.
fn missing(store: &Store, devices: &[Enrolled], reports: [&Report; 2]) -> anyhow::Result<(u64, u64)> {
    let now = Clock::System.now();
    while readings::roll(store, now, now.plus(seconds(86_400)))?.more {}
    let (mut acknowledged, mut missing) = (0, 0);
    for (place, source) in source::of(store, devices)?.iter().enumerate() {
        let acked: u64 = reports.iter().filter_map(|report| report.acked.get(place)).sum();
        let stored = u64::try_from(store.read(|view| readings::stored_of(view, source.patient_key))?)?;
        acknowledged += acked;
        missing += (acked * READINGS).saturating_sub(stored);
    }
    Ok((acknowledged, missing))
}

impl Seen {
    fn latencies(&mut self, answers: &[Answer], from: Instant, until: Instant) {
        let of = |takes: &dyn Fn(Instant) -> bool| {
            let mut all = Histogram::default();
            answers.iter().filter(|(at, _)| takes(*at)).for_each(|(_, took)| all.add(*took));
            (all.quantile(500), all.quantile(990))
        };
        (self.before_p50_us, self.before_p99_us) = of(&|at| at < from);
        (self.during_p50_us, self.during_p99_us) = of(&|at| at >= from && at < until);
        let normal = NORMAL.max(Duration::from_micros(self.before_p99_us));
        // An answer that was still owed at the end is slow until it came.
        let after = answers.iter().filter(|(at, took)| *at + *took >= until);
        let slow = after.filter(|(_, took)| *took > normal).map(|(at, took)| *at + *took);
        let mut normal_from = until;
        for end in slow.chain(answers.last().map(|(at, _)| *at)) {
            if end.saturating_duration_since(normal_from) >= STEADY {
                self.normal_after_ms = Some(normal_from.saturating_duration_since(until).as_millis());
                return;
            }
            normal_from = normal_from.max(end);
        }
    }

    fn words(&self) -> String {
        let normal = self.normal_after_ms.map_or("never".to_owned(), |ms| format!("{ms} ms"));
        format!(
            "{} · {} devices offer {} messages/s, {} were taken at window 20; acknowledged {}/s, refused {}, connections lost {}\n  resident {} MiB before, {} MiB at the peak, {} MiB after; of {} acknowledged messages {} readings missing\n  a lone device: before p50 {} µs, p99 {} µs; during p50 {} µs, p99 {} µs, turned away {} times; normal again after {normal}",
            self.backend,
            self.devices,
            self.offered_s,
            self.taken_s,
            self.acknowledged_s,
            self.refused,
            self.lost_connections,
            self.rss_before_kib / 1_024,
            self.peak_kib / 1_024,
            self.rss_after_kib / 1_024,
            self.acknowledged,
            self.missing,
            self.before_p50_us,
            self.before_p99_us,
            self.during_p50_us,
            self.during_p99_us,
            self.lone_lost,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal_after(answers: &[(u64, u64)]) -> Option<u128> {
        let zero = Instant::now();
        let at = |ms| zero + Duration::from_millis(ms);
        let answers: Vec<Answer> =
            answers.iter().map(|(sent, took)| (at(*sent), Duration::from_millis(*took))).collect();
        let mut seen = Seen::default();
        seen.latencies(&answers, at(1_000), at(2_000));
        seen.normal_after_ms
    }

    #[test]
    fn answers_are_normal_again_once_a_second_passed_without_a_slow_one() {
        assert_eq!(normal_after(&[(0, 1), (1_500, 900), (2_400, 1), (3_600, 1)]), Some(400));
        assert_eq!(normal_after(&[(0, 1), (1_500, 400), (2_500, 1), (3_100, 1)]), Some(0));
        assert_eq!(
            normal_after(&[(0, 1), (1_500, 700), (2_300, 200), (2_900, 300), (4_400, 1)]),
            Some(1_200)
        );
        assert_eq!(normal_after(&[(0, 1), (1_500, 700), (2_300, 200), (3_000, 1)]), None);
    }
}
