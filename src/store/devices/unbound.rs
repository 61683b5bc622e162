//! Readings taken while the device was nobody's: quarantined `E_NOT_BOUND` under the device's own key, attributed and
//! shown to nobody, until a binding covers their instant or they expire.

use std::collections::HashMap;
use std::time::Duration;

use diesel::dsl::{count_star, max, min};
use diesel::prelude::*;
use uuid::Uuid;

use crate::db::conn::{literally, on};
use crate::db::error::{Error, Result};
use crate::db::schema::quarantine;
use crate::db::tx::act::Act;
use crate::db::tx::{Tx, View};
use crate::keys::Subject;
use crate::patients::keyed::Keyed;
use crate::readings::quarantine::{self as set_aside, Aside, Item, Raw, columns, opened};
use crate::readings::receipt::ReceiptRef;
use domain::time::civil::Window;
use domain::{DeviceId, Instant, Reading, Signal, Withdrawal};

/// The reason code.
pub(crate) const NOT_BOUND: &str = "E_NOT_BOUND";

/// The outcome for an item that its source withdrew.
const WITHDRAWN: &str = "withdrawn";
/// The outcome for an item that its source corrected.
const CORRECTED: &str = "corrected";

/// Instants in one query: SQLite binds 32,766 at most.
const AT_ONCE: usize = 8_192;

/// The most values of one instant that count as readings of one device.
const SAME_INSTANT: usize = 1_024;

/// What waits for a device in one signal. It holds no value: there is nobody who could permit a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Of what.
    pub signal: Signal,
    /// How many.
    pub readings: i64,
    /// When the first was measured.
    pub from: Instant,
    /// When the last was measured.
    pub to: Instant,
    /// When the first of them goes.
    pub expires_at: Instant,
}

macro_rules! of {
    ($device_key:expr, $from:expr, $to:expr) => {
        quarantine::device_key
            .eq($device_key)
            .and(quarantine::patient_key.is_null().and(quarantine::decided_at.is_null()))
            .and(quarantine::at.ge($from.micros()).and(quarantine::at.lt($to.micros())))
            .and(quarantine::signal.is_not_null())
    };
}

/// What waits for a device, by signal.
///
/// # Errors
/// Database errors.
pub fn of_device(view: &mut View<'_>, device_key: i64) -> Result<Vec<Waiting>> {
    type Row = (Option<i16>, i64, Option<i64>, Option<i64>, Option<i64>);
    let rows: Vec<Row> = quarantine::table
        .filter(of!(device_key, Instant::MIN, Instant::MAX))
        .group_by(quarantine::signal)
        .order(quarantine::signal)
        .select((
            quarantine::signal,
            count_star(),
            min(quarantine::at),
            max(quarantine::at),
            min(quarantine::expires_at),
        ))
        .load(view.conn)?;
    let read = |(signal, readings, from, to, expires_at): Row| {
        Some(Waiting {
            signal: Signal::from_code(signal?)?,
            readings,
            from: Instant::from_micros(from?),
            to: Instant::from_micros(to?),
            expires_at: Instant::from_micros(expires_at?),
        })
    };
    rows.into_iter().map(|row| read(row).ok_or(Error::corrupt("quarantine.signal"))).collect()
}

/// The identities among these that wait.
pub(crate) fn waiting(
    view: &mut View<'_>,
    device_key: i64,
    identities: &[(Signal, Instant)],
) -> Result<Vec<(Signal, Instant)>> {
    let mut out = Vec::new();
    for identities in identities.chunks(AT_ONCE) {
        let instants: Vec<i64> = identities.iter().map(|(_, at)| at.micros()).collect();
        let query = quarantine::table
            .filter(of!(device_key, Instant::MIN, Instant::MAX))
            .filter(quarantine::at.eq_any(instants))
            .select((quarantine::signal, quarantine::at));
        let rows: Vec<(Option<i16>, Option<i64>)> = on!(&mut *view.conn, |c| query.load(c))?;
        let read = |(signal, at): (Option<i16>, Option<i64>)| {
            Some((Signal::from_code(signal?)?, Instant::from_micros(at?)))
        };
        out.extend(rows.into_iter().filter_map(read));
    }
    Ok(out)
}

/// How many wait that were measured in a window, counted up to `most`.
pub(crate) fn count(view: &mut View<'_>, device_key: i64, within: Window, most: i64) -> Result<usize> {
    let found: Vec<i64> = quarantine::table
        .filter(of!(device_key, within.from, within.to))
        .limit(most)
        .select(quarantine::device_key)
        .load(view.conn)?;
    Ok(found.len())
}

/// The first signal after `after` in which something waits.
pub(crate) fn next_signal(
    view: &mut View<'_>,
    device_key: i64,
    within: Window,
    after: Option<Signal>,
) -> Result<Option<Signal>> {
    let code: Option<i16> = quarantine::table
        .filter(of!(device_key, within.from, within.to))
        .filter(quarantine::signal.gt(after.map_or(i16::MIN, Signal::code)))
        .select(min(quarantine::signal))
        .first(view.conn)?;
    code.map(|code| Signal::from_code(code).ok_or(Error::corrupt("quarantine.signal"))).transpose()
}

/// The first items that wait in one signal, ascending.
pub(crate) fn first(
    view: &mut View<'_>,
    device_key: i64,
    signal: Signal,
    within: Window,
    most: usize,
) -> Result<Vec<Item>> {
    let rows: Vec<Raw> = quarantine::table
        .filter(of!(device_key, within.from, within.to))
        .filter(quarantine::signal.eq(signal.code()))
        .order((quarantine::at, quarantine::id))
        .limit(i64::try_from(most).unwrap_or(i64::MAX))
        .select(columns())
        .load(view.conn)?;
    rows.into_iter().map(|raw| opened(view, raw)).collect()
}

/// As [`first`], with all items of the last instant, those of one instant in the order of their commits, and the
/// instant to go on from; `None`: this is the end.
pub(crate) fn stretch(
    view: &mut View<'_>,
    device_key: i64,
    signal: Signal,
    within: Window,
    most: usize,
) -> Result<(Vec<Item>, Option<Instant>)> {
    let mut items = first(view, device_key, signal, within, most)?;
    let last = items.last().and_then(|item| item.reading).map(|reading| reading.at);
    let on = last.filter(|_| items.len() == most).map(|last| (last, last.plus(Duration::from_micros(1))));
    if let Some((last, on)) = on {
        items.retain(|item| item.reading.is_some_and(|reading| reading.at < last));
        items.extend(first(view, device_key, signal, Window { from: last, to: on }, SAME_INSTANT)?);
    }
    items.sort_by_key(|item| (item.names.map(|(_, at)| at), item.received.stored()));
    Ok((items, on.map(|(_, on)| on)))
}

/// One instant and no other.
fn instant(at: Instant) -> Window {
    Window { from: at, to: at.plus(Duration::from_micros(1)) }
}

/// Marks items as given to somebody.
pub(crate) fn released(tx: &mut Tx<'_>, items: &[&Item]) -> Result<()> {
    decided(tx, items.iter().map(|item| item.id), "released")
}

fn decided(tx: &mut Tx<'_>, ids: impl Iterator<Item = Uuid>, decision: &str) -> Result<()> {
    let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
    let decided = (
        quarantine::decided_at.eq(tx.now().micros()),
        quarantine::decision.eq(decision),
        quarantine::decided_by.eq(tx.actor().name()),
    );
    if ids.is_empty() {
        return Ok(());
    }
    let decided = diesel::update(quarantine::table.filter(quarantine::id.eq_any(ids))).set(decided);
    on!(&mut *tx.conn, |c| decided.execute(c))?;
    Ok(())
}

/// Withdraws a source's own items that wait: they are given to nobody. Returns how many values there were. A withdrawal
/// that names a value covers that value only, and none that came after it.
pub(crate) fn take_back(
    tx: &mut Tx<'_>,
    device: Keyed<DeviceId>,
    what: &Withdrawal,
    received: ReceiptRef,
) -> Result<usize> {
    let mut waiting = first(tx, device.key, what.signal, instant(what.at), SAME_INSTANT)?;
    waiting.retain(|item| {
        let names = |reading: Reading| what.value.is_none_or(|was| was.says_the_same(&reading));
        !item.received.is_after(received) && item.reading.is_some_and(names)
    });
    decided(tx, waiting.iter().map(|item| item.id), WITHDRAWN)?;
    if !waiting.is_empty() {
        log_taken_back(tx, device.id, what)?;
    }
    Ok(waiting.len())
}

/// The same for a reading that is about to wait: it stays withdrawn wherever it goes.
pub(crate) fn take_back_ahead(
    tx: &mut Tx<'_>,
    device: Keyed<DeviceId>,
    what: &Withdrawal,
    received: ReceiptRef,
) -> Result<()> {
    let aside = Aside {
        patient: None,
        device_key: device.key,
        subject: Subject::Device(device.id),
        reason: NOT_BOUND,
        received,
        reading: what.value,
        names: Some((what.signal, what.at)),
        payload: None,
    };
    let id = set_aside::insert(tx, &aside)?;
    decided(tx, std::iter::once(id), WITHDRAWN)?;
    log_taken_back(tx, device.id, what)
}

/// Corrects a source's own items that wait: the new value waits in place of the earlier ones. Returns whether there
/// were any.
pub(crate) fn put_right(
    tx: &mut Tx<'_>,
    device: Keyed<DeviceId>,
    reading: Reading,
    received: ReceiptRef,
) -> Result<bool> {
    let mut waiting = first(tx, device.key, reading.signal, instant(reading.at), SAME_INSTANT)?;
    waiting.retain(|item| !item.received.is_after(received));
    if waiting.is_empty() {
        return Ok(false);
    }
    decided(tx, waiting.iter().map(|item| item.id), CORRECTED)?;
    let body = serde_json::json!({ "device": device.id, "signal": reading.signal.name(), "at": reading.at });
    tx.audit(&Act::new("quarantine.discarded").code(CORRECTED).body(body))?;
    wait(tx, device, &[reading], received)?;
    Ok(true)
}

/// Sets aside readings of a device that belong to nobody, or to somebody not known yet.
pub(crate) fn wait(
    tx: &mut Tx<'_>,
    device: Keyed<DeviceId>,
    readings: &[Reading],
    received: ReceiptRef,
) -> Result<()> {
    let aside = |reading: &Reading| Aside {
        patient: None,
        device_key: device.key,
        subject: Subject::Device(device.id),
        reason: NOT_BOUND,
        received,
        reading: Some(*reading),
        names: None,
        payload: None,
    };
    set_aside::insert_many(tx, &readings.iter().map(aside).collect::<Vec<_>>()).map(drop)
}

fn log_taken_back(tx: &mut Tx<'_>, device: DeviceId, what: &Withdrawal) -> Result<()> {
    let body = serde_json::json!({ "device": device, "signal": what.signal.name(), "at": what.at });
    tx.audit(&Act::new("quarantine.discarded").code(WITHDRAWN).body(body))
}

/// A withdrawal made while the device was nobody's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Back {
    /// The value, where one was stated.
    pub was: Option<Reading>,
    /// The message that says so, or that brought what was taken back.
    pub received: ReceiptRef,
}

/// The withdrawals made while the device was nobody's, for what it measured at these instants.
pub(crate) fn taken_back(
    view: &mut View<'_>,
    device_key: i64,
    instants: &[i64],
) -> Result<HashMap<(Signal, Instant), Vec<Back>>> {
    let query = quarantine::table
        .filter(quarantine::device_key.eq(device_key).and(quarantine::at.eq_any(instants)))
        .filter(literally("quarantine.decision = 'withdrawn'"))
        .select(columns());
    let rows: Vec<Raw> = on!(&mut *view.conn, |c| query.load(c))?;
    let mut out: HashMap<(Signal, Instant), Vec<Back>> = HashMap::new();
    for raw in rows {
        let (signal, at) = (raw.3.and_then(Signal::from_code), raw.5.map(Instant::from_micros));
        if let (Some(signal), Some(at)) = (signal, at) {
            let Item { reading: was, received, .. } = opened(view, raw)?;
            out.entry((signal, at)).or_default().push(Back { was, received });
        }
    }
    Ok(out)
}
