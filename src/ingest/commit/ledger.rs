//! Receipts of a commit: which second, which of its device's messages, and the 32 bytes over what was decided.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant as Moment;

use super::plan::{NewRows, Planned};
use crate::admit::Admitted;
use audit::pack::{Pack, Receipted};
use audit::receipt::{Line, Message, Scribe};
use domain::{DeviceId, Instant};
use store::audit::receipts;
use store::readings::{ReceiptRef, attrs};
use store::{Class, Error, Result, Subject, Tx};

/// Numbers messages and signs for them.
pub(crate) struct Ledger {
    node: u8,
    second: i64,
    /// When that second began, on the clock that nobody steps.
    since: Moment,
    ordinals: HashMap<i64, u16>,
    scribe: Scribe,
}

impl Ledger {
    /// Begins after the last second that has receipts: a restart never numbers a message as an earlier one.
    pub(crate) fn new(node: u8, last: Option<i64>) -> Self {
        let second = last.map_or(i64::MIN, |last| last.saturating_add(1));
        Self { node, second, since: Moment::now(), ordinals: HashMap::new(), scribe: Scribe::default() }
    }

    /// The node that it numbers for.
    pub(crate) const fn node(&self) -> u8 {
        self.node
    }

    /// A commit begins at `now`. Seconds never go back: on a clock that was set back they go on at the pace of time, so
    /// that each is soon over and can be packed.
    pub(crate) fn begin(&mut self, now: Instant) {
        let passed = i64::try_from(self.since.elapsed().as_secs()).unwrap_or(0);
        if now.secs() > self.second {
            self.advance(now.secs());
        } else if now.secs() < self.second - 1 && passed > 0 {
            self.advance(self.second + passed);
        }
    }

    fn advance(&mut self, to: i64) {
        self.second = to;
        self.since = Moment::now();
        self.ordinals.clear();
    }

    /// The reference of a device's next message.
    pub(crate) fn next(&mut self, device_key: i64) -> Result<ReceiptRef> {
        if self.ordinals.get(&device_key) == Some(&ReceiptRef::ORDINALS) {
            self.advance(self.second.saturating_add(1));
        }
        let ordinal = self.ordinals.entry(device_key).or_insert(0);
        let reference = ReceiptRef::new(self.second, self.node, *ordinal);
        *ordinal += 1;
        reference.ok_or(Error::corrupt("the clock"))
    }

    /// Signs for every message of the commit.
    pub(crate) fn sign(
        &mut self,
        tx: &mut Tx<'_>,
        group: &[Admitted],
        planned: &[Planned],
        kept: &NewRows,
    ) -> Result<()> {
        let mut packs: BTreeMap<i64, Pack> = BTreeMap::new();
        let mut lines = Vec::new();
        for (message, plan) in group.iter().zip(planned) {
            let (Some(device), Some(received)) = (&plan.device, plan.received) else { continue };
            lines.clear();
            lines.extend(kept.counted(plan).map(|reading| Line {
                signal: reading.signal.code(),
                at: reading.at.micros(),
                value: reading.value.to_bits(),
                attrs: attrs(reading).cast_unsigned(),
            }));
            let head = Message {
                device: message.device.0,
                epoch: u64::try_from(plan.epoch).unwrap_or(0),
                decision: plan.decision,
                received_s: received.second(),
                ordinal: received.ordinal(),
            };
            let receipt = match &plan.patient {
                Some(patient) => self.scribe.receipt(patient.audit.receipt_mac(), &head, &lines),
                None => self.device_receipt(tx, message.device, &head, &lines)?,
            };
            packs.entry(received.second()).or_default().0.push(Receipted {
                device_key: u64::try_from(device.key).unwrap_or(0),
                ordinal: received.ordinal(),
                decision: plan.decision,
                refused: plan.parts.total(),
                receipt,
            });
        }
        packs.iter().try_for_each(|(second, pack)| receipts::append(tx, *second, self.node, pack))
    }

    fn device_receipt(
        &mut self,
        tx: &mut Tx<'_>,
        device: DeviceId,
        head: &Message,
        lines: &[Line],
    ) -> Result<audit::Hash> {
        let key = tx.key_or_new(Subject::Device(device), Class::Audit)?;
        Ok(self.scribe.receipt(key.receipt_mac(), head, lines))
    }
}
