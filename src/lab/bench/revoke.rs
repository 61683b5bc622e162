//! `zelo bench revoke`: a yes is taken back while others write, and again while colleagues work on the same people's
//! alerts. How soon the call is answered, the device disconnected and the open chart masked, and that nothing of the
//! person is stored after the commit.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use consent::{Giver, Purpose};
use serde::Serialize;

use super::rig::child::Generator;
use super::rig::colleagues::Colleagues;
use super::rig::dashboard::Dashboard;
use super::rig::load::Pace;
use super::rig::measure::{Drive, plan};
use super::rig::meter::Histogram;
use super::rig::seed::{Enrolled, many};
use super::rig::site::Site;
use super::{Common, print};
use crate::house::{House, Start};
use domain::{Clock, PatientId};
use store::consents::{self, Hand};
use store::patients::audience::Audience;
use store::{Actor, Store, readings};

/// Unanswered messages of each busy writer.
const WINDOW: usize = 20;
/// A device that is not gone by then counts as never disconnected.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_micros(200);
const CALM: Duration = Duration::from_millis(20);

/// How to measure.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// How many people take their yes back
    #[arg(long, default_value_t = 120)]
    revocations: usize,
    /// Devices that write as fast as they can meanwhile
    #[arg(long, default_value_t = 8)]
    writers: usize,
    /// Colleagues who claim, acknowledge and hand back the alerts of as many people again who leave; 0: none do
    #[arg(long, default_value_t = 4)]
    colleagues: usize,
}

#[derive(Default, Serialize)]
struct Seen {
    backend: &'static str,
    revocations: usize,
    answered_p50_us: u64,
    answered_p99_us: u64,
    /// The same while colleagues act on the same people's alerts.
    answered_under_acts_p50_us: u64,
    answered_under_acts_p99_us: u64,
    /// What the colleagues did meanwhile.
    acts: u64,
    disconnected_p50_us: u64,
    disconnected_p99_us: u64,
    never_disconnected: usize,
    told_p50_us: u64,
    told_p99_us: u64,
    masked_p50_us: u64,
    masked_p99_us: u64,
    rows_after: i64,
}

/// Runs it.
///
/// # Errors
/// The house failed, or a row of a person was stored after they took their yes back.
pub(super) fn run(args: &Args, start: Start) -> anyhow::Result<()> {
    let site = Site::fresh(args.common.database_url.as_deref())?;
    let now = Clock::System.now();
    let under_acts = if args.colleagues == 0 { 0 } else { args.revocations };
    let devices = many(&site.store, &site.tokens, args.writers + args.revocations + under_acts, now)?;
    let (busy, leaving) = devices.split_at(args.writers);
    let (alone, watched) = leaving.split_at(args.revocations);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let house = runtime.block_on(site.house(start))?;
    let dashboard = Dashboard::open(&site, &runtime)?;
    super::rig::measure::settled(&house);
    let stream = Stream::open(&dashboard, leaving)?;
    let forever = Duration::from_secs(3_600);
    let drive = |devices, pace| Drive { devices, pace, warm: Duration::from_secs(2), run: forever };
    let address = house.mqtt;
    let writers = drive(busy.len(), Pace::Closed(WINDOW));
    let mut writing = Generator::start(site.dir(), &plan(writers, address, busy.to_vec()))?;
    // Those who leave write once every 100 ms each.
    let pace = Pace::Fixed(u32::try_from(leaving.len())?.saturating_mul(10));
    let calm = drive(leaving.len(), pace);
    let mut calm = Generator::start(site.dir(), &plan(calm, address, leaving.to_vec()))?;
    writing.go()?;
    calm.go()?;
    let mut seen = Seen { backend: site.backend(), revocations: alone.len(), ..Seen::default() };
    let mut left = Left::default();
    let answered = left.all(&site.store, &house, alone, None)?;
    let mut answered_under_acts = Histogram::default();
    if !watched.is_empty() {
        let colleagues = Colleagues::start(&site.store, watched, args.colleagues)?;
        answered_under_acts = left.all(&site.store, &house, watched, Some(&colleagues))?;
        seen.acts = colleagues.stop();
    }
    let Left { gone, begun, stored, stayed } = left;
    seen.never_disconnected = stayed;
    let (announced, masked) = stream.since(&begun)?;
    drop((writing, calm));
    dashboard.close(&runtime);
    stop(&runtime, house);
    for (patient, before) in stored {
        let after = site.store.read(|view| {
            let key = Audience::program().patient(view, patient)?.key();
            readings::stored_of(view, key)
        })?;
        seen.rows_after += (after - before).max(0);
    }
    (seen.answered_p50_us, seen.answered_p99_us) = (answered.quantile(500), answered.quantile(990));
    (seen.answered_under_acts_p50_us, seen.answered_under_acts_p99_us) =
        (answered_under_acts.quantile(500), answered_under_acts.quantile(990));
    (seen.disconnected_p50_us, seen.disconnected_p99_us) = (gone.quantile(500), gone.quantile(990));
    (seen.told_p50_us, seen.told_p99_us) = (announced.quantile(500), announced.quantile(990));
    (seen.masked_p50_us, seen.masked_p99_us) = (masked.quantile(500), masked.quantile(990));
    let words = format!(
        "{} · {} revocations against {} writers\n  answered p50 {} µs, p99 {} µs; while {} colleagues act ({} acts) p50 {} µs, p99 {} µs; disconnected p50 {} µs, p99 {} µs; never disconnected {}\n  stream told p50 {} µs, p99 {} µs; series masked p50 {} µs, p99 {} µs\n  rows after the commit: {}",
        seen.backend,
        seen.revocations,
        args.writers,
        seen.answered_p50_us,
        seen.answered_p99_us,
        args.colleagues,
        seen.acts,
        seen.answered_under_acts_p50_us,
        seen.answered_under_acts_p99_us,
        seen.disconnected_p50_us,
        seen.disconnected_p99_us,
        seen.never_disconnected,
        seen.told_p50_us,
        seen.told_p99_us,
        seen.masked_p50_us,
        seen.masked_p99_us,
        seen.rows_after,
    );
    print(&args.common, &seen, &words)?;
    anyhow::ensure!(seen.rows_after == 0, "readings were stored after a revocation");
    anyhow::ensure!(seen.never_disconnected == 0, "a device stayed connected after a revocation");
    Ok(())
}

/// Those who took their yes back.
#[derive(Default)]
struct Left {
    gone: Histogram,
    begun: Vec<Instant>,
    stored: Vec<(PatientId, i64)>,
    /// How many devices were still connected when patience ended.
    stayed: usize,
}

impl Left {
    /// Takes the yes of each back, one after the other; how long each call took.
    fn all(
        &mut self,
        store: &Store,
        house: &House,
        leaving: &[Enrolled],
        colleagues: Option<&Colleagues>,
    ) -> anyhow::Result<Histogram> {
        let mut answered = Histogram::default();
        for (place, enrolled) in leaving.iter().enumerate() {
            if let Some(colleagues) = colleagues {
                colleagues.turn_to(place);
                super::rig::measure::rest(CALM);
            }
            let device = enrolled.device()?;
            let began = Instant::now();
            self.begun.push(began);
            self.stored.push((enrolled.patient, revoke(store, enrolled.patient)?));
            answered.add(began.elapsed());
            while house.registry.is_connected(device.0) && began.elapsed() < PATIENCE {
                super::rig::measure::rest(LOOK);
            }
            if house.registry.is_connected(device.0) {
                self.stayed += 1;
            } else {
                self.gone.add(began.elapsed());
            }
            super::rig::measure::rest(CALM);
        }
        Ok(answered)
    }
}

fn stop(runtime: &tokio::runtime::Runtime, house: House) {
    runtime.block_on(house.stop());
}

/// Takes the yes back; says how many rows of the person there are in that same transaction.
fn revoke(store: &Store, patient: PatientId) -> store::Result<i64> {
    store.write(Actor::Operator, Clock::System.now(), |tx| {
        consents::revoke(tx, patient, Purpose::TelemetryCollect, &Hand::from(Giver::Subject))?;
        let key = Audience::program().patient(tx, patient)?.key();
        readings::stored_of(tx, key)
    })
}

/// When the stream told of a revocation, and when the series asked for again was refused.
type Masked = (PatientId, Instant, Instant);

/// An open chart of everybody who leaves: on `consent.changed` it asks for the series again, as a browser does.
struct Stream {
    leaving: Vec<PatientId>,
    thread: std::thread::JoinHandle<anyhow::Result<Vec<Masked>>>,
}

impl Stream {
    fn open(dashboard: &Dashboard, leaving: &[Enrolled]) -> anyhow::Result<Self> {
        let leaving: Vec<PatientId> = leaving.iter().map(|enrolled| enrolled.patient).collect();
        let (eyes, mut live) = (dashboard.eyes(), dashboard.eyes().listen()?);
        let mut waited: HashSet<PatientId> = leaving.iter().copied().collect();
        let thread = std::thread::Builder::new().name("chart".into()).spawn(move || {
            let mut masked = Vec::with_capacity(waited.len());
            while !waited.is_empty() {
                let (name, data) = live.next()?;
                if name != "consent.changed" {
                    continue;
                }
                let announced_at = Instant::now();
                let data: serde_json::Value = serde_json::from_str(&data)?;
                let patient = data.get("patient_id").and_then(|id| id.as_str()?.parse().ok());
                let Some(patient) = patient.filter(|patient| waited.contains(patient)) else { continue };
                let series = format!("/api/v1/patients/{patient}/series?signal=heart_rate");
                let (status, _refusal) = eyes.get(&series)?;
                anyhow::ensure!(status == 403, "the series of somebody who left answered {status}");
                waited.remove(&patient);
                masked.push((patient, announced_at, Instant::now()));
            }
            Ok(masked)
        })?;
        Ok(Self { leaving, thread })
    }

    /// From each call to the word on the stream, and to the refusal.
    fn since(self, begun: &[Instant]) -> anyhow::Result<(Histogram, Histogram)> {
        let masked = self.thread.join().map_err(|_panic| anyhow::anyhow!("the chart's thread ended"))??;
        let masked: HashMap<PatientId, (Instant, Instant)> =
            masked.into_iter().map(|(patient, announced, masked)| (patient, (announced, masked))).collect();
        let (mut announced, mut refused) = (Histogram::default(), Histogram::default());
        for (patient, began) in self.leaving.iter().zip(begun) {
            let (heard, saw) = masked.get(patient).context("a revocation was not told of")?;
            announced.add(heard.saturating_duration_since(*began));
            refused.add(saw.saturating_duration_since(*began));
        }
        Ok((announced, refused))
    }
}
