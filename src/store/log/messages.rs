//! The stored readings against the receipts: every taken message's receipt is computed again from what is
//! stored of it, under its patient's key. Patients are taken in slices, so memory holds a slice's readings and one
//! bit per message.

use std::ops::Range;

use super::brought::{Brought, Slice};
use super::signed::{Signed, Verdict};
use super::stream::{Receipts, Second};
use crate::audit::pack::Receipted;
use crate::audit::verify::Break;
use crate::store::View;
use crate::store::error::Result;
use crate::store::telemetry::walk;

/// Readings that a slice holds; a single patient may have more and is then looked at in stretches of reception.
const SLICE: i64 = 1 << 20;

/// Holds every reading and every taken message against each other.
pub(super) fn messages(view: &mut View<'_>) -> Result<Option<Break>> {
    let Some(seconds) = Receipts::seconds(view)? else { return orphaned(view) };
    let mut settled = Settled::default();
    let mut signed = Signed::default();
    for (patients, stretches) in slices(&walk::counts(view)?) {
        for stretch in parts(&seconds, stretches) {
            let mut slice = Slice::load(view, &patients, &stretch)?;
            if let Some(found) = hold(view, &mut signed, &mut settled, &mut slice)? {
                return Ok(Some(found));
            }
            if let Some(brought) = slice.left() {
                return Ok(Some(without_receipt(&mut signed, view, brought)?));
            }
        }
    }
    without_readings(view, &mut signed, &settled)
}

/// A store without receipts has no readings either.
fn orphaned(view: &mut View<'_>) -> Result<Option<Break>> {
    let readings: i64 = walk::counts(view)?.iter().map(|(_, count)| count).sum();
    let what = format!("{readings} readings are stored, and no receipt");
    Ok((readings > 0).then_some(Break { index: None, what }))
}

/// Runs of patients with about a slice of readings, and in how many stretches to look at them.
fn slices(counts: &[(i64, i64)]) -> Vec<(Range<i64>, i64)> {
    let mut slices: Vec<(Range<i64>, i64)> = Vec::new();
    for (patient, count) in counts {
        match slices.last_mut().filter(|(_, held)| *held + count <= SLICE) {
            Some((patients, held)) => {
                patients.end = patient + 1;
                *held += count;
            }
            None => slices.push((*patient..patient + 1, *count)),
        }
    }
    slices.into_iter().map(|(patients, held)| (patients, held / SLICE + 1)).collect()
}

fn parts(seconds: &Range<i64>, count: i64) -> Vec<Range<i64>> {
    let length = (seconds.end - seconds.start) / count + 1;
    let edge = |n: i64| match n {
        0 => i64::MIN,
        n if n == count => i64::MAX,
        n => seconds.start + n * length,
    };
    (0..count).map(|n| edge(n)..edge(n + 1)).collect()
}

/// Which messages were found whole, by their number in the stream.
#[derive(Default)]
struct Settled(Vec<u64>);

impl Settled {
    fn has(&self, n: usize) -> bool {
        self.0.get(n / 64).is_some_and(|word| word >> (n % 64) & 1 == 1)
    }

    fn add(&mut self, n: usize) {
        if self.0.len() <= n / 64 {
            self.0.resize(n / 64 + 1, 0);
        }
        if let Some(word) = self.0.get_mut(n / 64) {
            *word |= 1 << (n % 64);
        }
    }
}

fn hold(
    view: &mut View<'_>,
    signed: &mut Signed,
    settled: &mut Settled,
    slice: &mut Slice,
) -> Result<Option<Break>> {
    each(view, |view, n, second, message| {
        if !taken(message) {
            return Ok(None);
        }
        let mut changed = false;
        for group in slice.of(second.second, message) {
            match signed.verdict(view, second.second, message, slice.brought(&group))? {
                Verdict::Whole => {
                    slice.settle(group);
                    settled.add(n);
                    return Ok(None);
                }
                Verdict::Unknown => {
                    slice.settle(group);
                    settled.add(n);
                }
                Verdict::Changed => changed = true,
            }
        }
        if changed { said(signed, view, second, message, "were changed").map(Some) } else { Ok(None) }
    })
}

/// Taken messages of which nothing is stored: they brought nothing new, or what they brought is gone.
fn without_readings(view: &mut View<'_>, signed: &mut Signed, settled: &Settled) -> Result<Option<Break>> {
    each(view, |view, n, second, message| {
        if settled.has(n) || !taken(message) || signed.nothing_new(view, second.second, message)? {
            return Ok(None);
        }
        said(signed, view, second, message, "are missing").map(Some)
    })
}

const fn taken(message: &Receipted) -> bool {
    matches!(message.decision, 0 | 100)
}

/// Runs through every message with its number, until one breaks.
fn each(
    view: &mut View<'_>,
    mut f: impl FnMut(&mut View<'_>, usize, &Second, &Receipted) -> Result<Option<Break>>,
) -> Result<Option<Break>> {
    let (mut receipts, mut n) = (Receipts::default(), 0);
    while let Some(second) = receipts.next(view)? {
        for message in &second.pack.0 {
            if let Some(found) = f(view, n, &second, message)? {
                return Ok(Some(found));
            }
            n += 1;
        }
    }
    Ok(None)
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
