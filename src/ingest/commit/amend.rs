//! Corrections and withdrawals of a commit: a source puts right what it said before.

use super::decision;
use super::plan::{NOT_BOUND, Planned, Standings};
use crate::admit::{Admitted, Content};
use crate::answer::Verdict;
use crate::normal::Why;
use domain::Signal;
use rules::{SeriesKey, Watchlist};
use store::devices::{moves, roster};
use store::readings::{self, Known, Outcome, ReceiptRef, Withdrawn};
use store::{Error, Keyed, Result, Store, Tx};

/// What was committed of the readings that the messages take back. It opens chunks, so it runs before the
/// transaction that ingest holds.
///
/// # Errors
/// Database errors.
pub(super) fn look_up(store: &Store, group: &[Admitted]) -> Result<Known> {
    let mut known = Known::default();
    if group.iter().all(|message| message.withdrawn().is_empty()) {
        return Ok(known);
    }
    store.read(|view| {
        for message in group.iter().filter(|message| !message.withdrawn().is_empty()) {
            let Some(device) = roster::device(view, message.device)? else { continue };
            for taken in message.withdrawn() {
                // Whose it is, and with whom it may be still.
                let mut whose = moves::leaves(view, device.key, taken.what.at)?;
                whose.extend(device.bound_at(taken.what.at).map(|binding| binding.patient_key));
                for patient_key in whose {
                    known.look_up(view, patient_key, device.key, &taken.what)?;
                }
            }
        }
        Ok(())
    })?;
    Ok(known)
}

/// Puts right what the messages correct and withdraws what they take back, and forgets what was right already. The
/// series are to be judged again: what is watched of them is forgotten, and this node asks for the replay.
///
/// # Errors
/// Database errors.
pub(super) fn amend(
    tx: &mut Tx<'_>,
    group: &[Admitted],
    planned: &mut [Planned],
    standings: &Standings,
    known: &Known,
    watch: &mut Watchlist,
) -> Result<()> {
    for (message, plan) in group.iter().zip(planned) {
        if plan.amended.is_empty() && plan.withdrawn.is_empty() {
            continue;
        }
        let Some(patient) = plan.patient.as_ref().map(|patient| patient.row.key) else { continue };
        let standing = standings.get(&(patient, message.device)).ok_or(Error::corrupt("a plan"))?;
        let Ok(permit) = &standing.collect else { continue };
        let (mut takes, mut refuses) = (plan.takes(), false);
        let mut forget = |signal: Signal| watch.forget(SeriesKey { patient_key: patient, signal });
        let mut changed = Vec::new();
        for amended in std::mem::take(&mut plan.amended) {
            if readings::amend(tx, permit, &amended)? {
                forget(amended.reading.signal);
                changed.push(amended);
            }
        }
        plan.amended = changed;
        for (withdrawn, place) in std::mem::take(&mut plan.withdrawn) {
            match readings::withdraw(tx, permit, &withdrawn, known)? {
                Outcome::Withdrawn => {
                    forget(withdrawn.what.signal);
                    takes = true;
                }
                Outcome::Already => takes = true,
                Outcome::Aside => {
                    plan.part(withdrawn.what.signal, NOT_BOUND, true, place);
                    (takes, refuses) = (true, true);
                }
                // It is not theirs yet: it waits, or is on its way.
                Outcome::Unknown if take_back(tx, message, &withdrawn, known)? => takes = true,
                Outcome::Unknown => {
                    plan.part(withdrawn.what.signal, Why::UnknownReading.code(), false, place);
                    refuses = true;
                }
            }
        }
        match (takes, refuses) {
            (_, false) => {}
            (true, true) => plan.decision = decision::IN_PART,
            (false, true) => plan.nothing(),
        }
    }
    Ok(())
}

impl Planned {
    /// What a message that is nobody's takes back or puts right of what waits is so; everything else in it is refused.
    pub(super) fn of_nobody(
        &mut self,
        tx: &mut Tx<'_>,
        message: &Admitted,
        device_key: i64,
        received: ReceiptRef,
        known: &Known,
    ) -> Result<()> {
        let Content::Readings { normal, .. } = &message.content else { return Ok(()) };
        let (device, mut unknown) = (Keyed { key: device_key, id: message.device }, Vec::new());
        for taken in &normal.withdrawn {
            if !moves::take_back(tx, device, &taken.what, received, known)? {
                unknown.push((taken.what.signal, taken.place()));
            }
        }
        for taken in &normal.corrections {
            if !moves::put_right(tx, device, taken.reading, received, known)? {
                unknown.push((taken.reading.signal, taken.place()));
            }
        }
        if unknown.len() == normal.withdrawn.len() + normal.corrections.len() {
            return Ok(());
        }
        self.verdict = Verdict::Taken;
        self.parts = normal.refused.clone();
        let measured = normal.readings.iter().map(|taken| (taken.reading.signal, taken.place()));
        for (signal, place) in measured.chain(unknown) {
            self.part(signal, NOT_BOUND, false, place);
        }
        Ok(())
    }
}

fn take_back(tx: &mut Tx<'_>, message: &Admitted, taken: &Withdrawn, known: &Known) -> Result<bool> {
    let device = Keyed { key: taken.device_key, id: message.device };
    moves::take_back(tx, device, &taken.what, taken.received, known)
}
