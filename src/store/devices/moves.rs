//! Moves readings after a change of a binding. The change itself is one transaction. The readings follow in stretches,
//! each in a transaction that also records how far the move got: after a kill it goes on there, and when two nodes work
//! on one stretch the second finds it done. A device's moves are done in the order they were asked for.

use std::collections::HashSet;

use diesel::prelude::*;

use super::bindings::{self, Binding};
use super::{Wearer, unbound};
use crate::db::error::{Error, Result};
use crate::db::schema::moves;
use crate::db::tx::{Touched, Tx, View};
pub use crate::devices::counts::{COUNTED, Counted, coming, ending, leaves, leaving};
use crate::patients::audience::Audience;
use crate::readings::quarantine::Item;
use crate::readings::{self, AT_ONCE, Allowed, Given, Known, Outline, ReceiptRef, StoredReading, Worn};
use crate::rules::reevaluations;
use crate::{Keyed, devices, patients};
use domain::time::civil::Window;
use domain::{DeviceId, Instant, Reading, Signal, Withdrawal};
use rules::Late;

/// Moves in one look.
const MOST: i64 = 256;

/// A move of a device's readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// Its number.
    id: i64,
    /// The device.
    pub device_key: i64,
    /// The patient it takes from or gives to.
    pub patient_key: i64,
    /// Whether it gives.
    pub gives: bool,
    /// What was measured from here…
    pub from: Instant,
    /// …to here (exclusive).
    pub to: Instant,
    /// When it was asked for.
    pub created_at: Instant,
    /// How many readings moved so far.
    pub moved: i64,
    /// How many the patient's consent does not permit to be stored: they go on waiting.
    pub refused: i64,
    /// Since when it is done.
    pub done_at: Option<Instant>,
    signal: Option<Signal>,
    reached: Instant,
    moved_from: Option<Instant>,
    version: i64,
    /// How far the one before it got that still takes: what it gives follows close behind.
    behind: Option<Reached>,
}

/// The series that is under way, and from where on it goes on.
type Reached = (Option<Signal>, Instant);

#[derive(Queryable, Selectable)]
#[diesel(table_name = moves)]
struct Row {
    id: i64,
    device_key: i64,
    patient_key: i64,
    gives: bool,
    from_at: i64,
    to_at: i64,
    created_at: i64,
    signal: Option<i16>,
    reached_at: i64,
    moved_from: Option<i64>,
    moved: i64,
    refused: i64,
    version: i64,
    done_at: Option<i64>,
}

impl TryFrom<Row> for Move {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let signal = row
            .signal
            .map(|code| Signal::from_code(code).ok_or(Error::corrupt("moves.signal").in_row(row.id)));
        Ok(Self {
            id: row.id,
            device_key: row.device_key,
            patient_key: row.patient_key,
            gives: row.gives,
            from: Instant::from_micros(row.from_at),
            to: Instant::from_micros(row.to_at),
            created_at: Instant::from_micros(row.created_at),
            moved: row.moved,
            refused: row.refused,
            done_at: row.done_at.map(Instant::from_micros),
            signal: signal.transpose()?,
            reached: Instant::from_micros(row.reached_at),
            moved_from: row.moved_from.map(Instant::from_micros),
            version: row.version,
            behind: None,
        })
    }
}

/// What to move next.
#[derive(Debug)]
pub enum Next {
    /// Readings of one series of whom it takes from.
    Taken(Series<StoredReading>),
    /// Items of one series for whom it gives to.
    Given(Series<Item>),
    /// Nothing, until the move before it, which takes, has come further.
    Waits,
    /// Nothing is left.
    Over,
}

/// A stretch of one series.
#[derive(Debug)]
pub struct Series<T> {
    signal: Signal,
    what: Vec<T>,
    /// The chunk of which nothing is left in force by itself.
    overlaid: Option<Outline>,
    /// From where on the series goes on; `None`: this is its end.
    on: Option<Instant>,
}

/// Asks to take the readings of `binding`'s device in a window from its patient.
pub(crate) fn take(tx: &mut Tx<'_>, binding: &Binding, span: Window) -> Result<()> {
    let end = span.from.micros();
    // What is still to be given to them ends with the binding.
    let of_theirs = moves::device_key.eq(binding.device_key).and(moves::patient_key.eq(binding.patient_key));
    let open = moves::gives.eq(true).and(moves::done_at.is_null()).and(moves::to_at.gt(end));
    diesel::update(moves::table.filter(of_theirs.and(open)))
        .set((moves::to_at.eq(end), moves::version.eq(moves::version + 1)))
        .execute(tx.conn)?;
    ask(tx, binding.wearer(), span, false)
}

/// Asks to give the patient what waits, or is about to wait, of `binding`'s device from its beginning on.
pub(crate) fn give(tx: &mut Tx<'_>, binding: &Binding) -> Result<()> {
    let span = Window { from: binding.from, to: binding.to.unwrap_or(Instant::MAX) };
    let nothing = unbound::count(tx, binding.device_key, span, 1)? == 0;
    if nothing && taken_from(tx, binding.device_key)?.is_empty() {
        return Ok(());
    }
    ask(tx, binding.wearer(), span, true)
}

/// Which of these a device measured before, so that it changes hands just now: what is reported of it again waits behind
/// it.
///
/// # Errors
/// Database errors; a destroyed key.
pub fn under_way(
    view: &mut View<'_>,
    device_key: i64,
    identities: &[(Signal, Instant)],
) -> Result<HashSet<(Signal, Instant)>> {
    let rows: Vec<Row> = moves::table
        .filter(moves::device_key.eq(device_key).and(moves::done_at.is_null()))
        .order(moves::id)
        .select(Row::as_select())
        .load(view.conn)?;
    let mut found = HashSet::new();
    if rows.is_empty() {
        return Ok(found);
    }
    // First with whom it is still, then what waits: it may go from there to here meanwhile.
    for row in rows.into_iter().filter(|row| !row.gives) {
        let open = Move::try_from(row)?;
        let leaves: Vec<_> =
            identities.iter().copied().filter(|(_, at)| open.from <= *at && *at < open.to).collect();
        found.extend(readings::present(view, Wearer { device_key, patient_key: open.patient_key }, &leaves)?);
    }
    found.extend(unbound::waiting(view, device_key, identities)?);
    Ok(found)
}

/// What a device says again of what is under way waits, and is given to whose it is (`to`) after what was committed
/// before it.
///
/// # Errors
/// Database errors; a destroyed key.
pub fn follow(
    tx: &mut Tx<'_>,
    device: Keyed<DeviceId>,
    readings: &[Reading],
    received: ReceiptRef,
    to: &[(i64, Window)],
) -> Result<()> {
    unbound::wait(tx, device, readings, received)?;
    for (patient_key, span) in to {
        let theirs = moves::device_key.eq(device.key).and(moves::patient_key.eq(patient_key));
        let to_come = moves::gives.eq(true).and(moves::done_at.is_null()).and(moves::signal.is_null());
        let whole = moves::from_at.le(span.from.micros()).and(moves::to_at.ge(span.to.micros()));
        let asked = moves::table.filter(theirs.and(to_come).and(whole));
        if !diesel::select(diesel::dsl::exists(asked)).get_result::<bool>(tx.conn)? {
            ask(tx, Wearer { device_key: device.key, patient_key: *patient_key }, *span, true)?;
        }
    }
    Ok(())
}

/// The open moves that take a device's readings from somebody.
pub(super) fn taken_from(view: &mut View<'_>, device_key: i64) -> Result<Vec<Move>> {
    let rows: Vec<Row> = moves::table
        .filter(moves::device_key.eq(device_key).and(moves::done_at.is_null()))
        .filter(moves::gives.eq(false))
        .order(moves::id)
        .select(Row::as_select())
        .load(view.conn)?;
    rows.into_iter().map(Move::try_from).collect()
}

/// A source takes back what of its own waits or is about to, in the order in which it moves. Whether there was any:
/// what is still with somebody else says `known`, or what is stored of them.
///
/// # Errors
/// Database errors; a destroyed key.
pub fn take_back(
    tx: &mut Tx<'_>,
    device: Keyed<DeviceId>,
    what: &Withdrawal,
    received: ReceiptRef,
    known: &Known,
) -> Result<bool> {
    let waited = unbound::take_back(tx, device, what, received)? > 0;
    let taken_back = unbound::taken_back(tx, device.key, &[what.at.micros()])?;
    let taken_back = taken_back.get(&(what.signal, what.at)).into_iter().flatten();
    if taken_back.into_iter().any(|back| back.was == what.value || back.was.is_none()) {
        return Ok(true);
    }
    // What it reported again may wait already, and what was committed first be still with whom it leaves.
    for patient_key in leaves(tx, device.key, what.at)? {
        let patient = Keyed { key: patient_key, id: patients::id_of(tx, patient_key)? };
        if readings::theirs(tx, patient, device.key, what, received, known)?.is_some() {
            unbound::take_back_ahead(tx, device, what, received)?;
            return Ok(true);
        }
    }
    Ok(waited)
}

/// A source puts right what of its own waits or is about to: the new value waits, and the old one is given to nobody.
/// Whether there was any.
///
/// # Errors
/// Database errors; a destroyed key.
pub fn put_right(
    tx: &mut Tx<'_>,
    device: Keyed<DeviceId>,
    reading: Reading,
    received: ReceiptRef,
    known: &Known,
) -> Result<bool> {
    let waited = unbound::put_right(tx, device, reading, received)?;
    let whichever = Withdrawal { signal: reading.signal, at: reading.at, value: None };
    for patient_key in leaves(tx, device.key, reading.at)? {
        let patient = Keyed { key: patient_key, id: patients::id_of(tx, patient_key)? };
        let was = readings::theirs(tx, patient, device.key, &whichever, received, known)?;
        let Some(was) = was else { continue };
        if !was.says_the_same(&reading) {
            let wrong = Withdrawal { value: Some(was), ..whichever };
            unbound::take_back_ahead(tx, device, &wrong, received)?;
            if !waited {
                unbound::wait(tx, device, &[reading], received)?;
            }
        }
        return Ok(true);
    }
    Ok(waited)
}

/// A patient allows to collect what was measured from an instant on: what was refused them and waits is theirs, if it
/// was measured since.
pub(crate) fn permitted(tx: &mut Tx<'_>, patient_key: i64, from: Instant) -> Result<()> {
    for binding in bindings::since(tx, patient_key, from)? {
        let span = Window { from: binding.from.max(from), to: binding.to.unwrap_or(Instant::MAX) };
        if unbound::count(tx, binding.device_key, span, 1)? > 0 {
            ask(tx, Wearer { device_key: binding.device_key, patient_key }, span, true)?;
        }
    }
    Ok(())
}

fn ask(tx: &mut Tx<'_>, wearer: Wearer, span: Window, gives: bool) -> Result<()> {
    diesel::insert_into(moves::table)
        .values((
            moves::device_key.eq(wearer.device_key),
            moves::patient_key.eq(wearer.patient_key),
            moves::gives.eq(gives),
            moves::from_at.eq(span.from.micros()),
            moves::to_at.eq(span.to.micros()),
            moves::reached_at.eq(span.from.micros()),
            moves::created_at.eq(tx.now().micros()),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// The first open move of each device that has one; and while that one takes, the next one that gives: a red is raised
/// at whose it is as it leaves who had it, however much moves with it.
///
/// # Errors
/// Database errors.
pub fn due(view: &mut View<'_>) -> Result<Vec<Move>> {
    let rows: Vec<Row> = moves::table
        .filter(moves::done_at.is_null())
        .order((moves::device_key, moves::id))
        .limit(MOST)
        .select(Row::as_select())
        .load(view.conn)?;
    let open: Vec<Move> = rows.into_iter().map(Move::try_from).collect::<Result<_>>()?;
    let mut out = Vec::new();
    for of_device in open.chunk_by(|one, other| one.device_key == other.device_key) {
        out.extend(of_device.first().copied());
        if let [first, next, ..] = of_device
            && !first.gives
            && next.gives
        {
            out.push(Move { behind: Some((first.signal, first.reached)), ..*next });
        }
    }
    Ok(out)
}

/// The last moves of a device from and to patients of an audience, the newest first.
///
/// # Errors
/// Database errors.
pub fn of_device(view: &mut View<'_>, audience: &Audience, device_key: i64, limit: i64) -> Result<Vec<Move>> {
    let mut rows = moves::table
        .filter(moves::device_key.eq(device_key))
        .order(moves::id.desc())
        .limit(limit)
        .into_boxed();
    if let Some(within) = audience.within("moves.patient_key") {
        rows = rows.filter(within);
    }
    let rows: Vec<Row> = rows.select(Row::as_select()).load(view.conn)?;
    rows.into_iter().map(Move::try_from).collect()
}

/// The last moves from and to a patient, the newest first.
///
/// # Errors
/// Database errors.
pub fn of_patient(view: &mut View<'_>, patient_key: i64, limit: i64) -> Result<Vec<Move>> {
    let rows: Vec<Row> = moves::table
        .filter(moves::patient_key.eq(patient_key))
        .order(moves::id.desc())
        .limit(limit)
        .select(Row::as_select())
        .load(view.conn)?;
    rows.into_iter().map(Move::try_from).collect()
}

/// The next part of a move. It opens chunks, so it runs outside the transaction that moves.
///
/// # Errors
/// Database errors; a destroyed key.
pub fn next(view: &mut View<'_>, due: &Move) -> Result<Next> {
    if due.gives { next_given(view, due) } else { next_taken(view, due) }
}

fn next_taken(view: &mut View<'_>, due: &Move) -> Result<Next> {
    let signals = readings::signals_of(view, due.patient_key)?;
    for signal in signals.into_iter().filter(|signal| due.signal.is_none_or(|at| signal.code() >= at.code()))
    {
        let under_way = due.signal == Some(signal);
        let from = if under_way { due.reached } else { due.from };
        let Worn { readings: what, until, overlaid } = taken(view, due, signal, from)?;
        if !what.is_empty() || (under_way && due.moved_from.is_some()) {
            let on = (until < due.to).then_some(until);
            return Ok(Next::Taken(Series { signal, what, overlaid, on }));
        }
    }
    Ok(Next::Over)
}

/// The next stretch of one series that has readings; none up to the end.
fn taken(view: &mut View<'_>, due: &Move, signal: Signal, mut from: Instant) -> Result<Worn> {
    let series = readings::Series::new(due.patient_key, signal);
    while from < due.to {
        let worn = readings::worn(view, series, due.device_key, Window { from, to: due.to })?;
        if !worn.readings.is_empty() {
            return Ok(worn);
        }
        from = worn.until;
    }
    Ok(Worn { readings: Vec::new(), until: due.to, overlaid: None })
}

fn next_given(view: &mut View<'_>, due: &Move) -> Result<Next> {
    let whole = Window { from: due.from, to: due.to };
    // What was refused waits on, behind the place that is reached.
    let (signal, from) = match due.signal.filter(|_| due.reached < due.to) {
        Some(under_way) => (Some(under_way), due.reached),
        None => (unbound::next_signal(view, due.device_key, whole, due.signal)?, due.from),
    };
    let Some(signal) = signal else {
        return Ok(if due.behind.is_some() { Next::Waits } else { Next::Over });
    };
    // Up to where the one before it took: what is older comes before what is newer.
    let to = match due.behind {
        None => due.to,
        Some((taking, reached)) if taking == Some(signal) => reached.min(due.to),
        Some((taking, _)) if taking.is_some_and(|taking| taking.code() > signal.code()) => due.to,
        Some(_not_yet) => return Ok(Next::Waits),
    };
    let (what, on) = unbound::stretch(view, due.device_key, signal, Window { from, to }, AT_ONCE)?;
    if what.is_empty() && to < due.to {
        return Ok(Next::Waits);
    }
    let on = on.or((to < due.to).then_some(to));
    Ok(Next::Given(Series { signal, what, overlaid: None, on }))
}

/// Moves a stretch, once: `false` when somebody did it before. Once a series is at its end it is judged again from the
/// first reading that moved.
///
/// # Errors
/// Database errors; [`Error::Busy`] when somebody changes one of the readings at once.
pub fn step(tx: &mut Tx<'_>, due: &Move, next: &Next, permit: Option<Allowed<'_>>) -> Result<bool> {
    if let Next::Waits = next {
        return Ok(false);
    }
    let version = moves::version.eq(due.version);
    let row = moves::table.find(due.id).filter(version.and(moves::done_at.is_null()));
    let locked = diesel::update(row).set(moves::version.eq(due.version + 1)).execute(tx.conn)?;
    if locked == 0 {
        return Ok(false);
    }
    let patient = Keyed { key: due.patient_key, id: patients::id_of(tx, due.patient_key)? };
    let device = Keyed { key: due.device_key, id: devices::id_of(tx, due.device_key)? };
    match next {
        Next::Waits => {}
        Next::Over => over(tx, due)?,
        Next::Taken(series) => {
            readings::set_aside(tx, patient, device, &series.what, series.overlaid.as_ref())?;
            let from = series.what.first().map(|stored| stored.reading.at);
            let moved = Given { theirs: series.what.len(), refused: 0, from };
            reached(tx, due, series.signal, series.on, moved)?;
        }
        Next::Given(series) => {
            let permit = permit.ok_or(Error::corrupt("a move without its permit"))?;
            let given = readings::give(tx, permit, patient, device, &series.what)?;
            reached(tx, due, series.signal, series.on, given)?;
        }
    }
    Ok(true)
}

/// Records how far it got.
fn reached(tx: &mut Tx<'_>, due: &Move, signal: Signal, on: Option<Instant>, moved: Given) -> Result<()> {
    let before = due.moved_from.filter(|_| due.signal == Some(signal));
    let from = [before, moved.from].into_iter().flatten().min();
    if let (Some(from), None) = (from, on) {
        let patient = patients::id_of(tx, due.patient_key)?;
        reevaluations::mark(tx, due.patient_key, signal, Late { from, until: due.to })?;
        // What memory holds of the series is what was wrong.
        tx.touch(Touched::Patient(due.patient_key));
        tx.signal("readings.changed", patient)?;
    }
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    diesel::update(moves::table.find(due.id))
        .set((
            moves::signal.eq(Some(signal.code())),
            moves::reached_at.eq(on.unwrap_or(due.to).micros()),
            moves::moved_from.eq(from.filter(|_| on.is_some()).map(Instant::micros)),
            moves::moved.eq(due.moved.saturating_add(count(moved.theirs))),
            moves::refused.eq(due.refused.saturating_add(count(moved.refused))),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// One that moved nothing leaves no trace.
fn over(tx: &mut Tx<'_>, due: &Move) -> Result<()> {
    let row = moves::table.find(due.id);
    if due.moved == 0 && due.refused == 0 {
        diesel::delete(row).execute(tx.conn)?;
        return Ok(());
    }
    diesel::update(row).set(moves::done_at.eq(Some(tx.now().micros()))).execute(tx.conn)?;
    let (device, patient) = (devices::id_of(tx, due.device_key)?, patients::id_of(tx, due.patient_key)?);
    tx.signal("device.changed", device)?;
    tx.signal("patient.changed", patient)
}
