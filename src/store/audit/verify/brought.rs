//! The readings of some patients, by the message that brought them.

use std::ops::Range;

use diesel::prelude::*;
use serde::Deserialize;

use crate::View;
use crate::db::error::{Error, Result};
use crate::db::schema::quarantine;
use crate::keys::seal::{Broken, Place};
use crate::live::pace::Pace;
use crate::readings::series::walk::Census;
use crate::readings::{ReceiptRef, StoredReading, attrs};
use audit::pack::Receipted;
use audit::receipt::Line;
use domain::{Flags, Instant, Reading, Signal, Unit};

/// One reading of a message. The order of the fields is the order in a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::audit) struct Brought {
    pub second: i64,
    pub device_key: i64,
    pub ordinal: u16,
    pub node: u8,
    pub patient_key: i64,
    pub line: Line,
    /// Set aside or released later: only the receipt itself tells whether it counted this reading.
    pub aside: bool,
}

impl Brought {
    fn new(patient_key: i64, stored: &StoredReading, aside: bool) -> Self {
        let StoredReading { reading, device_key, received } = stored;
        let line = Line {
            signal: reading.signal.code(),
            at: reading.at.micros(),
            value: reading.value.to_bits(),
            attrs: attrs(reading).cast_unsigned(),
        };
        let (second, ordinal, node) = (received.second(), received.ordinal(), received.node());
        Self { second, device_key: *device_key, ordinal, node, patient_key, line, aside }
    }

    /// The message, node and patient.
    const fn message(&self) -> (i64, i64, u16, u8, i64) {
        (self.second, self.device_key, self.ordinal, self.node, self.patient_key)
    }
}

/// Readings sorted by message, with a mark on those accounted for.
pub(in crate::audit) struct Slice {
    all: Vec<Brought>,
    done: Vec<bool>,
}

impl Slice {
    /// Loads what is stored of a stretch of reception.
    pub(crate) fn load(
        view: &mut View<'_>,
        census: &mut Census,
        place: usize,
        pace: &mut Pace<'_>,
    ) -> Result<Self> {
        let mut all = aside(view, &census.seconds(place))?;
        let mut sets = all.clone();
        sets.sort_unstable();
        census.walk(view, place, &mut |(patient, stored)| {
            let brought = Brought::new(patient, &stored, false);
            // A released reading: the receipt may not have counted it.
            let aside = Brought { aside: true, ..brought };
            if sets.binary_search(&aside).is_err() {
                all.push(brought);
            }
            pace.half(1)
        })?;
        all.sort_unstable();
        all.dedup();
        let done = vec![false; all.len()];
        Ok(Self { all, done })
    }

    /// The groups of readings that may be this message's and are not all accounted for: one for each node and patient.
    pub(crate) fn of(&self, second: i64, message: &Receipted) -> Vec<Range<usize>> {
        let open =
            |group: &Range<usize>| self.done.get(group.clone()).is_some_and(|done| done.contains(&false));
        self.all_of(second, message).into_iter().filter(open).collect()
    }

    /// As [`Slice::of`], with the groups that are accounted for.
    pub(crate) fn all_of(&self, second: i64, message: &Receipted) -> Vec<Range<usize>> {
        let Ok(device) = i64::try_from(message.device_key) else { return Vec::new() };
        let wanted = (second, device, message.ordinal);
        let place = |b: &Brought| (b.second, b.device_key, b.ordinal);
        let from = self.all.partition_point(|brought| place(brought) < wanted);
        let rest = self.all.get(from..).unwrap_or_default();
        let to = from + rest.partition_point(|brought| place(brought) == wanted);
        let mut groups = Vec::new();
        let mut start = from;
        for group in self.brought(&(from..to)).chunk_by(|a, b| a.message() == b.message()) {
            let group = start..start + group.len();
            start = group.end;
            groups.push(group);
        }
        groups
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn brought(&self, group: &Range<usize>) -> &[Brought] {
        self.all.get(group.clone()).unwrap_or_default()
    }

    pub(crate) fn settle(&mut self, group: Range<usize>) {
        self.done.get_mut(group).unwrap_or_default().fill(true);
    }

    /// A reading that no receipt accounts for. One that was only set aside needs none.
    pub(crate) fn left(&self) -> Option<&Brought> {
        let open = self.all.iter().zip(&self.done).filter(|(_, done)| !**done);
        open.map(|(brought, _)| brought).find(|brought| !brought.aside)
    }
}

/// A quarantined reading in either of the forms it is sealed in.
#[derive(Deserialize)]
struct Sealed {
    bits: Option<u64>,
    value: Option<String>,
    #[serde(default)]
    unit: u8,
    #[serde(default)]
    flags: u8,
}

type Raw = (String, Option<i64>, i64, Option<i16>, Option<i64>, i64, Vec<u8>);

/// Readings set aside: a roll sets aside what a receipt counted, ingest what it did not.
fn aside(view: &mut View<'_>, seconds: &Range<i64>) -> Result<Vec<Brought>> {
    let messages = ReceiptRef::of(seconds);
    let rows: Vec<Raw> = quarantine::table
        .filter(quarantine::received.ge(messages.start).and(quarantine::received.lt(messages.end)))
        .select((
            quarantine::id,
            quarantine::patient_key,
            quarantine::device_key,
            quarantine::signal,
            quarantine::at,
            quarantine::received,
            quarantine::sealed,
        ))
        .load(view.conn)?;
    let mut aside = Vec::new();
    for (id, patient, device_key, signal, at, received, sealed) in rows {
        let received = ReceiptRef::from_stored(received);
        let (Some(patient), Some(signal), Some(at)) = (patient, signal.and_then(Signal::from_code), at)
        else {
            continue;
        };
        let sealed: Sealed = match view.open_json(Place::new("quarantine", "sealed", &id), &sealed) {
            Ok(sealed) => sealed,
            Err(Error::Sealed(Broken::KeyDestroyed | Broken::NoKey, _)) => continue,
            Err(error) => return Err(error),
        };
        let value = sealed.bits.map(f64::from_bits).or_else(|| sealed.value?.parse().ok());
        let Some(value) = value else { continue };
        let unit = Unit::from_code(sealed.unit).unwrap_or(signal.unit());
        let reading =
            Reading { signal, at: Instant::from_micros(at), value, unit, flags: Flags(sealed.flags) };
        aside.push(Brought::new(patient, &StoredReading { reading, device_key, received }, true));
    }
    Ok(aside)
}
