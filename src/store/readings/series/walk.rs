//! Every stored reading with the message that brought it, one stretch of reception after the other: for holding the
//! store against its receipts in bounded memory and in one pass. No permit: nothing of it leaves the check.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use diesel::connection::DefaultLoadingMode;
use diesel::pg::PgRowByRowLoadingMode;
use diesel::prelude::*;

use crate::db::error::{Error, Result};
use crate::db::schema::{amendments, chunks, merged_readings as merged, quarantine, readings};
use crate::keys::SubjectKey;
use crate::keys::seal::Broken;
use crate::live::pace::Pace;
use crate::patients;
use crate::readings::ReceiptRef;
use crate::readings::amendments::brought;
use crate::readings::chunks::rows::{Series, before, open};
use crate::readings::chunks::span::Span;
use crate::readings::journal::row::{COLUMNS, Row, StoredReading};
use crate::{Class, Conn, Subject, View};
use domain::Signal;

/// Rows listed at once.
const LISTED: i64 = 512;
/// The census counts by minutes of reception.
const MINUTE: i64 = 60;

/// A reading and its patient's key.
pub(crate) type Walked = (i64, StoredReading);

/// Where a chunk is.
#[derive(Debug, Clone, Copy)]
struct Listed {
    id: i64,
    series: Series,
    span: Span,
}

/// One stretch of reception, and where the readings lie that came in it.
struct Stretch {
    seconds: Range<i64>,
    chunks: Vec<usize>,
    /// First and last instant of what the journal has of it.
    journal: Option<(i64, i64)>,
    amended: Vec<i64>,
}

/// Where the readings of each stretch of reception lie: found by looking at each chunk once. Then a chunk is opened
/// only for the stretches that it has readings of, one or two as a rule.
pub(crate) struct Census {
    listed: Vec<Listed>,
    stretches: Vec<Stretch>,
    keys: HashMap<i64, Option<Arc<SubjectKey>>>,
    /// Readings in all, merged ones counted again.
    pub total: i64,
    /// Chunks opened so far.
    pub opened: usize,
}

/// What the census counts by.
#[derive(Default)]
struct Minutes {
    counts: BTreeMap<i64, i64>,
    journal: BTreeMap<i64, (i64, i64)>,
    amended: Vec<(i64, i64)>,
    /// The minutes of each chunk's readings, as runs.
    runs: Vec<Vec<(i64, i64)>>,
    total: i64,
}

impl Minutes {
    fn count(&mut self, received: ReceiptRef) -> i64 {
        let minute = received.second().div_euclid(MINUTE);
        *self.counts.entry(minute).or_default() += 1;
        self.total += 1;
        minute
    }

    fn chunk(&mut self, of: &[StoredReading]) {
        let mut minutes: Vec<i64> = of.iter().map(|stored| self.count(stored.received)).collect();
        minutes.sort_unstable();
        let mut runs: Vec<(i64, i64)> = Vec::new();
        for minute in minutes {
            match runs.last_mut().filter(|(_, to)| minute <= *to + 1) {
                Some((_, to)) => *to = minute,
                None => runs.push((minute, minute)),
            }
        }
        self.runs.push(runs);
    }

    /// Stretches with about `slice` readings each.
    fn edges(&self, slice: i64) -> Vec<i64> {
        let (mut edges, mut held) = (Vec::new(), 0);
        for (minute, count) in &self.counts {
            if held > 0 && held + count > slice {
                edges.push(minute * MINUTE);
                held = 0;
            }
            held += count;
            // A minute with too many is cut by its seconds.
            let parts = (count / slice.max(1) + 1).min(MINUTE);
            let inner = (1..parts).map(|part| minute * MINUTE + part * MINUTE / parts);
            edges.extend(inner);
        }
        edges.dedup();
        edges
    }
}

impl Census {
    /// Looks at everything once; a stretch has about `slice` readings.
    ///
    /// # Errors
    /// [`Error::Sealed`] for a chunk that was altered, [`Error::Corrupt`] for a row; [`Error::Stopped`]; database errors.
    pub(crate) fn take(view: &mut View<'_>, slice: i64, pace: &mut Pace<'_>) -> Result<Self> {
        let mut census =
            Self { listed: Vec::new(), stretches: Vec::new(), keys: HashMap::new(), total: 0, opened: 0 };
        let mut minutes = Minutes::default();
        census.chunks(view, &mut minutes, pace)?;
        census.merged(view, &mut minutes)?;
        journal(view, &mut minutes, pace)?;
        amended(view, &mut minutes)?;
        census.total = minutes.total;
        aside(view, &mut minutes)?;
        census.cut(&minutes, slice);
        Ok(census)
    }

    /// How many stretches there are, the oldest first; together they cover all time.
    pub(crate) fn stretches(&self) -> usize {
        self.stretches.len()
    }

    /// The seconds of a stretch.
    pub(crate) fn seconds(&self, place: usize) -> Range<i64> {
        self.stretches.get(place).map_or(0..0, |stretch| stretch.seconds.clone())
    }

    fn chunks(&mut self, view: &mut View<'_>, minutes: &mut Minutes, pace: &mut Pace<'_>) -> Result<()> {
        let mut after = 0;
        loop {
            let rows: Vec<(i64, i64, i16, i64, i64)> = chunks::table
                .filter(chunks::id.gt(after))
                .order(chunks::id)
                .limit(LISTED)
                .select((chunks::id, chunks::patient_key, chunks::signal, chunks::span_from, chunks::span_to))
                .load(view.conn)?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.0;
            for (id, patient, signal, from, to) in rows {
                if self.key(view, patient)?.is_none() {
                    continue;
                }
                let signal = Signal::from_code(signal).ok_or(Error::corrupt("chunks.signal").in_row(id))?;
                let listed = Listed { id, series: Series::new(patient, signal), span: Span { from, to } };
                let opened = self.open(view, listed)?;
                minutes.chunk(&opened);
                pace.half(u64::try_from(opened.len()).unwrap_or(0))?;
                self.listed.push(listed);
            }
        }
    }

    /// A reading that a roll merged lies in its chunk: that is opened for the message that brought it again, too.
    fn merged(&self, view: &mut View<'_>, minutes: &mut Minutes) -> Result<()> {
        let places: HashMap<i64, usize> =
            self.listed.iter().enumerate().map(|(place, chunk)| (chunk.id, place)).collect();
        let mut after = 0;
        loop {
            let rows: Vec<(i64, i64, i64, i16, i64)> = merged::table
                .filter(merged::id.gt(after))
                .order(merged::id)
                .limit(LISTED)
                .select((merged::id, merged::received, merged::patient_key, merged::signal, merged::at))
                .load(view.conn)?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.0;
            for (id, received, patient, signal, at) in rows {
                let minute = minutes.count(ReceiptRef::from_stored(received));
                let signal =
                    Signal::from_code(signal).ok_or(Error::corrupt("merged_readings.signal").in_row(id))?;
                let chunk = before(view.conn, Series::new(patient, signal), at)?;
                let place = chunk.and_then(|chunk| places.get(&chunk.id));
                if let Some(runs) = place.and_then(|place| minutes.runs.get_mut(*place)) {
                    runs.push((minute, minute));
                }
            }
        }
    }

    fn cut(&mut self, minutes: &Minutes, slice: i64) {
        let edges = minutes.edges(slice);
        let ends = edges.iter().copied().chain([i64::MAX]);
        let mut from = i64::MIN;
        for to in ends {
            self.stretches.push(Stretch {
                seconds: from..to,
                chunks: Vec::new(),
                journal: None,
                amended: Vec::new(),
            });
            from = to;
        }
        // The stretches that have seconds of these minutes.
        let of = |first: i64, last: i64| {
            let at = |second: i64| edges.partition_point(|edge| *edge <= second);
            at(first * MINUTE)..=at(last * MINUTE + MINUTE - 1)
        };
        for (place, runs) in minutes.runs.iter().enumerate() {
            for stretch in runs.iter().flat_map(|(first, last)| of(*first, *last)) {
                if let Some(stretch) = self.stretches.get_mut(stretch)
                    && stretch.chunks.last() != Some(&place)
                {
                    stretch.chunks.push(place);
                }
            }
        }
        for (minute, (first, last)) in &minutes.journal {
            for stretch in of(*minute, *minute) {
                if let Some(stretch) = self.stretches.get_mut(stretch) {
                    let (from, to) = stretch.journal.unwrap_or((*first, *last));
                    stretch.journal = Some((from.min(*first), to.max(*last)));
                }
            }
        }
        for (minute, patient) in &minutes.amended {
            for stretch in of(*minute, *minute) {
                if let Some(stretch) = self.stretches.get_mut(stretch)
                    && !stretch.amended.contains(patient)
                {
                    stretch.amended.push(*patient);
                }
            }
        }
    }

    /// Gives out every reading of a stretch that can be opened: journal and chunks, and once more each that a roll
    /// merged, under the message that brought it again. What both journal and chunk hold comes twice.
    ///
    /// # Errors
    /// As [`Census::take`]; those of `told`.
    pub(crate) fn walk(
        &mut self,
        view: &mut View<'_>,
        place: usize,
        told: &mut dyn FnMut(Walked) -> Result<()>,
    ) -> Result<()> {
        let Some(stretch) = self.stretches.get_mut(place) else { return Ok(()) };
        let (seconds, span) = (stretch.seconds.clone(), stretch.journal);
        let (listed, amended) = (std::mem::take(&mut stretch.chunks), std::mem::take(&mut stretch.amended));
        let late = late(view, &seconds)?;
        let mut told = |(patient, stored): Walked| {
            if seconds.contains(&stored.received.second()) { told((patient, stored)) } else { Ok(()) }
        };
        if let Some((from, to)) = span {
            self.journal(view, from, to, &mut told)?;
        }
        for patient in amended {
            if self.key(view, patient)?.is_some() {
                brought(view, patient, &mut told)?;
            }
        }
        for chunk in
            listed.into_iter().filter_map(|place| self.listed.get(place).copied()).collect::<Vec<_>>()
        {
            let Series { patient_key, signal } = chunk.series;
            for reading in self.open(view, chunk)? {
                told((patient_key, reading))?;
                let identity = (patient_key, reading.reading.at.micros(), signal.code(), reading.device_key);
                for received in late.get(&identity).into_iter().flatten() {
                    let received = ReceiptRef::from_stored(*received);
                    told((patient_key, StoredReading { received, ..reading }))?;
                }
            }
        }
        Ok(())
    }

    fn journal(
        &mut self,
        view: &mut View<'_>,
        from: i64,
        to: i64,
        told: &mut dyn FnMut(Walked) -> Result<()>,
    ) -> Result<()> {
        let people: Vec<i64> = readings::table
            .filter(readings::at.ge(from).and(readings::at.le(to)))
            .select(readings::patient_key)
            .distinct()
            .load(view.conn)?;
        for patient in people {
            self.key(view, patient)?;
        }
        let query = readings::table.filter(readings::at.ge(from).and(readings::at.le(to))).select(COLUMNS);
        let mut each = |row: QueryResult<Row>| -> Result<()> {
            let row = row?;
            match self.keys.get(&row.patient_key) {
                Some(Some(key)) => told((row.patient_key, row.open(key).or_else(|_odd| row.unreadable())?)),
                _ => Ok(()),
            }
        };
        match &mut *view.conn {
            Conn::Sqlite(c) => query.load_iter::<Row, DefaultLoadingMode>(c)?.try_for_each(&mut each),
            Conn::Pg(c) => query.load_iter::<Row, PgRowByRowLoadingMode>(c)?.try_for_each(&mut each),
        }
    }

    fn open(&mut self, view: &mut View<'_>, chunk: Listed) -> Result<Vec<StoredReading>> {
        self.opened += 1;
        let sealed: Vec<u8> = chunks::table.find(chunk.id).select(chunks::sealed).get_result(view.conn)?;
        open(view, chunk.series, chunk.span, &sealed)
    }

    /// The key to open a patient's telemetry with; `None` when it was destroyed.
    fn key(&mut self, view: &mut View<'_>, patient: i64) -> Result<Option<Arc<SubjectKey>>> {
        if let Some(known) = self.keys.get(&patient) {
            return Ok(known.clone());
        }
        let key = match patients::id_of(view, patient) {
            Ok(id) => match view.key(Subject::Patient(id), Class::Telemetry) {
                Ok(key) => Some(key),
                Err(Error::Sealed(Broken::KeyDestroyed | Broken::NoKey, _)) => None,
                Err(error) => return Err(error),
            },
            Err(Error::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        self.keys.insert(patient, key.clone());
        Ok(key)
    }
}

/// A message as rows of the journal name it: negative where the mask does not know it.
fn message(received: i64) -> ReceiptRef {
    ReceiptRef::from_stored(if received < 0 { -1 - received } else { received })
}

/// How many readings lie in journal and chunks, as the rows say it.
///
/// # Errors
/// Database errors.
pub(crate) fn count(view: &mut View<'_>) -> Result<u64> {
    let sum = diesel::dsl::sql::<diesel::sql_types::BigInt>("CAST(COALESCE(SUM(count), 0) AS BIGINT)");
    let packed: i64 = chunks::table.select(sum).get_result(view.conn)?;
    let hot: i64 = readings::table.count().get_result(view.conn)?;
    Ok(u64::try_from(packed.saturating_add(hot)).unwrap_or(0))
}

fn journal(view: &mut View<'_>, minutes: &mut Minutes, pace: &mut Pace<'_>) -> Result<()> {
    let query = readings::table.select((readings::at, readings::received));
    let mut each = |row: QueryResult<(i64, i64)>| -> Result<()> {
        let (at, received) = row?;
        let minute = minutes.count(message(received));
        let (first, last) = minutes.journal.entry(minute).or_insert((at, at));
        (*first, *last) = ((*first).min(at), (*last).max(at));
        pace.half(1)
    };
    match &mut *view.conn {
        Conn::Sqlite(c) => query.load_iter::<(i64, i64), DefaultLoadingMode>(c)?.try_for_each(&mut each),
        Conn::Pg(c) => query.load_iter::<(i64, i64), PgRowByRowLoadingMode>(c)?.try_for_each(&mut each),
    }
}

fn amended(view: &mut View<'_>, minutes: &mut Minutes) -> Result<()> {
    let rows: Vec<(i64, i64)> = amendments::table
        .filter(amendments::item.is_null())
        .select((amendments::patient_key, amendments::received))
        .load(view.conn)?;
    for (patient, received) in rows {
        let minute = minutes.count(ReceiptRef::from_stored(received));
        minutes.amended.push((minute, patient));
    }
    Ok(())
}

/// What was set aside takes room beside the rest.
fn aside(view: &mut View<'_>, minutes: &mut Minutes) -> Result<()> {
    let rows: Vec<i64> = quarantine::table.select(quarantine::received).load(view.conn)?;
    for received in rows {
        minutes.count(ReceiptRef::from_stored(received));
    }
    Ok(())
}

/// (patient, instant, signal, device) to the messages of these seconds that brought it again.
type Late = HashMap<(i64, i64, i16, i64), Vec<i64>>;

fn late(view: &mut View<'_>, seconds: &Range<i64>) -> Result<Late> {
    type Raw = (i64, i64, i16, i64, i64);
    let messages = ReceiptRef::of(seconds);
    let rows: Vec<Raw> = merged::table
        .filter(merged::received.ge(messages.start).and(merged::received.lt(messages.end)))
        .select((merged::patient_key, merged::at, merged::signal, merged::device_key, merged::received))
        .load(view.conn)?;
    let mut late = Late::new();
    for (patient, at, signal, device, received) in rows {
        late.entry((patient, at, signal, device)).or_default().push(received);
    }
    Ok(late)
}
