//! Years in minutes: readings laid into a store by its own append and its own roll, on driven time, a stretch of whole
//! chunks after the other.

use std::time::Duration;

use super::source::Source;
use crate::demo::recording::{Recording, Said};
use domain::time::civil::Window;
use domain::{Flags, Instant, Reading, Signal};
use store::readings::{self, Batch, ReceiptRef};
use store::{Store, Urgency};

/// Readings appended before each roll.
const ROUND: i64 = 400_000;
/// Readings in one transaction.
const COMMIT: usize = 50_000;
const HOUR: i64 = 3_600_000;

/// What a sensor sends.
pub(crate) struct Sensor {
    /// Of what.
    pub signal: Signal,
    /// From one reading to the next, milliseconds.
    pub every: i64,
    /// Its clock is off by up to so many milliseconds, each time anew.
    pub jitter: i64,
    /// Its values.
    pub values: Values,
}

/// Where values come from.
pub(crate) enum Values {
    /// Whole numbers that wander as a pulse does.
    Wander,
    /// As a real device sent them, over and over.
    Recorded(Vec<f64>),
}

impl Values {
    /// The values of an embedded recording's column.
    ///
    /// # Errors
    /// There is no such recording.
    pub(crate) fn recorded(name: &'static str, signal: Signal) -> anyhow::Result<Self> {
        let recording = Recording::named(name)?;
        let column = recording.signals.iter().position(|known| *known == signal).unwrap_or(usize::MAX);
        let said = recording.rows.iter().filter_map(|row| match row.said.get(column) {
            Some(Some(Said::Value(value))) => Some(*value),
            _ => None,
        });
        let all: Vec<f64> = said.collect();
        anyhow::ensure!(!all.is_empty(), "{name} has no {}", signal.name());
        Ok(Self::Recorded(all))
    }
}

/// Dice that fall the same way every time (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides.max(1)
    }
}

/// Lays what a sensor of each source measured in a window into the store; `rolled`: into chunks. Says how many
/// readings.
///
/// # Errors
/// Database errors.
pub(crate) fn lay(
    store: &Store,
    sources: &[Source],
    sensor: &Sensor,
    within: Window,
    rolled: bool,
) -> anyhow::Result<u64> {
    let span = match sensor.every {
        ..=10_000 => HOUR,
        10_001..=90_000 => 24 * HOUR,
        _ => 240 * HOUR,
    };
    let people = i64::try_from(sources.len())?.max(1);
    let stretch = span * (ROUND * sensor.every / (span * people)).max(1);
    let mut walks: Vec<Walk> = (0_u64..).zip(sources).map(|(n, _)| Walk::new(n, sensor.signal)).collect();
    let (mut begin, mut laid) = (within.from, 0);
    while begin < within.to {
        let end = within.to.min(begin.plus(Duration::from_millis(u64::try_from(stretch)?)));
        laid += append(store, sources, &mut walks, sensor, Window { from: begin, to: end })?;
        if rolled {
            while readings::roll(store, end.plus(Duration::from_secs(600)), end)?.more {}
        }
        begin = end;
    }
    Ok(laid)
}

fn append(
    store: &Store,
    sources: &[Source],
    walks: &mut [Walk],
    sensor: &Sensor,
    within: Window,
) -> anyhow::Result<u64> {
    let mut batch = Batch::default();
    let (mut laid, mut at) = (0, within.from);
    let every = Duration::from_millis(u64::try_from(sensor.every)?);
    while at < within.to {
        for (source, walk) in sources.iter().zip(walks.iter_mut()) {
            let reading = walk.next(sensor, at);
            let received = ReceiptRef::new(at.secs(), 0, 0).unwrap_or(ReceiptRef::from_stored(0));
            let (patient, device) = (source.patient_key, source.device_key);
            batch.admit(&source.permit, &source.key, patient, device, received, &[reading])?;
        }
        at = at.plus(every);
        if batch.count() >= COMMIT || at >= within.to {
            let appended =
                store.keep_house(Urgency::Patient, "bench", at, |tx| readings::append(tx, &batch))?;
            laid += u64::try_from(appended.new)?;
            batch.clear();
        }
    }
    Ok(laid)
}

/// One person's sensor.
struct Walk {
    dice: Dice,
    value: f64,
    bounds: (f64, f64),
    place: usize,
}

impl Walk {
    fn new(number: u64, signal: Signal) -> Self {
        let bounds = match signal {
            Signal::Spo2 => (93.0, 99.0),
            Signal::RespiratoryRate => (10.0, 20.0),
            Signal::Glucose => (80.0, 170.0),
            _ => (58.0, 96.0),
        };
        // Each begins elsewhere in a recording.
        let place = usize::try_from(number).unwrap_or(0) * 131;
        Self { dice: Dice(number), value: f64::midpoint(bounds.0, bounds.1).round(), bounds, place }
    }

    fn next(&mut self, sensor: &Sensor, at: Instant) -> Reading {
        let value = match &sensor.values {
            Values::Recorded(all) => {
                self.place += 1;
                all.get(self.place % all.len().max(1)).copied().unwrap_or_default()
            }
            Values::Wander => {
                let step = [-1.0, 0.0, 0.0, 1.0].get(usize::try_from(self.dice.roll(4)).unwrap_or(0));
                self.value =
                    (self.value + step.copied().unwrap_or_default()).clamp(self.bounds.0, self.bounds.1);
                self.value
            }
        };
        let late = self.dice.roll(u64::try_from(sensor.jitter).unwrap_or(0) + 1);
        let at = at.plus(Duration::from_millis(late));
        let signal = sensor.signal;
        Reading { signal, at, value, unit: signal.unit(), flags: Flags::default() }
    }
}
