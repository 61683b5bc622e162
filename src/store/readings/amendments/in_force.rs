//! Amendments of a span of a series, applied to what was committed first. An amendment under which nothing is in force
//! is never opened.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::{COLUMNS, Generation, Raw, opened};
use crate::db::conn::{literally, on};
use crate::db::error::Result;
use crate::db::schema::amendments::dsl;
use crate::readings::chunks::rows::Series;
use crate::readings::chunks::span::Span;
use crate::readings::journal::row::StoredReading;
use crate::{Conn, View};
use domain::{Flags, Reading};

/// What is in force in a span at each amended identity (instant, device): a reading, or none.
pub(in crate::readings) type InForce = BTreeMap<(i64, i64), Option<StoredReading>>;

/// The SQL condition for a generation that stands, as its index has it. The bare mark selects the index; SQLite, which
/// plans without statistics, also needs the value, a column of that index.
const STANDS: &str = "(amendments.stands AND amendments.stands = TRUE)";

macro_rules! of {
    ($series:expr, $span:expr) => {
        dsl::amendments
            .filter(dsl::patient_key.eq($series.patient_key).and(dsl::signal.eq($series.signal.code())))
            .filter(dsl::at.ge($span.from).and(dsl::at.lt($span.to)))
    };
}

/// What amendments put in force in a span; empty for nearly every span. Every generation in it is read, so long spans
/// are read in parts (see [`edge`]).
pub(in crate::readings) fn in_force(view: &mut View<'_>, series: Series, span: Span) -> Result<InForce> {
    let mut out = InForce::new();
    for (identity, mut generations) in generations(view.conn, series, span)? {
        let Some((stands, last)) = generations.pop() else { continue };
        let before = generations.into_iter().map(|(_, raw)| raw);
        out.insert(identity, if stands { standing(view, series, last, before)? } else { None });
    }
    Ok(out)
}

/// The generations of each identity of a span in their order, with whether something is in force by each.
type Generations = BTreeMap<(i64, i64), Vec<(bool, Raw)>>;

fn generations(conn: &mut Conn, series: Series, span: Span) -> QueryResult<Generations> {
    let rows: Vec<(bool, Raw)> = of!(series, span)
        .order((dsl::at, dsl::device_key, dsl::generation))
        .select((dsl::stands, COLUMNS))
        .load(conn)?;
    let mut generations = Generations::new();
    for (stands, raw) in rows {
        generations.entry((raw.0, raw.1)).or_default().push((stands, raw));
    }
    Ok(generations)
}

/// Whether the columns in clear hide a value of a span that is sealed as in force.
pub(in crate::readings) fn hides(view: &mut View<'_>, series: Series, span: Span) -> Result<bool> {
    for mut generations in generations(view.conn, series, span)?.into_values() {
        let Some((stands, last)) = generations.pop() else { continue };
        if !stands && opened(view, series, last)?.reading.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The same where it is known whether anything was committed: where nothing was and nothing stands, whatever else was
/// reported leaves nothing, and is not read.
pub(in crate::readings) fn over(
    view: &mut View<'_>,
    series: Series,
    span: Span,
    committed: bool,
) -> Result<InForce> {
    if committed || first_standing(view.conn, series, span)?.is_some() {
        return in_force(view, series, span);
    }
    Ok(InForce::new())
}

/// The reading that the last generation of an identity puts in force; none when it withdraws.
fn standing(
    view: &mut View<'_>,
    series: Series,
    last: Raw,
    before: impl DoubleEndedIterator<Item = Raw>,
) -> Result<Option<StoredReading>> {
    let Generation { reading, device_key, received, .. } = opened(view, series, last)?;
    let Some(reading) = reading else { return Ok(None) };
    let corrects = replaces(view, series, before, &reading)?;
    let reading = if corrects { corrected(reading) } else { reading };
    Ok(Some(StoredReading { reading, device_key, received }))
}

/// Whether one of these generations put another value in force before. That it was another wearer's for a while is no
/// correction.
fn replaces(
    view: &mut View<'_>,
    series: Series,
    before: impl DoubleEndedIterator<Item = Raw>,
    reading: &Reading,
) -> Result<bool> {
    for raw in before.rev() {
        let known = opened(view, series, raw)?.reading;
        if known.is_some_and(|known| !known.says_the_same(reading)) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn corrected(reading: Reading) -> Reading {
    Reading { flags: reading.flags.with(Flags::CORRECTED), ..reading }
}

/// Applies what is in force to readings that are ascending by instant and device.
pub(in crate::readings) fn lay_over(readings: &mut Vec<StoredReading>, amended: InForce) {
    if amended.is_empty() {
        return;
    }
    let key = |r: &StoredReading| (r.reading.at.micros(), r.device_key);
    let mut amended = amended;
    readings.retain_mut(|reading| match amended.remove(&key(reading)) {
        None => true,
        Some(None) => false,
        Some(Some(new)) => {
            let same = reading.reading.says_the_same(&new.reading);
            *reading = if same { new } else { StoredReading { reading: corrected(new.reading), ..new } };
            true
        }
    });
    readings.extend(amended.into_values().flatten());
    readings.sort_by_key(key);
}

/// The instant of the n-th amendment of a span, if it has that many.
pub(in crate::readings) fn edge(
    conn: &mut Conn,
    series: Series,
    span: Span,
    most: i64,
) -> QueryResult<Option<i64>> {
    let query = of!(series, span).order(dsl::at).offset(most).limit(1).select(dsl::at);
    on!(conn, |c| query.first(c).optional())
}

/// The same from the end of a series back, of what lies from an instant on.
pub(in crate::readings) fn edge_from_the_end(
    conn: &mut Conn,
    series: Series,
    from: i64,
    most: i64,
) -> QueryResult<Option<i64>> {
    let span = Span { from, to: i64::MAX };
    let query = of!(series, span).order(dsl::at.desc()).offset(most).limit(1).select(dsl::at);
    on!(conn, |c| query.first(c).optional())
}

/// The identities of a span of which an amendment says anything.
pub(in crate::readings) fn amended(
    conn: &mut Conn,
    series: Series,
    span: Span,
) -> QueryResult<BTreeSet<(i64, i64)>> {
    let found: Vec<(i64, i64)> = of!(series, span).select((dsl::at, dsl::device_key)).load(conn)?;
    Ok(found.into_iter().collect())
}

/// The first instant of a span at which something may stand by an amendment.
pub(in crate::readings) fn first_standing(
    conn: &mut Conn,
    series: Series,
    span: Span,
) -> QueryResult<Option<i64>> {
    of!(series, span).filter(literally(STANDS)).order(dsl::at).select(dsl::at).first(conn).optional()
}

/// The last instant of a span at which something stands by an amendment. Rows from before that was written down are
/// opened, one after the other.
pub(in crate::readings) fn last_standing(
    view: &mut View<'_>,
    series: Series,
    span: Span,
) -> Result<Option<i64>> {
    let (mut to, mut before) = (span.to, i64::MAX);
    loop {
        let last: Option<(i64, i64, i64)> = of!(series, span)
            .filter(literally(STANDS))
            .filter(dsl::at.le(to).and(dsl::at.lt(to).or(dsl::device_key.lt(before))))
            .order((dsl::at.desc(), dsl::device_key.desc(), dsl::generation.desc()))
            .select((dsl::at, dsl::device_key, dsl::generation))
            .first(view.conn)
            .optional()?;
        let Some((at, device_key, number)) = last else { return Ok(None) };
        let key = (series.patient_key, series.signal.code(), at, device_key, number);
        let raw: Raw = dsl::amendments.find(key).select(COLUMNS).get_result(view.conn)?;
        (to, before) = (raw.0, raw.1);
        if opened(view, series, raw)?.reading.is_some() {
            return Ok(Some(to));
        }
    }
}
