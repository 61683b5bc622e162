//! Samples to readings: names to signals, units to units, words to numbers, instants held against reception,
//! values held against the bounds of what a body can do. Pure; nothing is converted and nothing is guessed.

use std::collections::HashMap;
use std::time::Duration;

use mqtt::payload::{At, Sample, Samples, Skip, Status, Value};
use uuid::Uuid;

use super::beyond::Beyond;
use super::bounds::{Band, bounds, is_unit_suspect};
use super::parts::{Parts, Place};
use super::stray::Strays;
use super::units;
use domain::readings::{
    CONSCIOUSNESS, Flags, Reading, SENTINEL_HIGH, SENTINEL_LOW, Signal, Unit, Withdrawal,
};
use domain::time::Instant;

/// The year 2000: an older stamp is a clock that was never set.
const EARLIEST: Instant = Instant::from_secs(946_684_800);
/// How far a device's clock may run ahead of reception.
const AHEAD: Duration = Duration::from_secs(300);

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
    Stamp = 7, "E_STAMP", "No instant to place the reading at: a date alone, or one that cannot be read. Refused.";
    Retracted = 8, "E_RETRACTED", "The sender says that it was never measured. Refused.";
    Statistic = 9, "E_STATISTIC", "A statistic of a span is not a measurement. Refused.";
    Record = 10, "E_RECORD", "The record breaks the rules of its format. Refused.";
    Subject = 11, "E_SUBJECT", "The record says that it is of somebody else. Quarantined.";
    UnknownReading = 12, "E_UNKNOWN_READING", "It takes back a reading that this device had not sent before. Refused.";
}

/// A reading with where it stood.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Taken {
    /// The reading.
    pub reading: Reading,
    /// The record of the message, from 0.
    pub record: u32,
}

impl Taken {
    /// Where it stood.
    #[must_use]
    pub const fn place(&self) -> Place {
        Place { record: self.record, at: Some(self.reading.at) }
    }
}

/// A reading that its source takes back, with where it says so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TakenBack {
    /// Which.
    pub what: Withdrawal,
    /// The record of the message, from 0.
    pub record: u32,
}

impl TakenBack {
    /// Where it stood.
    #[must_use]
    pub const fn place(&self) -> Place {
        Place { record: self.record, at: Some(self.what.at) }
    }
}

/// A reading that waits for a clinician instead of entering the patient's story.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quarantined {
    /// The reading as it was sent.
    pub taken: Taken,
    /// Why.
    pub why: Why,
}

/// A message in domain words.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Normalised {
    /// What may be stored, in the order of the message; (signal, instant) appears once.
    pub readings: Vec<Taken>,
    /// What takes the place of what the source reported before, in the order of the message.
    pub corrections: Vec<Taken>,
    /// What is taken back.
    pub withdrawn: Vec<TakenBack>,
    /// What holds no reading.
    pub refused: Parts,
    /// What must not be believed unseen.
    pub quarantined: Vec<Quarantined>,
    /// Which records say whose they are, in their order; `None`: nobody that this house knows.
    pub claims: Vec<(u32, Option<Uuid>)>,
    /// How far the instants given on receipt reach beyond it, in microseconds: one each for the readings of one signal.
    pub spread: i64,
}

impl Normalised {
    /// Whether nothing at all was understood, so that the message as a whole is answered 0x99.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.readings.is_empty() && self.amendments() == 0 && self.quarantined.is_empty()
    }

    /// How much of it corrects or takes back.
    #[must_use]
    pub const fn amendments(&self) -> usize {
        self.corrections.len() + self.withdrawn.len()
    }

    /// The instants of all that it says of a patient: of what it brings, puts right, takes back, and brings to be set
    /// aside, in that order.
    pub fn instants(&self) -> impl Iterator<Item = Instant> {
        let measured = self.readings.iter().chain(&self.corrections).map(|taken| taken.reading.at);
        let withdrawn = self.withdrawn.iter().map(|taken| taken.what.at);
        measured.chain(withdrawn).chain(self.quarantined.iter().map(|set| set.taken.reading.at))
    }

    /// Whether a record may be this patient's: it says nothing of whose it is, or names them.
    #[must_use]
    pub(crate) fn may_be_of(&self, record: u32, patient: Uuid) -> bool {
        let claim = self.claims.binary_search_by_key(&record, |(record, _)| *record);
        let claim = claim.ok().and_then(|place| self.claims.get(place));
        claim.is_none_or(|(_, who)| *who == Some(patient))
    }
}

/// Turns what was read off the wire into readings.
///
/// `received_at` stamps samples that carry no instant, anchors relative ones and bounds the clock.
#[must_use]
pub(crate) fn normalise(samples: &Samples<'_>, received_at: Instant) -> Normalised {
    let mut out = Normalised { readings: Vec::with_capacity(samples.list.len()), ..Normalised::default() };
    let (mut places, mut unstamped) = (Places::default(), Unstamped::default());
    let strays = Strays::of(samples);
    for sample in &samples.list {
        let place = || Place { record: sample.record, at: Some(instant(sample.at, received_at).0) };
        match reading(sample, received_at, &strays) {
            Ok(Sampled::Measured(mut reading)) => {
                if sample.at == At::Reception(0) {
                    reading.at = unstamped.next(reading.signal, received_at);
                }
                let taken = Taken { reading: flagged(reading), record: sample.record };
                match disbelief(&taken.reading, received_at) {
                    Some(why) => out.quarantined.push(Quarantined { taken, why }),
                    None if sample.status == Status::Correction => out.corrections.push(taken),
                    None => out.place(taken, &mut places),
                }
            }
            Ok(Sampled::Withdrawn(what)) => out.withdrawn.push(TakenBack { what, record: sample.record }),
            Err(why) => out.refused.add(&sample.name, why.code(), false, place()),
        }
    }
    for skipped in &samples.skipped {
        let at = skipped.at.map(|at| instant(at, received_at).0);
        let why = why_skipped(skipped.why, &skipped.name);
        out.refused.add(&skipped.name, why.code(), false, Place { record: skipped.record, at });
    }
    Strays::name(samples, &mut out.refused, Why::UnknownSignal.code());
    for claim in &samples.claims {
        out.claim(claim.record, person(&claim.subject));
    }
    out.spread = unstamped.spread();
    suspect_crossed_pressures(&mut out.readings);
    out
}

impl Normalised {
    /// A record that says twice whose it is, of two, is of nobody that this house knows.
    fn claim(&mut self, record: u32, who: Option<Uuid>) {
        match self.claims.last_mut() {
            Some((known, claimed)) if *known == record => {
                *claimed = claimed.filter(|claimed| Some(*claimed) == who)
            }
            _ => self.claims.push((record, who)),
        }
    }

    fn place(&mut self, taken: Taken, places: &mut Places) {
        match places.first(&self.readings, &taken.reading) {
            None => self.readings.push(taken),
            Some(first) if first.says_the_same(&taken.reading) => {}
            Some(_) => self.quarantined.push(Quarantined { taken, why: Why::Conflict }),
        }
    }
}

/// The person that a reference names: a patient of this house is referred to by id, in whatever form it is written
/// (`Patient/ID`, a URL that ends so, `urn:uuid:ID`, the id alone).
fn person(subject: &str) -> Option<Uuid> {
    let subject = subject.split("/_history/").next().unwrap_or_default();
    subject.rsplit(['/', ':']).next().and_then(|id| id.trim().parse().ok())
}

/// The readings of a message that say no instant: of one signal, the second is not the first, so each has an
/// instant of its own, a microsecond apart.
#[derive(Default)]
struct Unstamped {
    counts: Vec<(Signal, i64)>,
}

impl Unstamped {
    fn next(&mut self, signal: Signal, received_at: Instant) -> Instant {
        if let Some((_, count)) = self.counts.iter_mut().find(|(known, _)| *known == signal) {
            *count += 1;
            return Instant::from_micros(received_at.micros().saturating_add(*count));
        }
        self.counts.push((signal, 0));
        received_at
    }

    fn spread(&self) -> i64 {
        self.counts.iter().map(|(_, count)| *count).max().unwrap_or(0)
    }
}

fn why_skipped(skip: Skip, name: &str) -> Why {
    match skip {
        Skip::Unknown => Why::UnknownSignal,
        Skip::Retracted => Why::Retracted,
        Skip::NoValue | Skip::Unit if !name.is_empty() && Signal::from_name(name).is_none() => {
            Why::UnknownSignal
        }
        Skip::NoValue => Why::Value,
        Skip::Unit => Why::Unit,
        Skip::Undated => Why::Stamp,
        Skip::Statistic => Why::Statistic,
        Skip::Malformed => Why::Record,
    }
}

/// When it was measured, and whether that leans on the reception.
fn instant(at: At, received_at: Instant) -> (Instant, Flags) {
    match at {
        At::Unix(micros) => (Instant::from_micros(micros), Flags::default()),
        At::Reception(offset) => {
            (Instant::from_micros(received_at.micros().saturating_add(offset)), Flags::STAMPED)
        }
    }
}

/// What a sample says.
enum Sampled {
    Measured(Reading),
    Withdrawn(Withdrawal),
}

fn reading(sample: &Sample<'_>, received_at: Instant, strays: &Strays) -> Result<Sampled, Why> {
    let signal = Signal::from_name(&sample.name).ok_or(Why::UnknownSignal)?;
    if strays.may_be_of(sample, signal) {
        return Err(Why::Unit);
    }
    let sent_in = sample.unit.as_deref().map_or(Ok(signal.unit()), |text| unit(signal, text))?;
    let (at, stamped) = instant(sample.at, received_at);
    let (value, unit, word) = match &sample.value {
        Value::Number(_) if signal == Signal::Consciousness => return Err(Why::Value),
        Value::Number(value) => (*value, sent_in, Flags::default()),
        Value::Text(word) => {
            let known = word_value(signal, word).map(|(value, flag)| (value, signal.unit(), flag));
            let beyond = || Beyond::from_word(word)?.proves(signal, sent_in);
            known.or_else(beyond).ok_or(Why::Value)?
        }
        Value::Bound(side, bound) => {
            Beyond { side: *side, bound: *bound }.proves(signal, sent_in).ok_or(Why::Value)?
        }
        Value::Absent if sample.status == Status::EnteredInError => {
            return Ok(Sampled::Withdrawn(Withdrawal { signal, at, value: None }));
        }
        Value::Absent => return Err(Why::Value),
    };
    let reading = Reading { signal, at, value, unit, flags: stamped.with(word) };
    Ok(match sample.status {
        Status::EnteredInError => Sampled::Withdrawn(Withdrawal { signal, at, value: Some(reading) }),
        Status::Final | Status::Correction => Sampled::Measured(reading),
    })
}

/// What a word stands for: a sensor's sentinel or a letter of consciousness, in any case and with blanks around it.
fn word_value(signal: Signal, word: &str) -> Option<(f64, Flags)> {
    let word = word.trim();
    match signal {
        Signal::Glucose | Signal::GlucoseCapillary => match word.to_lowercase().as_str() {
            "low" | "lo" | "baixo" | "baixa" => Some((SENTINEL_LOW, Flags::LOW)),
            "high" | "hi" | "alto" | "alta" => Some((SENTINEL_HIGH, Flags::HIGH)),
            _ => None,
        },
        Signal::Consciousness => (0_u8..)
            .zip(CONSCIOUSNESS)
            .find(|(_, known)| known.eq_ignore_ascii_case(word))
            .map(|(number, _)| (f64::from(number), Flags::default())),
        _ => None,
    }
}

/// The unit that a text names, if the signal can be measured in it.
fn unit(signal: Signal, text: &str) -> Result<Unit, Why> {
    let known = units::named(signal, text).ok_or(Why::Unit)?;
    if Reading::convertible(signal, known) { Ok(known) } else { Err(Why::Unit) }
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

/// Which (signal, instant) the message has filled: a short search, then a map.
#[derive(Default)]
struct Places {
    many: HashMap<(Signal, Instant), usize>,
}

impl Places {
    const FEW: usize = 16;

    /// The reading that holds this place already; notes the place otherwise.
    fn first<'r>(&mut self, so_far: &'r [Taken], next: &Reading) -> Option<&'r Reading> {
        if so_far.len() < Self::FEW {
            return so_far.iter().map(|t| &t.reading).find(|r| r.signal == next.signal && r.at == next.at);
        }
        if self.many.is_empty() {
            let known = so_far.iter().map(|t| (t.reading.signal, t.reading.at)).enumerate();
            self.many.extend(known.map(|(index, place)| (place, index)));
        }
        let index = *self.many.entry((next.signal, next.at)).or_insert(so_far.len());
        so_far.get(index).map(|taken| &taken.reading)
    }
}

/// Systolic at or below diastolic at one instant: one of them is wrong, and nobody knows which.
fn suspect_crossed_pressures(taken: &mut [Taken]) {
    let readings = || taken.iter().map(|taken| &taken.reading);
    let lower: HashMap<Instant, f64> =
        readings().filter(|r| r.signal == Signal::DiastolicBp).map(|r| (r.at, r.canonical())).collect();
    if lower.is_empty() {
        return;
    }
    let crossed: Vec<Instant> = readings()
        .filter(|r| {
            r.signal == Signal::SystolicBp && lower.get(&r.at).is_some_and(|low| r.canonical() <= *low)
        })
        .map(|r| r.at)
        .collect();
    let crossed: std::collections::HashSet<Instant> = crossed.into_iter().collect();
    let is_pressure = |r: &&mut Reading| matches!(r.signal, Signal::SystolicBp | Signal::DiastolicBp);
    let readings = taken.iter_mut().map(|taken| &mut taken.reading);
    for reading in readings.filter(is_pressure).filter(|r| crossed.contains(&r.at)) {
        reading.flags = reading.flags.with(Flags::SUSPECT);
    }
}

#[cfg(test)]
#[path = "normal_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "unsaid_tests.rs"]
mod unsaid;
