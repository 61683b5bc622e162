//! Units that a message says where nobody reads them. A value without a unit is in the contract's; one whose unit may
//! stand there is of no known unit, and is not taken as another.

use std::collections::{BTreeMap, HashSet};

use mqtt::payload::{Sample, Samples, Value, folded};

use super::parts::{Parts, Place};
use super::units;
use domain::readings::{Reading, Signal, Unit};

/// The units of each record that were laid on no value.
#[derive(Default)]
pub(crate) struct Strays {
    of: BTreeMap<u32, StatedUnits>,
}

#[derive(Default)]
struct StatedUnits {
    /// Those that can be read.
    units: Vec<Unit>,
    /// Of what those are that cannot; empty: of anything.
    unread: HashSet<String>,
}

impl Strays {
    /// Reads them.
    pub(crate) fn of(samples: &Samples<'_>) -> Self {
        let mut strays = Self::default();
        for stray in &samples.units {
            let stated = strays.of.entry(stray.record).or_default();
            match units::meaning(&stray.unit) {
                Some(unit) if stated.units.contains(&unit) => {}
                Some(unit) => stated.units.push(unit),
                None => drop(stated.unread.insert(stray.of.clone())),
            }
        }
        strays
    }

    /// Whether one of them may be the unit of this value.
    pub(crate) fn may_be_of(&self, sample: &Sample<'_>, signal: Signal) -> bool {
        let is_bare = sample.unit.is_none() && matches!(sample.value, Value::Number(_) | Value::Bound(..));
        let Some(stated) = self.of.get(&sample.record).filter(|_| is_bare) else { return false };
        let differs = |unit: &Unit| {
            let is_share = *unit == Unit::One && signal.unit() == Unit::Percent;
            *unit != signal.unit() && (is_share || Reading::convertible(signal, *unit))
        };
        stated.units.iter().any(differs)
            || stated.unread.contains("")
            || (!stated.unread.is_empty() && stated.unread.contains(&folded(&sample.name)))
    }

    /// Names those whose key in `units` is no signal. One of a signal that the record has no value of is understood: a
    /// device may send its table of units with each message.
    pub(crate) fn name(samples: &Samples<'_>, refused: &mut Parts, code: &'static str) {
        for stray in &samples.units {
            if let Some(key) = stray.listed.as_deref().filter(|key| Signal::from_name(key).is_none()) {
                refused.add(key, code, false, Place { record: stray.record, at: None });
            }
        }
    }
}
