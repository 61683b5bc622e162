//! What a calm device notices: it publishes one reading, waits for the answer, and rests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::device::Device;
use super::measure::rest;
use super::seed::Enrolled;
use domain::Clock;

/// It publishes this often, or as soon as it was answered.
const EVERY: Duration = Duration::from_millis(20);
/// It gives up after so many attempts.
const TRIES: u32 = 120;
/// Turned away, it waits so long.
pub(crate) const STEADY: Duration = Duration::from_secs(1);

/// When it was sent and how long its answer took.
pub(crate) type Answer = (Instant, Duration);

/// One calm device on a thread of its own.
pub(crate) struct Lone {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<anyhow::Result<(Vec<Answer>, u32)>>,
}

impl Lone {
    /// Connects it, and lets it begin.
    ///
    /// # Errors
    /// The gateway refuses it.
    pub(crate) fn start(address: SocketAddr, one: &[Enrolled]) -> anyhow::Result<Self> {
        let one = one.first().cloned().ok_or_else(|| anyhow::anyhow!("no device"))?;
        let mut device = Device::connect(address, &one)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("lone".into()).spawn(move || {
            let (mut answers, mut lost) = (Vec::new(), 0);
            while !stopped.load(Ordering::Relaxed) {
                let at = Clock::System.now().millis();
                let began = Instant::now();
                let message = format!(r#"{{"ts":{at},"values":{{"heart_rate":72}}}}"#);
                // Turned away for want of room: as a device does, it comes again until it is answered.
                while device.publish(&message).is_err() {
                    lost += 1;
                    anyhow::ensure!(lost < TRIES, "the lone device is turned away each time");
                    rest(STEADY);
                    if let Ok(again) = Device::connect(address, &one) {
                        device = again;
                    }
                }
                let took = began.elapsed();
                answers.push((began, took));
                rest(EVERY.saturating_sub(took));
            }
            Ok((answers, lost))
        })?;
        Ok(Self { stop, thread })
    }

    /// Its answers, and how often it was turned away.
    ///
    /// # Errors
    /// It gave up.
    pub(crate) fn stop(self) -> anyhow::Result<(Vec<Answer>, u32)> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_panic| anyhow::anyhow!("the lone device's thread ended"))?
    }
}
