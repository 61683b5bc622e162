//! Samples to readings: names to signals, units to units, words to numbers, instants held against reception,
//! values held against the bounds of what a body can do. Pure; nothing is converted and nothing is guessed.

use std::collections::HashMap;
use std::time::Duration;

use mqtt::payload::{At, Sample, Samples, Skip, Value};

use super::bounds::{Band, bounds, is_unit_suspect};
use crate::domain::signal::{CONSCIOUSNESS, Flags, Reading, SENTINEL_HIGH, SENTINEL_LOW, Signal, Unit};
use crate::domain::time::Instant;

/// The year 2000: an older stamp is a clock that was never set.
const EARLIEST: Instant = Instant::from_secs(946_684_800);
/// How far a device's clock may run ahead of reception.
const AHEAD: Duration = Duration::from_secs(300);
/// The longest name that goes back to the device, in characters.
const NAME_LENGTH: usize = 64;

macro_rules! whys {
    ($($variant:ident = $number:literal, $code:literal, $doc:literal;)+) => {
        /// Why a part of a message did not become an accepted reading. Number and code never change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Why { $(#[doc = $doc] $variant = $number,)+ }

        impl Why {
            /// Every reason, in the order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stored number.
            #[must_use]
            pub const fn number(self) -> u8 {
                match self { $(Self::$variant => $number,)+ }
            }

            /// From the stored number.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }

            /// The code on the wire and in the API.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }
        }
    };
}

whys! {
    UnknownSignal = 1, "E_UNKNOWN_SIGNAL", "No signal of the contract has this name. Refused.";
    Unit = 2, "E_UNIT", "A unit nobody knows, or one of another quantity. Refused.";
    Value = 3, "E_VALUE", "A word where a number belongs, a number where a letter does, or no value. Refused.";
    Implausible = 4, "E_IMPLAUSIBLE", "Outside the hard bounds of the signal. Quarantined.";
    Clock = 5, "E_CLOCK", "Stamped before 2000, or more than 5 minutes after reception. Quarantined.";
    Conflict = 6, "E_CONFLICT", "Another value for the same signal and instant came first. Quarantined.";
    Stamp = 7, "E_STAMP", "A date without a time of day places no reading. Refused.";
    Retracted = 8, "E_RETRACTED", "The sender says that it was entered in error. Refused.";
    Statistic = 9, "E_STATISTIC", "A statistic of a span is not a measurement. Refused.";
}

/// A part that holds no reading, by the name the device gave it (cut to 64 characters, control characters as `?`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The name.
    pub name: String,
    /// Why.
    pub why: Why,
}

/// A reading that waits for a clinician instead of entering the patient's story.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quarantined {
    /// The reading as it was sent.
    pub reading: Reading,
    /// Why.
    pub why: Why,
}

/// What its sender says of a reading that it sent before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correction {
    /// The value to stand there from now on; of a withdrawal only signal and instant count.
    pub reading: Reading,
    /// Entered in error: nothing stands there any more.
    pub withdrawn: bool,
}

/// A message in domain words.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Normalised {
    /// What may be stored, in the order of the message; (signal, instant) appears once.
    pub readings: Vec<Reading>,
    /// What was sent before and is put right.
    pub corrections: Vec<Correction>,
    /// What holds no reading.
    pub refused: Vec<Refused>,
    /// What must not be believed unseen.
    pub quarantined: Vec<Quarantined>,
}

impl Normalised {
    /// Whether nothing at all was understood, so that the message as a whole is answered 0x99.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.readings.is_empty() && self.quarantined.is_empty() && self.corrections.is_empty()
    }
}

/// Turns what was read off the wire into readings.
///
/// `received_at` stamps samples that carry no instant, anchors relative ones and bounds the clock.
#[must_use]
pub fn normalise(samples: &Samples<'_>, received_at: Instant) -> Normalised {
    let mut out = Normalised { readings: Vec::with_capacity(samples.list.len()), ..Normalised::default() };
    let mut taken = Taken::default();
    for sample in &samples.list {
        match reading(sample, received_at) {
            Ok(reading) => out.place(reading, received_at, &mut taken),
            Err(why) => out.refuse(&sample.name, why),
        }
    }
    for skipped in &samples.skipped {
        out.refuse(&skipped.name, why_skipped(skipped.why));
    }
    suspect_crossed_pressures(&mut out.readings);
    out
}

impl Normalised {
    fn refuse(&mut self, name: &str, why: Why) {
        let name = name.chars().take(NAME_LENGTH).map(|c| if c.is_control() { '?' } else { c }).collect();
        self.refused.push(Refused { name, why });
    }

    fn place(&mut self, reading: Reading, received_at: Instant, taken: &mut Taken) {
        let reading = flagged(reading);
        if let Some(why) = disbelief(&reading, received_at) {
            self.quarantined.push(Quarantined { reading, why });
            return;
        }
        match taken.first(&self.readings, &reading) {
            None => self.readings.push(reading),
            Some(first) if says_the_same(first, &reading) => {}
            Some(_) => self.quarantined.push(Quarantined { reading, why: Why::Conflict }),
        }
    }
}

const fn why_skipped(skip: Skip) -> Why {
    match skip {
        Skip::Unknown => Why::UnknownSignal,
        Skip::Retracted => Why::Retracted,
        Skip::NoValue => Why::Value,
        Skip::Undated => Why::Stamp,
        Skip::Statistic => Why::Statistic,
    }
}

fn reading(sample: &Sample<'_>, received_at: Instant) -> Result<Reading, Why> {
    let signal = Signal::from_name(&sample.name).ok_or(Why::UnknownSignal)?;
    let sent_in = sample.unit.as_deref().map_or(Ok(signal.unit()), |text| unit(signal, text))?;
    let (at, stamped) = match sample.at {
        At::Unix(micros) => (Instant::from_micros(micros), Flags::default()),
        At::Reception(0) => (received_at, Flags::STAMPED),
        At::Reception(offset) => {
            (Instant::from_micros(received_at.micros().saturating_add(offset)), Flags::STAMPED)
        }
    };
    let (value, unit, word) = match &sample.value {
        Value::Number(_) if signal == Signal::Consciousness => return Err(Why::Value),
        Value::Number(value) => (*value, sent_in, Flags::default()),
        Value::Text(word) => {
            let (value, flag) = word_value(signal, word).ok_or(Why::Value)?;
            (value, signal.unit(), flag)
        }
    };
    Ok(Reading { signal, at, value, unit, flags: stamped.with(word) })
}

/// What a word stands for: a sensor's sentinel or a letter of consciousness.
fn word_value(signal: Signal, word: &str) -> Option<(f64, Flags)> {
    match (signal, word) {
        (Signal::Glucose | Signal::GlucoseCapillary, "LOW") => Some((SENTINEL_LOW, Flags::LOW)),
        (Signal::Glucose | Signal::GlucoseCapillary, "HIGH") => Some((SENTINEL_HIGH, Flags::HIGH)),
        (Signal::Consciousness, letter) => (0_u8..)
            .zip(CONSCIOUSNESS)
            .find(|(_, known)| *known == letter)
            .map(|(number, _)| (f64::from(number), Flags::default())),
        _ => None,
    }
}

/// The unit that a text names, if the signal can be measured in it.
fn unit(signal: Signal, text: &str) -> Result<Unit, Why> {
    let known = Unit::from_ucum(text).or_else(|| unit_as_written(text)).ok_or(Why::Unit)?;
    if Reading::convertible(signal, known) { Ok(known) } else { Err(Why::Unit) }
}

/// Units as devices and Open mHealth write them, beside UCUM.
fn unit_as_written(text: &str) -> Option<Unit> {
    Some(match text {
        "bpm" | "beats/min" | "beat/min" | "breaths/min" | "{beat}/min" | "{beats}/min" | "{breath}/min"
        | "{breaths}/min" => Unit::PerMinute,
        "°C" | "C" | "degC" => Unit::Celsius,
        "°F" | "F" | "degF" => Unit::Fahrenheit,
        "mmHg" => Unit::MillimetreHg,
        "mg/dl" => Unit::MgPerDl,
        "mmol/l" => Unit::MmolPerL,
        "lb" | "lbs" => Unit::Pound,
        "in" => Unit::Inch,
        "steps" | "count" | "{steps}" | "{step}" | "/d" | "{steps}/d" => Unit::One,
        "sec" => Unit::Second,
        "hr" => Unit::Hour,
        "l/min" => Unit::LitrePerMinute,
        _ => return None,
    })
}

/// The reading with what its value alone says of it.
fn flagged(mut reading: Reading) -> Reading {
    if reading.is_sentinel() {
        return reading;
    }
    if bounds(reading.signal).band(reading.canonical()) != Band::Plausible {
        reading.flags = reading.flags.with(Flags::SUSPECT);
    }
    if is_unit_suspect(&reading) {
        reading.flags = reading.flags.with(Flags::UNIT_SUSPECT);
    }
    reading
}

fn disbelief(reading: &Reading, received_at: Instant) -> Option<Why> {
    if reading.at < EARLIEST || reading.at > received_at.plus(AHEAD) {
        return Some(Why::Clock);
    }
    let is_impossible = bounds(reading.signal).band(reading.canonical()) == Band::Impossible;
    (is_impossible && !reading.is_sentinel()).then_some(Why::Implausible)
}

/// The same value counts as one reading, in whichever unit it came.
fn says_the_same(first: &Reading, later: &Reading) -> bool {
    first.canonical().total_cmp(&later.canonical()).is_eq() && first.is_sentinel() == later.is_sentinel()
}

/// Which (signal, instant) the message has filled: a short search, then a map.
#[derive(Default)]
struct Taken {
    many: HashMap<(Signal, Instant), usize>,
}

impl Taken {
    const FEW: usize = 16;

    /// The reading that holds this place already; notes the place otherwise.
    fn first<'r>(&mut self, so_far: &'r [Reading], next: &Reading) -> Option<&'r Reading> {
        if so_far.len() < Self::FEW {
            return so_far.iter().find(|r| r.signal == next.signal && r.at == next.at);
        }
        if self.many.is_empty() {
            self.many.extend(so_far.iter().enumerate().map(|(index, r)| ((r.signal, r.at), index)));
        }
        let index = *self.many.entry((next.signal, next.at)).or_insert(so_far.len());
        so_far.get(index)
    }
}

/// Systolic at or below diastolic at one instant: one of them is wrong, and nobody knows which.
fn suspect_crossed_pressures(readings: &mut [Reading]) {
    let lower: HashMap<Instant, f64> =
        readings.iter().filter(|r| r.signal == Signal::DiastolicBp).map(|r| (r.at, r.canonical())).collect();
    if lower.is_empty() {
        return;
    }
    let crossed: Vec<Instant> = readings
        .iter()
        .filter(|r| {
            r.signal == Signal::SystolicBp && lower.get(&r.at).is_some_and(|low| r.canonical() <= *low)
        })
        .map(|r| r.at)
        .collect();
    let crossed: std::collections::HashSet<Instant> = crossed.into_iter().collect();
    let is_pressure = |r: &&mut Reading| matches!(r.signal, Signal::SystolicBp | Signal::DiastolicBp);
    for reading in readings.iter_mut().filter(is_pressure).filter(|r| crossed.contains(&r.at)) {
        reading.flags = reading.flags.with(Flags::SUSPECT);
    }
}

#[cfg(test)]
#[path = "normal_tests.rs"]
mod tests;
