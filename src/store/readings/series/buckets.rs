//! A series drawn: minimum, mean and maximum per stretch of time, in the signal's canonical unit, from the
//! patient's preferred device where two measure the same.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::vec;

use consent::{AlertEvaluate, Permit};

use super::{journal, opened};
use crate::View;
use crate::db::error::Result;
use crate::readings::amendments::in_force::{lay_over, over};
use crate::readings::chunks::Points;
use crate::readings::chunks::rows::{Series, bare_between, open_points};
use crate::readings::chunks::span::Span;
use crate::readings::journal::row::{StoredReading, unit_and_flags};
use crate::readings::preference::{preference, rank};
use crate::readings::series::parts::{ends, next};
use domain::time::civil::Window;
use domain::{Flags, Instant, Reading, Signal, Unit};

/// The most stretches that can be asked for.
pub const MOST_POINTS: u32 = 10_000;
/// Chunks that are read at once.
const CHUNKS: i64 = 64;

/// One stretch of time that has readings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Where it begins.
    pub at: Instant,
    /// The least value.
    pub min: f64,
    /// The mean, without readings that say only `LOW` or `HIGH` (of these, when there are no others).
    pub avg: f64,
    /// The greatest value.
    pub max: f64,
    /// How many readings, `LOW` and `HIGH` among them.
    pub n: u64,
}

/// A drawn series.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Drawn {
    /// The stretches that have readings, ascending.
    pub buckets: Vec<Bucket>,
    /// `devices.key` of those whose readings are shown, ascending.
    pub devices: Vec<i64>,
}

/// Draws a window in at most `points` stretches of equal length; one without readings is absent. Within
/// a stretch only the most preferred device that measured there counts.
///
/// # Errors
/// The patient's key was destroyed; database errors.
pub fn buckets(
    view: &mut View<'_>,
    permit: &Permit<AlertEvaluate>,
    patient_key: i64,
    signal: Signal,
    window: Window,
    points: u32,
) -> Result<Drawn> {
    let (series, Window { from, to }) = (Series::new(patient_key, signal), window);
    let within = Span { from: super::reached(permit, from).micros(), to: to.micros() };
    let ranks = preference(view, patient_key)?;
    let mut canvas = Canvas::new(signal, Span { from: from.micros(), to: to.micros() }, points, &ranks);
    let mut reached = within.from;
    while let Some(from) = next(view.conn, &[series], reached)?.filter(|from| *from < within.to) {
        reached = ends(view.conn, series, Span { from, ..within }, CHUNKS)?;
        draw_part(view, series, &mut canvas, Span { from, to: reached })?;
    }
    Ok(canvas.finish())
}

/// Draws what is in force in a span that is read at once.
fn draw_part(view: &mut View<'_>, series: Series, canvas: &mut Canvas<'_>, within: Span) -> Result<()> {
    // The journal first: see `series`.
    let (from, to) = (Instant::from_micros(within.from), Instant::from_micros(within.to));
    let rows = journal(view.conn, series, from, to)?;
    let mut rows = opened(view, series, &rows)?;
    let chunks = bare_between(view.conn, series, within)?;
    let amended = over(view, series, within, !(rows.is_empty() && chunks.is_empty()))?;
    let touched: BTreeSet<(i64, i64)> = amended.keys().copied().collect();
    lay_over(&mut rows, amended);
    let point = |r: &StoredReading| Point {
        at: r.reading.at.micros(),
        device: r.device_key,
        value: r.reading.value,
        unit: r.reading.unit,
        flags: r.reading.flags,
    };
    let rows: Vec<Point> = rows.iter().map(point).collect();
    let mut rows = rows.into_iter().peekable();
    for (span, sealed) in chunks {
        let points = open_points(view, series, span, &sealed)?;
        draw_chunk(canvas, &mut rows, &points, &touched, within)?;
    }
    rows.for_each(|point| canvas.draw(&point));
    Ok(())
}

#[derive(Clone, Copy)]
struct Point {
    at: i64,
    device: i64,
    value: f64,
    unit: Unit,
    flags: Flags,
}

/// Draws a chunk and the rows before its end, each identity once: the chunk's, unless an amendment touched it.
fn draw_chunk(
    canvas: &mut Canvas<'_>,
    rows: &mut Peekable<vec::IntoIter<Point>>,
    points: &Points,
    touched: &BTreeSet<(i64, i64)>,
    within: Span,
) -> Result<()> {
    let first = points.at.partition_point(|at| *at < within.from);
    let pairs = points.at.iter().zip(&points.value).enumerate().skip(first);
    let mut known = None;
    for (place, (at, value)) in pairs.take_while(|(_, (at, _))| **at < within.to) {
        let attrs = points.attrs_of(place)?;
        let (unit, flags) = match known {
            Some((same, known)) if same == attrs => known,
            _ => unit_and_flags(canvas.signal, attrs)?,
        };
        known = Some((attrs, (unit, flags)));
        let point = Point { at: *at, device: points.device.get(place), value: *value, unit, flags };
        let key = (point.at, point.device);
        let amended = touched.contains(&key);
        while let Some(row) = rows.next_if(|row| (row.at, row.device) <= key) {
            if amended || (row.at, row.device) != key {
                canvas.draw(&row);
            }
        }
        if !amended {
            canvas.draw(&point);
        }
    }
    Ok(())
}

struct Cell {
    rank: usize,
    device: i64,
    min: f64,
    max: f64,
    sum: f64,
    plain: u32,
    bounds: f64,
    n: u32,
}

struct Canvas<'a> {
    signal: Signal,
    span: Span,
    width: i64,
    ranks: &'a [i64],
    cells: Vec<(i64, Cell)>,
    until: i64,
    last: (i64, usize),
}

impl<'a> Canvas<'a> {
    fn new(signal: Signal, span: Span, points: u32, ranks: &'a [i64]) -> Self {
        let points = i64::from(points.clamp(1, MOST_POINTS));
        let length = span.to.saturating_sub(span.from).max(1);
        let width = length / points + i64::from(length % points != 0);
        Self { signal, span, width, ranks, cells: Vec::new(), until: i64::MIN, last: (i64::MIN, usize::MAX) }
    }

    fn rank(&mut self, device: i64) -> usize {
        if self.last.0 != device {
            self.last = (device, rank(self.ranks, device));
        }
        self.last.1
    }

    /// Points come in the order of their instants.
    fn draw(&mut self, point: &Point) {
        let rank = self.rank(point.device);
        if point.at >= self.until || self.cells.is_empty() {
            let offset = point.at.saturating_sub(self.span.from);
            let from = point.at.saturating_sub(offset.rem_euclid(self.width));
            self.until = from.saturating_add(self.width);
            self.cells.push((from, Cell::of(rank, point.device)));
        }
        let Some((_, cell)) = self.cells.last_mut() else { return };
        if (rank, point.device) < (cell.rank, cell.device) {
            *cell = Cell::of(rank, point.device);
        }
        if point.device == cell.device {
            cell.add(self.signal, point);
        }
    }

    fn finish(self) -> Drawn {
        let devices: BTreeSet<i64> = self.cells.iter().map(|(_, cell)| cell.device).collect();
        let buckets = self.cells.into_iter().map(|(from, cell)| cell.bucket(from)).collect();
        Drawn { buckets, devices: devices.into_iter().collect() }
    }
}

impl Cell {
    const fn of(rank: usize, device: i64) -> Self {
        let (min, max) = (f64::INFINITY, f64::NEG_INFINITY);
        Self { rank, device, min, max, sum: 0.0, plain: 0, bounds: 0.0, n: 0 }
    }

    fn add(&mut self, signal: Signal, point: &Point) {
        let Point { at, value, unit, flags, .. } = *point;
        let value = Reading { signal, at: Instant::from_micros(at), value, unit, flags }.canonical();
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.n += 1;
        if flags.has(Flags::LOW) || flags.has(Flags::HIGH) {
            self.bounds += value;
        } else {
            self.sum += value;
            self.plain += 1;
        }
    }

    fn bucket(&self, from: i64) -> Bucket {
        let avg = if self.plain > 0 {
            self.sum / f64::from(self.plain)
        } else {
            self.bounds / f64::from(self.n.max(1))
        };
        Bucket { at: Instant::from_micros(from), min: self.min, avg, max: self.max, n: self.n.into() }
    }
}
