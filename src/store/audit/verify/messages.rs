//! Checks the stored readings against the receipts: the receipt of every accepted message is computed again from what
//! is stored of it, under its patient's key. The check goes one stretch of reception at a time, so that memory holds
//! one stretch's readings; each receipt is read once, and a chunk once for each stretch that it has readings of.

use std::ops::Range;

use super::brought::{Brought, Slice};
use super::signed::{Signed, Verdict};
use super::stream::{Receipts, Second};
use crate::View;
use crate::db::error::Result;
use crate::live::pace::Pace;
use crate::readings::series::walk::Census;
use audit::pack::Receipted;
use audit::verify::Break;

/// Readings in one stretch: what memory holds at once.
const SLICE: i64 = 1 << 20;

/// How much a check looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::audit) struct Work {
    /// Chunks opened.
    pub opened: usize,
    /// Messages whose receipt was checked.
    pub messages: usize,
    /// The most readings held at once.
    pub most: usize,
}

/// Checks every reading and every accepted message against each other.
pub(in crate::audit) fn messages(view: &mut View<'_>, pace: &mut Pace<'_>) -> Result<Option<Break>> {
    let (found, Work { opened, messages, most }) = checked(view, SLICE, pace)?;
    tracing::debug!(opened, messages, most, "readings were held against their receipts");
    Ok(found)
}

/// As [`messages`], with stretches of about `slice` readings. Returns too how much was checked.
pub(in crate::audit) fn checked(
    view: &mut View<'_>,
    slice: i64,
    pace: &mut Pace<'_>,
) -> Result<(Option<Break>, Work)> {
    let (mut census, mut work) = (Census::take(view, slice, pace)?, Work::default());
    if Receipts::none(view)? {
        let what = format!("{} readings are stored, and no receipt", census.total);
        return Ok(((census.total > 0).then_some(Break { index: None, what }), work));
    }
    let mut signed = Signed::default();
    for place in 0..census.stretches() {
        let mut slice = Slice::load(view, &mut census, place, pace)?;
        work.most = work.most.max(slice.len());
        let found = stretch(view, &mut signed, &mut slice, &census.seconds(place), &mut work, pace)?;
        work.opened = census.opened;
        if found.is_some() {
            return Ok((found, work));
        }
    }
    Ok((None, work))
}

/// Checks a stretch against its receipts and reports the gravest find: readings that were changed, then readings
/// without a receipt, then missing ones.
fn stretch(
    view: &mut View<'_>,
    signed: &mut Signed,
    slice: &mut Slice,
    seconds: &Range<i64>,
    work: &mut Work,
    pace: &mut Pace<'_>,
) -> Result<Option<Break>> {
    let (mut receipts, mut missing) = (Receipts::within(seconds.clone()), None);
    while let Some(second) = receipts.next(view)? {
        pace.half(0)?;
        for message in second.pack.0.iter().filter(|message| taken(message)) {
            work.messages += 1;
            match state_of(view, signed, slice, &second, message)? {
                StoredState::Whole => {}
                StoredState::Double => {
                    let what = "share its name with another message's, and nobody can tell them apart";
                    return broken(signed, view, &second, message, what).map(Some);
                }
                StoredState::Changed => {
                    return broken(signed, view, &second, message, "were changed").map(Some);
                }
                // A missing message is reported only when nothing in the stretch was changed or lacks a receipt.
                StoredState::Nothing if missing.is_some() => {}
                StoredState::Nothing => {
                    if !signed.nothing_new(view, second.second, message)?
                        && !sent_again(view, signed, slice, &second, message)?
                    {
                        missing = Some(broken(signed, view, &second, message, "are missing")?);
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

enum StoredState {
    /// The readings are those of the receipt, or the key is destroyed and nobody can tell any more.
    Whole,
    Changed,
    /// None of its readings is stored: it brought nothing new, or they are gone.
    Nothing,
    /// Another message has the same name, and nobody can tell which readings belong to which.
    Double,
}

/// Up to this many readings of messages with one name every subset is tried (1,023 at most); beyond, only runs of
/// readings that follow each other by instant.
const TRIED: usize = 10;

/// Whether more than one message has this name (second, device, ordinal). It happened when two nodes wrote under one
/// node number, before numbers were locked.
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

/// Whether a message that left no readings was sent again: another message of its name has the very same ones.
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
        if matches!(double(view, signed, slice, second, message, &group)?, StoredState::Whole) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Finds which readings of a shared name are this message's: those that give its receipt. If none do, it was changed.
fn double(
    view: &mut View<'_>,
    signed: &mut Signed,
    slice: &mut Slice,
    second: &Second,
    message: &Receipted,
    group: &Range<usize>,
) -> Result<StoredState> {
    // Readings already attributed to a message of the same name are candidates as well: a message that was sent again
    // shares its readings with the first.
    let mut all: Vec<(usize, Brought)> = group.clone().zip(slice.brought(group).iter().copied()).collect();
    all.sort_by_key(|(_, brought)| brought.line.at);
    let every = all.len() <= TRIED;
    // Bit n of `choice` takes reading n. Choice 0, no reading at all, is `nothing_new` below.
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
            return Ok(StoredState::Whole);
        }
    }
    if signed.nothing_new(view, second.second, message)? {
        return Ok(StoredState::Whole);
    }
    Ok(if every { StoredState::Changed } else { StoredState::Double })
}

fn state_of(
    view: &mut View<'_>,
    signed: &mut Signed,
    slice: &mut Slice,
    second: &Second,
    message: &Receipted,
) -> Result<StoredState> {
    let (mut changed, mut unknown, mut double_found) = (false, false, false);
    for group in slice.of(second.second, message) {
        match signed.verdict(view, second.second, message, slice.brought(&group))? {
            Verdict::Whole => {
                slice.settle(group);
                return Ok(StoredState::Whole);
            }
            Verdict::Unknown => {
                slice.settle(group);
                unknown = true;
            }
            // Readings that were only set aside may have been stored for another wearer than the one whose key signed:
            // for that one the message brought nothing.
            Verdict::Changed
                if slice.brought(&group).iter().all(|brought| brought.aside)
                    && signed.nothing_new(view, second.second, message)? =>
            {
                slice.settle(group);
                return Ok(StoredState::Whole);
            }
            Verdict::Changed if is_double(view, second.second, message)? => {
                match double(view, signed, slice, second, message, &group)? {
                    StoredState::Double => double_found = true,
                    StoredState::Whole => return Ok(StoredState::Whole),
                    StoredState::Changed | StoredState::Nothing => changed = true,
                }
            }
            Verdict::Changed => changed = true,
        }
    }
    if double_found && !changed {
        return Ok(StoredState::Double);
    }
    Ok(match (changed, unknown) {
        (true, _) => StoredState::Changed,
        (false, true) => StoredState::Whole,
        (false, false) => StoredState::Nothing,
    })
}

const fn taken(message: &Receipted) -> bool {
    matches!(message.decision, 0 | 100)
}

fn broken(
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
