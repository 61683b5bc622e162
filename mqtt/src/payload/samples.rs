//! What a message says once it is read: samples, what was left out of it, and of whom it says to be.

use std::borrow::Cow;

use super::json::{Read, Scanner};
use super::{Format, MAX_AMENDMENTS, MAX_READINGS, Malformed, Place, What};

/// When a sample says it was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Microseconds since the Unix epoch, UTC.
    Unix(i64),
    /// Microseconds after reception (negative: before). 0 means that the device gave no instant.
    Reception(i64),
}

/// What a sample says was measured.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// A finite number.
    Number(f64),
    /// A word: a CGM sentinel (`LOW`, `HIGH`) or a level of consciousness.
    Text(Cow<'a, str>),
    /// A number that the value itself lies beyond (FHIR `comparator`), in the unit of the sample.
    Bound(Side, f64),
    /// None was given: only under [`Status::EnteredInError`], which needs none to say what it takes back.
    Absent,
}

/// On which side of a number a value lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// It is lower, or the number itself.
    Below,
    /// It is higher, or the number itself.
    Above,
}

/// Whether the sender says a value for the first time, corrects itself or takes it back. Only FHIR can say the
/// latter two; every other format is [`Status::Final`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Status {
    /// A measurement (FHIR `final`, `preliminary`, `registered`, `unknown`).
    #[default]
    Final,
    /// It takes the place of what the same source reported for this instant (FHIR `corrected`, `amended`).
    Correction,
    /// What the same source reported for this instant is taken back (FHIR `entered-in-error`).
    EnteredInError,
}

/// One value as it was on the wire.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample<'a> {
    /// The signal's name on the wire; may be one that nobody knows.
    pub name: Cow<'a, str>,
    /// The value, in `unit`.
    pub value: Value<'a>,
    /// The unit as UCUM or as the device wrote it; `None`: the signal's canonical one.
    pub unit: Option<Cow<'a, str>>,
    /// When it was measured.
    pub at: At,
    /// The record of the message that it stood in, from 0.
    pub record: u32,
    /// Whether it corrects or takes back what was reported before.
    pub status: Status,
}

/// Why a part of a message holds no value to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    /// A code, schema or specimen outside the contract.
    Unknown,
    /// FHIR status `cancelled`: it was never measured.
    Retracted,
    /// No value, or a kind of value that no signal has (a boolean, `null`, an object, bytes, a code).
    NoValue,
    /// A unit that is not a text.
    Unit,
    /// No instant to place the reading at: a date without a time of day, none where the format asks for one, or
    /// one that cannot be read.
    Undated,
    /// A statistic of a span (maximum, median, a mean over more than an hour), not a measurement.
    Statistic,
    /// The record breaks the rules of its format.
    Malformed,
}

/// A part that was not taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Skipped<'a> {
    /// The signal's name, or the code or schema when it has none here; empty when the record did not get that far.
    pub name: Cow<'a, str>,
    /// Why.
    pub why: Skip,
    /// The record of the message that it stood in, from 0.
    pub record: u32,
    /// When it says it was measured, if that can be read.
    pub at: Option<At>,
    /// What cannot be read in it, and where; `None` for what was understood and not taken.
    pub fault: Option<Malformed>,
}

/// Whose a record says it is (FHIR `subject`, Open mHealth `user_id`), as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim<'a> {
    /// The record, from 0.
    pub record: u32,
    /// The reference or identifier.
    pub subject: Cow<'a, str>,
}

/// A unit that was stated and applied to no value: under a name that its record has no value for, or under a key that the
/// format does not know. Whether it may be that of a value is for whoever knows signals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrayUnit<'a> {
    /// The record, from 0.
    pub record: u32,
    /// The key in `units` where it stood; `None`: it stood elsewhere, under a key that is reported by itself.
    pub listed: Option<Cow<'a, str>>,
    /// What it claims to be the unit of, [folded](super::folded); empty: of nothing in particular.
    pub of: String,
    /// The unit as it was written.
    pub unit: Cow<'a, str>,
}

/// A message, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples<'a> {
    /// The format it was read as.
    pub format: Format,
    /// The values, in the order of the message.
    pub list: Vec<Sample<'a>>,
    /// What was not taken, in the order of the message.
    pub skipped: Vec<Skipped<'a>>,
    /// Whose the records say they are, in their order; most say nothing.
    pub claims: Vec<Claim<'a>>,
    /// Units that were laid on no value, in the order of the records.
    pub units: Vec<StrayUnit<'a>>,
    /// The record that is being read.
    record: u32,
    /// How many values correct or take back.
    amendments: usize,
}

impl<'a> Samples<'a> {
    pub(super) fn new(format: Format) -> Self {
        let (skipped, claims, units) = (Vec::new(), Vec::new(), Vec::new());
        Self { format, list: Vec::with_capacity(4), skipped, claims, units, record: 0, amendments: 0 }
    }

    /// Whether a sample takes its instant from reception, so that a repeat of the message must find the first one's.
    #[must_use]
    pub fn leans_on_reception(&self) -> bool {
        self.list.iter().any(|s| matches!(s.at, At::Reception(_)))
    }

    /// The fault of a message in which nothing could be read at all.
    pub(super) fn fault(&self) -> Option<Malformed> {
        let first = self.skipped.first()?.fault;
        let all_faulty = self.list.is_empty() && self.skipped.iter().all(|skipped| skipped.fault.is_some());
        first.filter(|_| all_faulty)
    }

    /// Reads the next record. One that breaks the rules of its format is named, and nothing else of it is returned.
    pub(super) fn record(
        &mut self,
        scanner: &mut Scanner<'a>,
        read: impl FnOnce(&mut Scanner<'a>, &mut Self) -> Read<()>,
    ) -> Read<()> {
        let before = (self.list.len(), self.skipped.len(), self.claims.len());
        let (units, amendments) = (self.units.len(), self.amendments);
        if let Err(fault) = scanner.attempt(|scanner| read(scanner, self))? {
            self.list.truncate(before.0);
            self.skipped.truncate(before.1);
            self.claims.truncate(before.2);
            self.units.truncate(units);
            self.amendments = amendments;
            self.refuse(Cow::Borrowed(""), Skip::Malformed, None, Some(fault))?;
        }
        self.next_record();
        Ok(())
    }

    pub(super) const fn next_record(&mut self) {
        self.record = self.record.saturating_add(1);
    }

    pub(super) fn push(
        &mut self,
        name: Cow<'a, str>,
        value: Value<'a>,
        unit: Option<Cow<'a, str>>,
        at: At,
    ) -> Read<()> {
        self.push_as(Status::Final, name, value, unit, at)
    }

    pub(super) fn push_as(
        &mut self,
        status: Status,
        name: Cow<'a, str>,
        value: Value<'a>,
        unit: Option<Cow<'a, str>>,
        at: At,
    ) -> Read<()> {
        self.room()?;
        if status != Status::Final {
            self.amendments += 1;
            if self.amendments > MAX_AMENDMENTS {
                return Err(self.too_many(What::TooManyAmendments));
            }
        }
        self.list.push(Sample { name, value, unit, at, record: self.record, status });
        Ok(())
    }

    /// Names a part that was understood and is not taken.
    pub(super) fn skip(&mut self, name: Cow<'a, str>, why: Skip, at: Option<At>) -> Read<()> {
        self.refuse(name, why, at, None)
    }

    /// Names a part that is not taken; `fault` when it could not even be read.
    pub(super) fn refuse(
        &mut self,
        name: Cow<'a, str>,
        why: Skip,
        at: Option<At>,
        fault: Option<Malformed>,
    ) -> Read<()> {
        self.room()?;
        self.skipped.push(Skipped { name, why, record: self.record, at, fault });
        Ok(())
    }

    /// The record says whose it is. It may say so more than once.
    pub(super) fn claim(&mut self, subject: Cow<'a, str>) {
        let claim = Claim { record: self.record, subject };
        if self.claims.last() != Some(&claim) {
            self.claims.push(claim);
        }
    }

    /// The record says a unit that is laid on no value.
    pub(super) fn stray_unit(
        &mut self,
        listed: Option<Cow<'a, str>>,
        of: String,
        unit: Cow<'a, str>,
    ) -> Read<()> {
        self.room()?;
        self.units.push(StrayUnit { record: self.record, listed, of, unit });
        Ok(())
    }

    fn room(&self) -> Read<()> {
        if self.list.len() + self.skipped.len() + self.units.len() < MAX_READINGS {
            return Ok(());
        }
        Err(self.too_many(What::TooMany))
    }

    fn too_many(&self, what: What) -> Malformed {
        Malformed { at: Place::Record(usize::try_from(self.record).unwrap_or(usize::MAX)), what }
    }
}
