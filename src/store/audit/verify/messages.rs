//! The stored readings against the receipts: every taken message's receipt is computed again from what is stored of
//! it, under its patient's key. One stretch of reception after the other: each receipt is read once, each chunk as
//! often as it has readings of another stretch, and memory holds one stretch's readings.

use std::ops::Range;

use super::brought::{Brought, Slice};
use super::signed::{Signed, Verdict};
use super::stream::{Receipts, Second};
use crate::View;
use crate::db::error::Result;
use crate::readings::series::walk::Census;
use audit::pack::Receipted;
use audit::verify::Break;

/// Readings that a stretch holds.
const SLICE: i64 = 1 << 20;

/// How much a check looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::audit) struct Work {
    /// Chunks opened.
    pub opened: usize,
    /// Messages of which the receipt was looked at.
    pub messages: usize,
    /// The most readings held at once.
    pub most: usize,
}

/// Holds every reading and every taken message against each other.
pub(in crate::audit) fn messages(view: &mut View<'_>) -> Result<Option<Break>> {
    let (found, Work { opened, messages, most }) = checked(view, SLICE)?;
    tracing::debug!(opened, messages, most, "readings were held against their receipts");
    Ok(found)
}

/// The same with stretches of about `slice` readings; says too how much it looked at.
pub(in crate::audit) fn checked(view: &mut View<'_>, slice: i64) -> Result<(Option<Break>, Work)> {
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
    seconds: &Range<i64>,
    work: &mut Work,
) -> Result<Option<Break>> {
    let (mut receipts, mut missing) = (Receipts::within(seconds.clone()), None);
    while let Some(second) = receipts.next(view)? {
        for message in second.pack.0.iter().filter(|message| taken(message)) {
            work.messages += 1;
            match held(view, signed, slice, &second, message)? {
                Held::Whole => {}
                Held::Double => {
                    let what = "share its name with another message's, and nobody can tell them apart";
                    return said(signed, view, &second, message, what).map(Some);
                }
                Held::Changed => return said(signed, view, &second, message, "were changed").map(Some),
                Held::Nothing if missing.is_some() => {}
                Held::Nothing => {
                    if !signed.nothing_new(view, second.second, message)?
                        && !sent_again(view, signed, slice, &second, message)?
                    {
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
    /// Another message has its name, and nobody can tell which of their readings are whose.
    Double,
}

/// Readings of messages with one name of which every selection is tried; of more, those that were measured in a row.
const TRIED: usize = 10;

/// Whether more than one message has this name: two nodes wrote under one number, before numbers were held.
fn is_double(view: &mut View<'_>, second: i64, message: &Receipted) -> Result<bool> {
    let mut receipts = Receipts::within(second..second.saturating_add(1));
    let mut named = 0;
    while let Some(second) = receipts.next(view)? {
        let same =
            |other: &&Receipted| (other.device_key, other.ordinal) == (message.device_key, message.ordinal);
        named += second.pack.0.iter().filter(same).count();
    }
    Ok(named > 1)
}

/// Whether a message without readings of its own is the twin of one whose readings are the same.
fn sent_again(
    view: &mut View<'_>,
    signed: &mut Signed,
    slice: &mut Slice,
    second: &Second,
    message: &Receipted,
) -> Result<bool> {
    if !is_double(view, second.second, message)? {
        return Ok(false);
    }
    for group in slice.all_of(second.second, message) {
        if matches!(double(view, signed, slice, second, message, &group)?, Held::Whole) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Which readings of those with one name are this message's: its receipt tells. One that fits none was changed.
fn double(
    view: &mut View<'_>,
    signed: &mut Signed,
    slice: &mut Slice,
    second: &Second,
    message: &Receipted,
    group: &Range<usize>,
) -> Result<Held> {
    // Its twins' too: a message that was sent again names readings that another receipt accounts for as well.
    let mut all: Vec<(usize, Brought)> = group.clone().zip(slice.brought(group).iter().copied()).collect();
    all.sort_by_key(|(_, brought)| brought.line.at);
    let every = all.len() <= TRIED;
    let selections: Vec<Vec<(usize, Brought)>> = if every {
        let picked = |choice: usize| move |(place, _): &(usize, &(usize, Brought))| choice >> place & 1 == 1;
        (1..1_usize << all.len())
            .map(|choice| all.iter().enumerate().filter(picked(choice)).map(|(_, one)| *one).collect())
            .collect()
    } else {
        let from = |from: usize| (from + 1..=all.len()).map(move |to| from..to);
        let runs = (0..all.len()).flat_map(from);
        runs.filter_map(|run| all.get(run)).map(<[_]>::to_vec).collect()
    };
    for selection in selections {
        let mut brought: Vec<Brought> = selection.iter().map(|(_, brought)| *brought).collect();
        brought.sort_unstable();
        if matches!(signed.verdict(view, second.second, message, &brought)?, Verdict::Whole) {
            selection.iter().for_each(|(place, _)| slice.settle(*place..*place + 1));
            return Ok(Held::Whole);
        }
    }
    if signed.nothing_new(view, second.second, message)? {
        return Ok(Held::Whole);
    }
    Ok(if every { Held::Changed } else { Held::Double })
}

fn held(
    view: &mut View<'_>,
    signed: &mut Signed,
    slice: &mut Slice,
    second: &Second,
    message: &Receipted,
) -> Result<Held> {
    let (mut changed, mut unknown, mut double_found) = (false, false, false);
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
            // What was only set aside may be of another wearer than whose key signed: it said nothing for them.
            Verdict::Changed
                if slice.brought(&group).iter().all(|brought| brought.aside)
                    && signed.nothing_new(view, second.second, message)? =>
            {
                slice.settle(group);
                return Ok(Held::Whole);
            }
            Verdict::Changed if is_double(view, second.second, message)? => {
                match double(view, signed, slice, second, message, &group)? {
                    Held::Double => double_found = true,
                    Held::Whole => return Ok(Held::Whole),
                    Held::Changed | Held::Nothing => changed = true,
                }
            }
            Verdict::Changed => changed = true,
        }
    }
    if double_found && !changed {
        return Ok(Held::Double);
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
        domain::Instant::from_micros(line.at).rfc3339()
    );
    Ok(Break { index: None, what })
}
