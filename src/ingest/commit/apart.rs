//! Takes a group of messages apart by their wearers, and joins the answers again.

use std::ops::Range;
use std::sync::Arc;

use super::plan::Planned;
use crate::admit::{Admitted, Content};
use crate::answer::Verdict;
use crate::normal::Taken;
use crate::roster::Roster;
use crate::wearer::Wearer;
use domain::Instant;
use store::devices::roster::DeviceRow;

/// A group whose messages were taken apart.
pub(super) struct Apart {
    /// The shares, those of one message side by side.
    pub messages: Vec<Admitted>,
    /// Of how many each message consists.
    counts: Vec<usize>,
}

impl Apart {
    /// `None`: every message is of one person, as almost always.
    pub(super) fn of(group: &[Admitted], roster: &Roster, now: Instant) -> Option<Self> {
        let wearers: Vec<Vec<Wearer>> = group.iter().map(|message| wearers(message, roster, now)).collect();
        if wearers.iter().all(Vec::is_empty) {
            return None;
        }
        let mut apart = Self { messages: Vec::new(), counts: Vec::new() };
        for (message, wearers) in group.iter().zip(wearers) {
            apart.counts.push(wearers.len().max(1));
            if wearers.is_empty() {
                apart.messages.push(message.share(None));
            }
            apart.messages.extend(wearers.into_iter().map(|wearer| message.share(Some(wearer))));
        }
        Some(apart)
    }

    /// One plan for each message: its answer.
    pub(super) fn join(&self, planned: Vec<Planned>) -> Vec<Planned> {
        let mut shares = self.messages.iter().zip(planned);
        let join = |count: &usize| {
            let (message, plan) = shares.next()?;
            let mut whole = plan;
            let mut before = vec![message];
            for (message, plan) in shares.by_ref().take(count.saturating_sub(1)) {
                add(&mut whole, &before, message, plan);
                before.push(message);
            }
            Some(whole)
        };
        self.counts.iter().map_while(join).collect()
    }
}

/// Whose a message is, first whom it falls to as a whole; none when it is one person's.
fn wearers(message: &Admitted, roster: &Roster, now: Instant) -> Vec<Wearer> {
    let Content::Readings { normal, .. } = &message.content else { return Vec::new() };
    let device = roster.device(message.device).filter(|device| !device.disabled && device.bindings.len() > 1);
    let Some(device) = device else { return Vec::new() };
    let Some(owner) = device.owner(message.instants(), now) else { return Vec::new() };
    let mut others: Vec<i64> = Vec::new();
    for at in normal.instants() {
        let other = device.bound_at(at).map(|binding| binding.patient_key);
        if let Some(other) = other.filter(|other| *other != owner.patient_key && !others.contains(other)) {
            others.push(other);
        }
    }
    if others.is_empty() {
        return Vec::new();
    }
    let first = Wearer { spans: spans(&device, &others), inside: false, follows: false };
    let rest = others.iter().map(|other| Wearer {
        spans: spans(&device, std::slice::from_ref(other)),
        inside: true,
        follows: true,
    });
    std::iter::once(first).chain(rest).collect()
}

fn spans(device: &DeviceRow, of: &[i64]) -> Arc<[Range<Instant>]> {
    let theirs = device.bindings.iter().filter(|binding| of.contains(&binding.patient_key));
    theirs.map(|binding| binding.from..binding.to).collect()
}

/// Adds the answer to a share to that of those before it: what one of them was refused is a part of the whole.
fn add(whole: &mut Planned, before: &[&Admitted], message: &Admitted, plan: Planned) {
    let Planned { verdict, parts, readings, amended, .. } = plan;
    match (&whole.verdict, &verdict) {
        (Verdict::Taken, Verdict::Refused { .. }) => refused(whole, &[message], &verdict),
        (Verdict::Refused { .. }, Verdict::Taken) => {
            let refusal = std::mem::replace(&mut whole.verdict, Verdict::Taken);
            refused(whole, before, &refusal);
        }
        (Verdict::Malformed(_), Verdict::Taken) => whole.verdict = Verdict::Taken,
        _ => {}
    }
    whole.parts.absorb(parts);
    whole.readings.extend(readings);
    whole.amended.extend(amended);
}

fn refused(whole: &mut Planned, shares: &[&Admitted], refusal: &Verdict) {
    let Verdict::Refused { code: std::borrow::Cow::Borrowed(code), .. } = refusal else { return };
    for share in shares {
        let Content::Readings { normal, .. } = &share.content else { continue };
        let name = |taken: &Taken, whole: &mut Planned| {
            whole.part(taken.reading.signal, code, false, taken.place());
        };
        normal.readings.iter().chain(&normal.corrections).for_each(|taken| name(taken, whole));
        for taken in &normal.withdrawn {
            whole.part(taken.what.signal, code, false, taken.place());
        }
    }
}
