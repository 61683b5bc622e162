//! The stored readings against the receipts: every taken message's receipt is computed again from what is stored of
//! it, under its patient's key. One stretch of reception after the other: each receipt is read once, each chunk as
//! often as it has readings of another stretch, and memory holds one stretch's readings.

use super::brought::{Brought, Slice};
use super::signed::{Signed, Verdict};
use super::stream::{Receipts, Second};
use crate::audit::pack::Receipted;
use crate::audit::verify::Break;
use crate::store::View;
use crate::store::error::Result;
use crate::store::telemetry::walk::Census;

/// Readings that a stretch holds.
const SLICE: i64 = 1 << 20;

/// How much a check looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Work {
    /// Chunks opened.
    pub opened: usize,
    /// Messages of which the receipt was looked at.
    pub messages: usize,
    /// The most readings held at once.
    pub most: usize,
}

/// Holds every reading and every taken message against each other.
pub(super) fn messages(view: &mut View<'_>) -> Result<Option<Break>> {
    let (found, Work { opened, messages, most }) = checked(view, SLICE)?;
    tracing::debug!(opened, messages, most, "readings were held against their receipts");
    Ok(found)
}

/// The same with stretches of about `slice` readings; says too how much it looked at.
pub(super) fn checked(view: &mut View<'_>, slice: i64) -> Result<(Option<Break>, Work)> {
    let (mut census, mut work) = (Census::take(view, slice)?, Work::default());
    if Receipts::none(view)? {
        let what = format!("{} readings are stored, and no receipt", census.total);
        return Ok(((census.total > 0).then_some(Break { index: None, what }), work));
    }
    let mut signed = Signed::default();
    for place in 0..census.stretches() {
        let mut slice = Slice::load(view, &mut census, place)?;
        work.most = work.most.max(slice.len());
        let found = stretch(view, &mut signed, &mut slice, &census.seconds(place), &mut work)?;
        work.opened = census.opened;
        if found.is_some() {
            return Ok((found, work));
        }
    }
    Ok((None, work))
}

/// Holds what is stored of a stretch against its receipts: changed first, then without a receipt, then missing.
fn stretch(
    view: &mut View<'_>,
    signed: &mut Signed,
    slice: &mut Slice,
    seconds: &std::ops::Range<i64>,
    work: &mut Work,
) -> Result<Option<Break>> {
    let (mut receipts, mut missing) = (Receipts::within(seconds.clone()), None);
    while let Some(second) = receipts.next(view)? {
        for message in second.pack.0.iter().filter(|message| taken(message)) {
            work.messages += 1;
            match held(view, signed, slice, &second, message)? {
                Held::Whole => {}
                Held::Changed => return said(signed, view, &second, message, "were changed").map(Some),
                Held::Nothing if missing.is_some() => {}
                Held::Nothing => {
                    if !signed.nothing_new(view, second.second, message)? {
                        missing = Some(said(signed, view, &second, message, "are missing")?);
                    }
                }
            }
        }
    }
    match slice.left() {
        Some(brought) => without_receipt(signed, view, brought).map(Some),
        None => Ok(missing),
    }
}

enum Held {
    /// It is what was stored, or nobody can tell any more.
    Whole,
    Changed,
    /// Nothing of it is stored: it brought nothing new, or what it brought is gone.
    Nothing,
}

fn held(
    view: &mut View<'_>,
    signed: &mut Signed,
    slice: &mut Slice,
    second: &Second,
    message: &Receipted,
) -> Result<Held> {
    let (mut changed, mut unknown) = (false, false);
    for group in slice.of(second.second, message) {
        match signed.verdict(view, second.second, message, slice.brought(&group))? {
            Verdict::Whole => {
                slice.settle(group);
                return Ok(Held::Whole);
            }
            Verdict::Unknown => {
                slice.settle(group);
                unknown = true;
            }
            Verdict::Changed => changed = true,
        }
    }
    Ok(match (changed, unknown) {
        (true, _) => Held::Changed,
        (false, true) => Held::Whole,
        (false, false) => Held::Nothing,
    })
}

const fn taken(message: &Receipted) -> bool {
    matches!(message.decision, 0 | 100)
}

fn said(
    signed: &mut Signed,
    view: &mut View<'_>,
    second: &Second,
    message: &Receipted,
    what: &str,
) -> Result<Break> {
    let device = signed.device_name(view, message.device_key)?;
    let (at, ordinal) = (second.second, message.ordinal);
    let what = format!("the readings of message {ordinal} of device {device} in second {at} {what}");
    Ok(Break { index: second.leaf(view)?, what })
}

fn without_receipt(signed: &mut Signed, view: &mut View<'_>, brought: &Brought) -> Result<Break> {
    let device = signed.device_name(view, u64::try_from(brought.device_key).unwrap_or(0))?;
    let Brought { second, ordinal, line, .. } = brought;
    let what = format!(
        "a reading of device {device} (signal {}, measured at {}) has no receipt: message {ordinal} in second {second}",
        line.signal,
        crate::domain::Instant::from_micros(line.at).rfc3339()
    );
    Ok(Break { index: None, what })
}
