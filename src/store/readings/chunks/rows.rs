//! The table of chunks: finding the ones that matter, opening them, writing them sealed.

use diesel::dsl::not;
use diesel::prelude::*;

use super::span::{LONGEST, Span};
use super::{Points, pack, unpack};
use crate::db::conn::on;
use crate::db::error::InRow;
use crate::db::error::Result;
use crate::db::schema::chunks::dsl;
use crate::keys::SubjectKey;
use crate::readings::journal::row::StoredReading;
use crate::{Conn, Place, Tx, View};
use domain::Signal;

/// The index's part of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub(crate) struct Outline {
    pub id: i64,
    pub from: i64,
    pub to: i64,
    pub last_at: i64,
    pub count: i64,
}

impl Outline {
    pub(crate) const fn span(&self) -> Span {
        Span { from: self.from, to: self.to }
    }
}

/// A patient's series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Series {
    pub patient_key: i64,
    pub signal: Signal,
}

impl Series {
    pub(crate) const fn new(patient_key: i64, signal: Signal) -> Self {
        Self { patient_key, signal }
    }

    fn row(self, span: Span) -> String {
        format!("{}:{}:{}:{}", self.patient_key, self.signal.code(), span.from, span.to)
    }
}

type Columns = (dsl::id, dsl::span_from, dsl::span_to, dsl::last_at, dsl::count);
const COLUMNS: Columns = (dsl::id, dsl::span_from, dsl::span_to, dsl::last_at, dsl::count);

/// The last chunk of a series that begins at or before `at`.
pub(crate) fn before(conn: &mut Conn, series: Series, at: i64) -> QueryResult<Option<Outline>> {
    dsl::chunks
        .filter(dsl::patient_key.eq(series.patient_key).and(dsl::signal.eq(series.signal.code())))
        .filter(dsl::span_from.le(at))
        .order(dsl::span_from.desc())
        .select(COLUMNS)
        .first(conn)
        .optional()
}

/// The chunks of a series that touch a span, in order. As chunks never overlap, only one that begins before
/// the span can reach into it.
pub(crate) fn touching(conn: &mut Conn, series: Series, span: Span) -> QueryResult<Vec<Outline>> {
    let mut found: Vec<Outline> =
        before(conn, series, span.from)?.into_iter().filter(|chunk| chunk.to > span.from).collect();
    let rest: Vec<Outline> = dsl::chunks
        .filter(dsl::patient_key.eq(series.patient_key).and(dsl::signal.eq(series.signal.code())))
        .filter(dsl::span_from.gt(span.from).and(dsl::span_from.lt(span.to)))
        .order(dsl::span_from)
        .select(COLUMNS)
        .load(conn)?;
    found.extend(rest);
    Ok(found)
}

/// Where the first chunk of a series that reaches beyond `at` ends.
pub(crate) fn end_after(conn: &mut Conn, series: Series, at: i64) -> QueryResult<Option<i64>> {
    let over = before(conn, series, at)?.filter(|chunk| chunk.to > at);
    if let Some(chunk) = over {
        return Ok(Some(chunk.to));
    }
    dsl::chunks
        .filter(dsl::patient_key.eq(series.patient_key).and(dsl::signal.eq(series.signal.code())))
        .filter(dsl::span_from.gt(at))
        .order(dsl::span_from)
        .select(dsl::span_to)
        .first(conn)
        .optional()
}

macro_rules! between {
    ($series:expr, $span:expr) => {
        dsl::chunks
            .filter(dsl::patient_key.eq($series.patient_key).and(dsl::signal.eq($series.signal.code())))
            .filter(dsl::span_from.gt($span.from.saturating_sub(LONGEST)).and(dsl::span_from.lt($span.to)))
            .filter(dsl::span_to.gt($span.from))
            .order(dsl::span_from)
            .select((dsl::span_from, dsl::span_to, dsl::sealed))
    };
}

/// A sealed chunk and its span.
type Sealed = (Span, Vec<u8>);

fn spanned(rows: Vec<(i64, i64, Vec<u8>)>) -> Vec<Sealed> {
    rows.into_iter().map(|(from, to, sealed)| (Span { from, to }, sealed)).collect()
}

/// The sealed chunks of a series with readings in `[from, to)`, in one statement: so a chunk that a roll is
/// just splitting is seen either whole or in parts.
pub(crate) fn sealed_between(conn: &mut Conn, series: Series, span: Span) -> QueryResult<Vec<Sealed>> {
    Ok(spanned(between!(series, span).load(conn)?))
}

/// The same without those that are overlaid: all that is in force there comes from amendments.
pub(crate) fn bare_between(conn: &mut Conn, series: Series, span: Span) -> QueryResult<Vec<Sealed>> {
    Ok(spanned(between!(series, span).filter(not(dsl::overlaid)).load(conn)?))
}

/// The last chunk that begins at or before `at` and is not overlaid.
pub(crate) fn bare_before(conn: &mut Conn, series: Series, at: i64) -> QueryResult<Option<Outline>> {
    dsl::chunks
        .filter(dsl::patient_key.eq(series.patient_key).and(dsl::signal.eq(series.signal.code())))
        .filter(dsl::span_from.le(at).and(not(dsl::overlaid)))
        .order(dsl::span_from.desc())
        .select(COLUMNS)
        .first(conn)
        .optional()
}

/// From where on chunks that are not overlaid have readings at or after `from`.
pub(crate) fn first_bare(conn: &mut Conn, series: Series, from: i64) -> QueryResult<Option<i64>> {
    if bare_before(conn, series, from)?.is_some_and(|chunk| chunk.last_at >= from) {
        return Ok(Some(from));
    }
    dsl::chunks
        .filter(dsl::patient_key.eq(series.patient_key).and(dsl::signal.eq(series.signal.code())))
        .filter(dsl::span_from.gt(from).and(not(dsl::overlaid)))
        .order(dsl::span_from)
        .select(dsl::first_at)
        .first(conn)
        .optional()
}

/// The end of the n-th chunk that reaches beyond `at` and is not overlaid.
pub(crate) fn bare_end(conn: &mut Conn, series: Series, at: i64, chunks: i64) -> QueryResult<Option<i64>> {
    let over = bare_before(conn, series, at)?.filter(|chunk| chunk.to > at);
    if let (Some(chunk), 1) = (over, chunks) {
        return Ok(Some(chunk.to));
    }
    let query = dsl::chunks
        .filter(dsl::patient_key.eq(series.patient_key).and(dsl::signal.eq(series.signal.code())))
        .filter(dsl::span_from.gt(at).and(not(dsl::overlaid)))
        .order(dsl::span_from)
        .offset(chunks - 1 - i64::from(over.is_some()))
        .limit(1)
        .select(dsl::span_to);
    on!(conn, |c| query.first(c).optional())
}

/// Writes down that each reading of a chunk has an amendment, unless a roll added one meanwhile.
pub(crate) fn overlay(tx: &mut Tx<'_>, chunk: &Outline) -> Result<()> {
    let same = dsl::chunks.filter(dsl::id.eq(chunk.id).and(dsl::count.eq(chunk.count)));
    diesel::update(same).set(dsl::overlaid.eq(true)).execute(tx.conn)?;
    Ok(())
}

/// Every reading of one chunk.
pub(crate) fn open(
    view: &mut View<'_>,
    series: Series,
    span: Span,
    sealed: &[u8],
) -> Result<Vec<StoredReading>> {
    let row = series.row(span);
    let plain = view.open(Place::new("chunks", "sealed", &row), sealed)?;
    unpack(series.signal, &plain).in_row(row)
}

/// What a chart needs of one chunk.
pub(crate) fn open_points(view: &mut View<'_>, series: Series, span: Span, sealed: &[u8]) -> Result<Points> {
    let row = series.row(span);
    let plain = view.open(Place::new("chunks", "sealed", &row), sealed)?;
    Points::unpack(&plain).in_row(row)
}

/// Every reading of the chunk with this id.
pub(crate) fn open_by_id(view: &mut View<'_>, series: Series, chunk: &Outline) -> Result<Vec<StoredReading>> {
    let sealed: Vec<u8> = dsl::chunks.find(chunk.id).select(dsl::sealed).get_result(view.conn)?;
    open(view, series, chunk.span(), &sealed)
}

/// A packed and sealed chunk, ready to be written.
pub(crate) struct Ready {
    pub replaces: Option<i64>,
    span: Span,
    first_at: i64,
    last_at: i64,
    count: i64,
    overlaid: bool,
    sealed: Vec<u8>,
}

impl Ready {
    /// `overlaid`: each of the readings has an amendment.
    pub(crate) fn new(
        series: Series,
        key: &SubjectKey,
        replaces: Option<i64>,
        span: Span,
        overlaid: bool,
        readings: &[StoredReading],
    ) -> Result<Self> {
        let row = series.row(span);
        let sealed = key.sealer().seal(Place::new("chunks", "sealed", &row), &pack(readings)?)?;
        let instant = |reading: Option<&StoredReading>| reading.map_or(span.from, |r| r.reading.at.micros());
        Ok(Self {
            replaces,
            span,
            first_at: instant(readings.first()),
            last_at: instant(readings.last()),
            count: i64::try_from(readings.len()).unwrap_or(i64::MAX),
            overlaid,
            sealed,
        })
    }

    pub(crate) fn write(&self, tx: &mut Tx<'_>, series: Series) -> Result<()> {
        if let Some(id) = self.replaces {
            diesel::update(dsl::chunks.find(id))
                .set((
                    dsl::first_at.eq(self.first_at),
                    dsl::last_at.eq(self.last_at),
                    dsl::count.eq(self.count),
                    dsl::overlaid.eq(self.overlaid),
                    dsl::sealed.eq(&self.sealed),
                ))
                .execute(tx.conn)?;
            return Ok(());
        }
        diesel::insert_into(dsl::chunks)
            .values((
                dsl::patient_key.eq(series.patient_key),
                dsl::signal.eq(series.signal.code()),
                dsl::span_from.eq(self.span.from),
                dsl::span_to.eq(self.span.to),
                dsl::first_at.eq(self.first_at),
                dsl::last_at.eq(self.last_at),
                dsl::count.eq(self.count),
                dsl::overlaid.eq(self.overlaid),
                dsl::sealed.eq(&self.sealed),
            ))
            .execute(tx.conn)?;
        Ok(())
    }
}

/// Removes chunks by id.
pub(crate) fn remove(tx: &mut Tx<'_>, ids: &[i64]) -> Result<()> {
    for id in ids {
        diesel::delete(dsl::chunks.find(*id)).execute(tx.conn)?;
    }
    Ok(())
}
