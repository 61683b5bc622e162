//! Batteries: the newest level of each device is stored beside the device, where people look for it. Written when it
//! changed by a percent or after an hour, so that a device that says it in each message costs no more than one that
//! does not.

use std::collections::{BTreeMap, HashMap};

use super::plan::Planned;
use crate::admit::Admitted;
use domain::{DeviceId, Signal};
use store::devices::status::{self, CHARGE_HOLDS, Charge};
use store::{Result, Tx};

/// What was last written of each device.
#[derive(Default)]
pub(super) struct Charges {
    written: HashMap<i64, Charge>,
}

impl Charges {
    /// Keeps what a commit brought, device by device in the order of their numbers.
    pub(super) fn keep(&mut self, tx: &mut Tx<'_>, group: &[Admitted], planned: &[Planned]) -> Result<()> {
        let mut newest: BTreeMap<i64, (DeviceId, Charge)> = BTreeMap::new();
        for (message, plan) in group.iter().zip(planned) {
            let Some(device) = &plan.device else { continue };
            let levels = plan.readings.iter().filter(|reading| reading.signal == Signal::Battery);
            let levels = levels.map(|reading| Charge { at: reading.at, percent: reading.value });
            let Some(charge) = levels.max_by_key(|charge| charge.at) else { continue };
            let known =
                newest.get(&device.key).map(|(_, known)| known).or_else(|| self.written.get(&device.key));
            if known.is_none_or(|known| is_news(known, charge)) {
                newest.insert(device.key, (message.device, charge));
            }
        }
        for (key, (id, charge)) in newest {
            status::charge(tx, id, key, charge)?;
            self.written.insert(key, charge);
        }
        Ok(())
    }

    /// What was written in a transaction that is gone was not written.
    pub(super) fn forget(&mut self) {
        self.written.clear();
    }
}

fn is_news(known: &Charge, charge: Charge) -> bool {
    let changed = (known.percent - charge.percent).abs() >= 1.0;
    charge.at > known.at && (changed || charge.at.since(known.at) >= CHARGE_HOLDS)
}
