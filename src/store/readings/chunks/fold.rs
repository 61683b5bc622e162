//! What becomes of a series when rows of the journal are folded into its chunks: pure, no database.

use std::collections::BTreeSet;

use super::span::{Level, Span};
use crate::readings::journal::row::{Row, StoredReading, attrs};

/// A chunk with more readings is split, if its span can be.
const MOST: usize = 8_000;

/// A chunk of the series as it is stored; `readings` only when a row falls into it.
pub(crate) struct Existing {
    pub id: i64,
    pub span: Span,
    pub readings: Vec<StoredReading>,
}

/// What is to be written.
#[derive(Default)]
pub(crate) struct Folded {
    /// Chunks to write: in place of the one with this id, or anew.
    pub written: Vec<(Option<i64>, Span, Vec<StoredReading>)>,
    /// Chunks that were split into new ones.
    pub split: Vec<i64>,
    /// Rows that the chunks now hold.
    pub held: Vec<Row>,
    /// Rows that a chunk held already, brought by another message.
    pub merged: Vec<Row>,
    /// Rows whose identity a chunk holds with another value, or where another was put in force before they came.
    pub conflicts: Vec<(Row, StoredReading)>,
}

/// A row of the journal, and what it says.
type Opened = (Row, StoredReading);

enum Found {
    New,
    Held,
    Merged,
    Conflict,
}

fn position(readings: &[StoredReading], wanted: &StoredReading) -> Result<usize, usize> {
    let key = |r: &StoredReading| (r.reading.at, r.device_key);
    readings.binary_search_by(|r| key(r).cmp(&key(wanted)))
}

fn look_up(readings: &[StoredReading], ours: &StoredReading) -> Found {
    let Some(theirs) = position(readings, ours).ok().and_then(|place| readings.get(place)) else {
        return Found::New;
    };
    let same = theirs.reading.value.to_bits() == ours.reading.value.to_bits()
        && attrs(&theirs.reading) == attrs(&ours.reading);
    match (same, theirs.received == ours.received) {
        (true, true) => Found::Held,
        (true, false) => Found::Merged,
        (false, _) => Found::Conflict,
    }
}

/// Folds rows (ascending by instant and device) into the chunks of their series. `existing` holds, in order
/// and without overlap, every chunk that touches a span that the rows may fall into; `released` are the identities at
/// which another value came before the row, though no chunk holds one.
pub(crate) fn fold(
    existing: Vec<Existing>,
    rows: Vec<Opened>,
    released: &BTreeSet<(i64, i64)>,
    level: Level,
) -> Folded {
    let mut out = Folded::default();
    let spans: Vec<Span> = existing.iter().map(|chunk| chunk.span).collect();
    let mut added: Vec<Vec<StoredReading>> = existing.iter().map(|_| Vec::new()).collect();
    let mut fresh: Vec<(Span, Vec<StoredReading>)> = Vec::new();
    for (row, ours) in rows {
        let place = spans.partition_point(|span| span.to <= row.at);
        let home = existing.get(place).filter(|chunk| chunk.span.holds(row.at));
        match home.map_or(Found::New, |chunk| look_up(&chunk.readings, &ours)) {
            Found::New if released.contains(&(row.at, row.device_key)) => {
                out.conflicts.push((row, ours));
                continue;
            }
            Found::New => {}
            Found::Held => {
                out.held.push(row);
                continue;
            }
            Found::Merged => {
                out.merged.push(row);
                continue;
            }
            Found::Conflict => {
                out.conflicts.push((row, ours));
                continue;
            }
        }
        out.held.push(row);
        match (home, added.get_mut(place), fresh.last_mut()) {
            (Some(_), Some(list), _) => list.push(ours),
            (_, _, Some((span, list))) if span.holds(row.at) => list.push(ours),
            _ => fresh.push((free_span(&spans, level, row.at), vec![ours])),
        }
    }
    for (chunk, added) in existing.into_iter().zip(added) {
        if !added.is_empty() {
            grow(chunk, added, &mut out);
        }
    }
    for (span, readings) in fresh {
        parts(span, readings, &mut |span, readings| out.written.push((None, span, readings)));
    }
    out
}

/// The longest span around `at`, no longer than `level`, that no chunk touches.
fn free_span(taken: &[Span], level: Level, at: i64) -> Span {
    let mut level = level;
    loop {
        let span = level.around(at);
        let from = taken.partition_point(|other| other.to <= span.from);
        if taken.get(from).is_none_or(|other| !other.overlaps(span)) {
            return span;
        }
        match level.shorter() {
            Some(shorter) => level = shorter,
            None => return span,
        }
    }
}

fn grow(chunk: Existing, added: Vec<StoredReading>, out: &mut Folded) {
    let mut readings = chunk.readings;
    readings.extend(added);
    readings.sort_by_key(|r| (r.reading.at, r.device_key));
    let mut grown = Vec::new();
    parts(chunk.span, readings, &mut |span, readings| grown.push((span, readings)));
    let whole = matches!(grown.as_slice(), [(span, _)] if *span == chunk.span);
    if !whole {
        out.split.push(chunk.id);
    }
    let id = whole.then_some(chunk.id);
    out.written.extend(grown.into_iter().map(|(span, readings)| (id, span, readings)));
}

/// Gives readings out span by span, split as often as they are too many.
fn parts(span: Span, readings: Vec<StoredReading>, give: &mut dyn FnMut(Span, Vec<StoredReading>)) {
    let shorter = Level::of(span).and_then(Level::shorter);
    let (true, Some(shorter)) = (readings.len() > MOST, shorter) else {
        give(span, readings);
        return;
    };
    let part = |reading: &StoredReading| shorter.around(reading.reading.at.micros());
    for run in readings.chunk_by(|a, b| part(a) == part(b)) {
        if let Some(first) = run.first() {
            parts(part(first), run.to_vec(), give);
        }
    }
}
