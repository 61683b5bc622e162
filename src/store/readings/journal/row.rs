//! One stored reading in its two forms: the journal's row with a masked value, and what a reader gets back.

use std::ops::Range;
use std::sync::Arc;

use diesel::prelude::*;

use crate::db::error::{Error, Result};
use crate::db::schema::readings;
use crate::keys::{Spot, SubjectKey};
use crate::readings::journal::measured::Noted;
use crate::readings::receipt::ReceiptRef;
use domain::{Flags, Instant, Reading, Signal, Unit};

/// (instant, patient, signal, device): the journal's key, in its order.
pub(crate) type Identity = (i64, i64, i16, i64);

/// A row of the journal; `masked` and `attrs` are under the patient's mask. `received` is negative (`-1 - message`)
/// where the mask does not know the message: rows from before that, until they are rolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub(crate) struct Row {
    pub at: i64,
    pub patient_key: i64,
    pub signal: i16,
    pub device_key: i64,
    pub masked: i64,
    pub attrs: i16,
    pub received: i64,
}

impl Row {
    pub(crate) const fn identity(&self) -> Identity {
        (self.at, self.patient_key, self.signal, self.device_key)
    }

    /// The message that brought it.
    pub(crate) const fn message(&self) -> ReceiptRef {
        ReceiptRef::from_stored(if self.received < 0 { -1 - self.received } else { self.received })
    }

    /// The row in an error: what identifies it among the readings.
    fn named(&self) -> String {
        format!("{}:{}:{}:{}", self.patient_key, self.signal, self.at, self.device_key)
    }

    pub(crate) fn signal(&self) -> Result<Signal> {
        Signal::from_code(self.signal).ok_or_else(|| Error::corrupt("readings.signal").in_row(self.named()))
    }

    fn spot(&self) -> Result<Spot> {
        Ok(Spot {
            at: Instant::from_micros(self.at),
            signal: self.signal()?,
            device_key: self.device_key,
            message: (self.received >= 0).then(|| self.message()),
        })
    }

    fn sealed(
        key: &SubjectKey,
        patient_key: i64,
        device_key: i64,
        received: ReceiptRef,
        reading: &Reading,
    ) -> Self {
        let Reading { at, signal, .. } = *reading;
        let spot = Spot { at, signal, device_key, message: Some(received) };
        let (masked, attrs) = key.mask(&spot, reading.value.to_bits().cast_signed(), attrs(reading));
        Self {
            at: at.micros(),
            patient_key,
            signal: signal.code(),
            device_key,
            masked,
            attrs,
            received: received.stored(),
        }
    }

    /// Whether both hold the same value and attributes.
    pub(crate) fn says_the_same(&self, other: &Self, key: &SubjectKey) -> Result<bool> {
        let plain = |row: &Self| Ok::<_, Error>(key.mask(&row.spot()?, row.masked, row.attrs));
        Ok(plain(self)? == plain(other)?)
    }

    pub(crate) fn open(&self, key: &SubjectKey) -> Result<StoredReading> {
        let Spot { at, signal, .. } = self.spot()?;
        let (bits, attrs) = key.mask(&self.spot()?, self.masked, self.attrs);
        let (unit, flags) = unit_and_flags(signal, attrs).map_err(|error| error.in_row(self.named()))?;
        let value = f64::from_bits(bits.cast_unsigned());
        Ok(StoredReading {
            reading: Reading { signal, at, value, unit, flags },
            device_key: self.device_key,
            received: self.message(),
        })
    }

    /// A row that [`Self::open`] refuses, as a reading that no receipt counts: so a check can name its message.
    pub(crate) fn unreadable(&self) -> Result<StoredReading> {
        let signal = self.signal()?;
        let at = Instant::from_micros(self.at);
        let reading = Reading { signal, at, value: f64::NAN, unit: signal.unit(), flags: Flags(u8::MAX) };
        Ok(StoredReading { reading, device_key: self.device_key, received: self.message() })
    }
}

type Columns = (
    readings::at,
    readings::patient_key,
    readings::signal,
    readings::device_key,
    readings::masked,
    readings::attrs,
    readings::received,
);

/// The columns of [`Row`], in its order.
pub(crate) const COLUMNS: Columns = (
    readings::at,
    readings::patient_key,
    readings::signal,
    readings::device_key,
    readings::masked,
    readings::attrs,
    readings::received,
);

/// Flags in the low eight bits, the unit's code above them; no unit code means the signal's own unit.
#[must_use]
pub fn attrs(reading: &Reading) -> i16 {
    let unit = if reading.unit == reading.signal.unit() { 0 } else { reading.unit.code() };
    i16::from_be_bytes([unit, reading.flags.0])
}

pub(crate) fn unit_and_flags(signal: Signal, attrs: i16) -> Result<(Unit, Flags)> {
    let [unit, flags] = attrs.to_be_bytes();
    let unit = match unit {
        0 => signal.unit(),
        code => Unit::from_code(code).ok_or(Error::corrupt("readings.attrs"))?,
    };
    Ok((unit, Flags(flags)))
}

/// A reading as it is kept: with who measured it and which message brought it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StoredReading {
    /// The reading, as it was sent.
    pub reading: Reading,
    /// `devices.key` of the device that measured it.
    pub device_key: i64,
    /// The message that brought it.
    pub received: ReceiptRef,
}

/// Readings on their way into the journal. The only way in is [`Batch::admit`].
#[derive(Default)]
pub struct Batch {
    rows: Vec<Row>,
    /// Where each message's rows end, and the key that they are masked under.
    keys: Vec<(usize, Arc<SubjectKey>)>,
    /// Which ends of series were written down.
    pub(in crate::readings) noted: Noted,
}

impl Batch {
    /// Takes the readings of one message of one device for one patient: all of them or none. `key` is the
    /// patient's telemetry key. Returns their places in the batch.
    ///
    /// Only for a message on its way in: `received` names it once and for all, and with it the mask. What is decided
    /// on later is an amendment.
    ///
    /// # Errors
    /// [`Error::Denied`] when the permit does not reach back to a reading's instant (`E_BEFORE_GRANT`).
    pub fn admit(
        &mut self,
        permit: &consent::Permit<consent::TelemetryCollect>,
        key: &Arc<SubjectKey>,
        patient_key: i64,
        device_key: i64,
        received: ReceiptRef,
        readings: &[Reading],
    ) -> Result<Range<usize>> {
        for reading in readings {
            permit.covers(reading.at.micros())?;
        }
        let from = self.rows.len();
        self.rows.extend(readings.iter().map(|r| Row::sealed(key, patient_key, device_key, received, r)));
        self.keys.push((self.rows.len(), Arc::clone(key)));
        Ok(from..self.rows.len())
    }

    pub(crate) fn key_of(&self, place: usize) -> Option<&SubjectKey> {
        let message = self.keys.partition_point(|(end, _)| *end <= place);
        self.keys.get(message).map(|(_, key)| key.as_ref())
    }

    /// How many readings it holds.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.rows.len()
    }

    /// Empties it and keeps its room for the next commit.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.keys.clear();
    }

    /// The commit failed: nothing that it wrote down is there.
    pub fn failed(&self) {
        self.noted.forget();
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_reference_gives_back_its_three_parts() {
        let reference = ReceiptRef::new(1_763_780_000, 15, 4_095).unwrap();
        assert_eq!((reference.second(), reference.node(), reference.ordinal()), (1_763_780_000, 15, 0xffff));
        let elsewhere = ReceiptRef::new(1_763_780_000, 14, 4_095).unwrap();
        assert_ne!(reference.ordinal(), elsewhere.ordinal(), "the receipt knows the node");
        assert_eq!(ReceiptRef::from_stored(reference.stored()), reference);
        assert_eq!(ReceiptRef::new(0, 16, 0), None);
        assert_eq!(ReceiptRef::new(0, 0, 4_096), None);
    }

    #[test]
    fn no_mask_is_used_for_two_values() {
        let key = SubjectKey::new(&[7; 32], crate::keys::seal::KeyRef { id: 1, epoch: 1 }).unwrap();
        let reading = |value| Reading {
            signal: Signal::HeartRate,
            at: Instant::from_secs(9),
            value,
            unit: Signal::HeartRate.unit(),
            flags: Flags(0),
        };
        let row =
            |second, value| Row::sealed(&key, 1, 2, ReceiptRef::new(second, 0, 0).unwrap(), &reading(value));
        let (first, late, again) = (row(1, 60.0), row(2, 140.0), row(3, 60.0));
        let difference = 60.0_f64.to_bits() ^ 140.0_f64.to_bits();
        assert_ne!((first.masked ^ late.masked).cast_unsigned(), difference, "the masks cancel out");
        assert_ne!(first.masked, again.masked, "an equal value shows");
        assert!(first.says_the_same(&again, &key).unwrap() && !first.says_the_same(&late, &key).unwrap());
        assert_eq!(late.open(&key).unwrap().reading, reading(140.0));
        // A row from before: masked without its message, which is kept as a negative number.
        let spot = Spot { message: None, ..first.spot().unwrap() };
        let (masked, attrs) = key.mask(&spot, 60.0_f64.to_bits().cast_signed(), 0);
        let old = Row { masked, attrs, received: -1 - first.received, ..first };
        assert_eq!(old.open(&key).unwrap(), first.open(&key).unwrap());
        assert!(old.says_the_same(&first, &key).unwrap());
    }

    #[test]
    fn unit_and_flags_survive_the_attributes() {
        for (unit, flags) in
            [(Unit::MgPerDl, Flags(0)), (Unit::MmolPerL, Flags(255)), (Unit::Ratio, Flags(17))]
        {
            let at = Instant::from_secs(0);
            let reading = Reading { signal: Signal::Glucose, at, value: 1.0, unit, flags };
            assert_eq!(unit_and_flags(Signal::Glucose, attrs(&reading)).unwrap(), (unit, flags));
        }
        assert!(unit_and_flags(Signal::Glucose, i16::from_be_bytes([200, 0])).is_err());
    }
}
