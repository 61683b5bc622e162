//! What the machine could do at most: the bare store fed with the same rows (S), the bare gateway moving the same
//! messages (G), and the two one after the other, L = 1/(1/S + 1/G). All in readings a second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use mqtt::gateway::{
    self, Backend, Command, Credentials, Delivery, DeviceEvent, Foreign, Gateway, Identity, Outcome, Refusal,
    RefusalCode,
};

use super::child::Generator;
use super::load::Pace;
use super::measure::{Drive, READINGS, plan};
use super::meter::rate;
use super::seed::{Enrolled, many};
use super::site::{Site, loopback};
use super::source::{self, Source};
use super::wire::Message;
use domain::{Clock, Flags, Reading, Signal};
use engine::readings::Roll;
use engine::{Lane, Status, Wake};
use store::Urgency;
use store::readings::{self, Batch, ReceiptRef};

/// The gateway with a house behind it that says yes at once.
struct Yes;

impl Backend for Yes {
    async fn authenticate(&self, credentials: Credentials) -> Result<Identity, Refusal> {
        match credentials {
            Credentials::Token { device, .. } => Ok(Identity { device, expires_at: None, token: None }),
            Credentials::Certificate { .. } => {
                Err(Refusal { code: RefusalCode::NotAuthorized, reason: "a bench has tokens".into() })
            }
        }
    }

    async fn deliver(&self, batch: Vec<Delivery>) {
        batch.into_iter().for_each(|delivery| delivery.reply.send(Outcome::committed()));
    }

    fn event(&self, event: DeviceEvent) {
        drop(event);
    }

    fn foreign_topic(&self, _foreign: &Foreign) -> Option<Bytes> {
        None
    }

    async fn pending(&self, _device: uuid::Uuid) -> Vec<Command> {
        Vec::new()
    }

    fn now(&self) -> i64 {
        Clock::System.now().micros()
    }
}

/// G: readings a second through the gateway alone.
///
/// # Errors
/// The gateway or the generator failed.
pub(crate) fn bare_gateway(drive: Drive) -> anyhow::Result<u64> {
    let site = Site::fresh(None)?;
    let now = Clock::System.now();
    let devices = (0..drive.devices).map(|_| Enrolled {
        id: domain::DeviceId::new(now).to_string(),
        token: "bench".to_owned(),
        patient: domain::PatientId::new(now),
    });
    let devices = devices.collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let options = gateway::Options { listen: loopback(), ..gateway::Options::default() };
    let gateway = runtime.block_on(async { Gateway::start(options, Arc::new(Yes)) })?;
    let mut generator = Generator::start(site.dir(), &plan(drive, gateway.local_addr(), devices))?;
    generator.go()?;
    let report = generator.report()?;
    runtime.block_on(gateway.stop());
    Ok(rate(report.acks * READINGS, Duration::from_micros(report.took_us)))
}

/// S: readings a second into the journal, in commits of `rows`, while the roll works them off.
///
/// # Errors
/// Database errors.
pub(crate) fn bare_store(server: Option<&str>, drive: Drive, rows: u64) -> anyhow::Result<u64> {
    let site = Site::fresh(server)?;
    let now = Clock::System.now();
    let enrolled = many(&site.store, &site.tokens, drive.devices, now)?;
    let sources = source::of(&site.store, &enrolled)?;
    let mut sources: Vec<(Source, i64)> = sources.into_iter().map(|source| (source, 0)).collect();
    let (wake, status) = (Wake::default(), Status::default());
    let roll = Lane::new("engine-roll", vec![Box::new(Roll::new(site.store.clone()))]);
    let roll = roll.start(site.store.threads(), Clock::System, wake.clone(), status)?;
    let per_commit = usize::try_from((rows / READINGS).max(1)).unwrap_or(usize::MAX);
    let burst = match drive.pace {
        Pace::Closed(window) => window.max(1),
        Pace::Fixed(_) | Pace::Idle => 1,
    };
    let start = plan(drive, loopback(), Vec::new());
    let mut feed = Feed { next: 0, burst, start_ms: start.start_ms, step_ms: start.step_ms };
    let mut batch = Batch::default();
    let mut stored = 0;
    let begun = Instant::now();
    let mut from = begun;
    while begun.elapsed() < drive.warm + drive.run {
        let now = Clock::System.now();
        let appended = site.store.keep_house(Urgency::Patient, "bench", now, |tx| {
            batch.clear();
            let received = ReceiptRef::new(now.secs(), 0, 0).unwrap_or(ReceiptRef::from_stored(0));
            for _ in 0..per_commit {
                feed.admit(&mut sources, &mut batch, received)?;
            }
            readings::append(tx, &batch)
        })?;
        wake.wake();
        if begun.elapsed() < drive.warm {
            from = Instant::now();
        } else {
            stored += u64::try_from(appended.new).unwrap_or(0);
        }
    }
    let took = from.elapsed();
    wake.stop();
    drop(roll.join());
    Ok(rate(stored, took))
}

/// The same messages as the generator's, in bursts of a window per device.
struct Feed {
    next: usize,
    burst: usize,
    start_ms: i64,
    step_ms: i64,
}

impl Feed {
    fn admit(
        &mut self,
        sources: &mut [(Source, i64)],
        batch: &mut Batch,
        received: ReceiptRef,
    ) -> store::Result<()> {
        let place = self.next / self.burst % sources.len().max(1);
        self.next += 1;
        let Some((source, n)) = sources.get_mut(place) else { return Ok(()) };
        let message = Message::nth(place, *n, self.start_ms, self.step_ms);
        *n += 1;
        let at = domain::Instant::from_millis(message.ts);
        let [heart, oxygen, breath] = message.values;
        let readings =
            [(Signal::HeartRate, heart), (Signal::Spo2, oxygen), (Signal::RespiratoryRate, breath)].map(
                |(signal, value)| Reading {
                    signal,
                    at,
                    value: f64::from(value),
                    unit: signal.unit(),
                    flags: Flags::default(),
                },
            );
        batch.admit(
            &source.permit,
            &source.key,
            source.patient_key,
            source.device_key,
            received,
            &readings,
        )?;
        Ok(())
    }
}

/// L in readings a second.
#[must_use]
pub(crate) fn together(store: u64, gateway: u64) -> u64 {
    let (s, g) = (u128::from(store), u128::from(gateway));
    u64::try_from(s * g / (s + g).max(1)).unwrap_or(u64::MAX)
}

/// `part` of `whole` in per cent.
///
/// # Errors
/// `whole` is 0: nothing was measured.
pub(crate) fn per_cent(part: u64, whole: u64) -> anyhow::Result<u64> {
    part.saturating_mul(100).checked_div(whole).context("the limit was measured as 0")
}
