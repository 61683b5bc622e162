//! Which device measures which patient, and when: spans that never overlap for a device, so that no reading
//! is ever attributed to two people.

use std::time::Duration;

use diesel::prelude::*;

use super::moves;
use super::wearer::Wearer;
use crate::db::conn::on;
use crate::db::error::{Error, Result};
use crate::db::page::{Ask, Cursor, Page};
use crate::db::schema::{bindings, devices, patients, wearers};
use crate::db::turn;
use crate::db::tx::Touched;
use crate::kpis::facts::{append, staff};
use crate::patients::audience::Audience;
use crate::privacy::withdrawals::{self, Withdrawal};
use crate::{Act, Tx, View};
use domain::kpis::{Amount, Fact, Kind};
use domain::time::civil::Window;
use domain::{BindingId, DeviceId, Instant, PatientId};

/// One device at one patient for one span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The id.
    pub id: BindingId,
    /// The device.
    pub device: DeviceId,
    /// The device's number.
    pub device_key: i64,
    /// The patient.
    pub patient: PatientId,
    /// The patient's number.
    pub patient_key: i64,
    /// From when, inclusive.
    pub from: Instant,
    /// Until when, exclusive; `None`: still.
    pub to: Option<Instant>,
    /// Whether it is the patient's preferred source.
    pub preferred: bool,
}

impl Binding {
    pub(super) const fn wearer(&self) -> Wearer {
        Wearer { device_key: self.device_key, patient_key: self.patient_key }
    }
}

type Row = (String, i64, i64, i64, Option<i64>, bool, i64, String, String);

fn read((id, device_key, patient_key, from, to, preferred, _, device, patient): Row) -> Result<Binding> {
    Ok(Binding {
        id: id.parse().map_err(|_not_an_id| Error::corrupt("bindings.id").in_row(&id))?,
        device: device.parse().map_err(|_not_an_id| Error::corrupt("devices.id").in_row(device_key))?,
        device_key,
        patient: patient.parse().map_err(|_not_an_id| Error::corrupt("patients.id").in_row(patient_key))?,
        patient_key,
        from: Instant::from_micros(from),
        to: to.map(Instant::from_micros),
        preferred,
    })
}

macro_rules! rows {
    () => {
        bindings::table
            .inner_join(devices::table.on(devices::key.eq(bindings::device_key)))
            .inner_join(patients::table.on(patients::key.eq(bindings::patient_key)))
            .select((
                bindings::id,
                bindings::device_key,
                bindings::patient_key,
                bindings::from_at,
                bindings::to_at,
                bindings::preferred,
                bindings::created_at,
                devices::id,
                patients::id,
            ))
    };
}

/// How far ahead the clock of whoever sets a binding may be; the same bound as for readings.
const AHEAD: Duration = Duration::from_secs(300);

/// Bindings begin and end on whole milliseconds, as they are shown, so that an instant taken from an answer can be sent
/// back unchanged.
const fn whole(at: Instant) -> Instant {
    Instant::from_millis(at.millis())
}

/// Binds a device to a patient from an instant on. With `preferred` the patient's other devices step back. Readings
/// that the device took from then on while it was nobody's are given to the patient. If the patient wears it already,
/// from a later instant, the binding is extended backwards.
///
/// # Errors
/// [`Error::Conflict`] when somebody else has or later had the device, or `from` lies ahead: a mistyped year would lock
/// the device until then; [`Error::NotFound`]; database errors.
pub fn bind(
    tx: &mut Tx<'_>,
    device: DeviceId,
    patient: PatientId,
    from: Instant,
    preferred: bool,
) -> Result<Binding> {
    // Readings in flight see the binding, or were committed before it.
    turn::take(tx)?;
    let from = whole(from);
    if from > tx.now().plus(AHEAD) {
        return Err(Error::Conflict(
            "a binding begins when the device is put on: its beginning cannot lie ahead",
        ));
    }
    let device_key = super::lock(tx, device)?;
    let patient_key = crate::patients::key_of(tx, patient)?;
    match beyond(tx, device_key, from)?.as_slice() {
        [] => {}
        [worn] if worn.patient_key == patient_key && worn.to.is_none() && from < worn.from => {
            return begin_earlier(tx, worn, from);
        }
        _ => {
            return Err(Error::Conflict(
                "the device is bound in that span: unbind it first, or bind it later",
            ));
        }
    }
    if preferred {
        let open = bindings::patient_key.eq(patient_key).and(bindings::to_at.is_null());
        diesel::update(bindings::table.filter(open)).set(bindings::preferred.eq(false)).execute(tx.conn)?;
    }
    let id = BindingId::new(tx.now());
    diesel::insert_into(bindings::table)
        .values((
            bindings::id.eq(id.to_string()),
            bindings::device_key.eq(device_key),
            bindings::patient_key.eq(patient_key),
            bindings::from_at.eq(from.micros()),
            bindings::preferred.eq(preferred),
            bindings::created_at.eq(tx.now().micros()),
        ))
        .execute(tx.conn)?;
    worn(tx, device_key, patient_key)?;
    let binding = Binding { id, device, device_key, patient, patient_key, from, to: None, preferred };
    moves::give(tx, &binding)?;
    changed(tx, "device.bound", &binding)?;
    append(tx, fact(tx, Kind::DeviceBound, &binding));
    Ok(binding)
}

/// Remembers that a device was once this patient's, whatever becomes of the binding: receipts until then are signed
/// under the patient's key.
fn worn(tx: &mut Tx<'_>, device_key: i64, patient_key: i64) -> Result<()> {
    let row = (wearers::device_key.eq(device_key), wearers::patient_key.eq(patient_key));
    on!(&mut *tx.conn, |c| diesel::insert_into(wearers::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

/// The bindings of a device that reach beyond an instant.
fn beyond(view: &mut View<'_>, device_key: i64, at: Instant) -> Result<Vec<Binding>> {
    let reach = bindings::to_at.is_null().or(bindings::to_at.gt(at.micros()));
    let rows: Vec<Row> = rows!()
        .filter(bindings::device_key.eq(device_key).and(reach))
        .order((bindings::from_at, bindings::id))
        .limit(2)
        .load(view.conn)?;
    rows.into_iter().map(read).collect()
}

/// Extends a binding backwards: the patient put the device on earlier than was recorded.
fn begin_earlier(tx: &mut Tx<'_>, worn: &Binding, from: Instant) -> Result<Binding> {
    let row = bindings::table.find(worn.id.to_string());
    diesel::update(row).set(bindings::from_at.eq(from.micros())).execute(tx.conn)?;
    moves::give(tx, &Binding { from, to: Some(worn.from), ..worn.clone() })?;
    let binding = Binding { from, ..worn.clone() };
    changed(tx, "device.bound", &binding)?;
    Ok(binding)
}

/// Ends a device's binding at an instant: the binding of the patient named; else the open one, one whose recorded end
/// lies ahead, or the last one if it ended earlier than was recorded. Later readings are no longer the patient's. A
/// binding that would end where it begins is deleted.
///
/// # Errors
/// [`Error::NotFound`] when it has none; [`Error::Conflict`] when the patient named does not have it, or when `at` is
/// before its beginning or lies ahead: a mistyped year would leave the next wearer's readings with this patient.
pub fn unbind(tx: &mut Tx<'_>, device: DeviceId, of: Option<PatientId>, at: Instant) -> Result<Binding> {
    turn::take(tx)?;
    let (now, device_key) = (tx.now(), super::lock(tx, device)?);
    let (binding, at) = ending(tx, device_key, of, at, now)?;
    let row = bindings::table.find(binding.id.to_string());
    if at == binding.from {
        diesel::delete(row).execute(tx.conn)?;
    } else {
        diesel::update(row).set(bindings::to_at.eq(Some(at.micros()))).execute(tx.conn)?;
    }
    moves::take(tx, &binding, Window { from: at, to: binding.to.unwrap_or(Instant::MAX) })?;
    let binding = Binding { to: Some(at), ..binding };
    withdrawals::note(tx, &Withdrawal::Binding { device, patient: Some(binding.patient), at })?;
    changed(tx, "device.unbound", &binding)?;
    append(tx, fact(tx, Kind::DeviceUnbound, &binding).amounting(Amount::took(at.since(binding.from))));
    Ok(binding)
}

/// A binding begins and ends once for figures: its corrections are the same occurrence.
fn fact(tx: &Tx<'_>, kind: Kind, binding: &Binding) -> Fact {
    Fact::new(kind, binding.id, 0, tx.now()).of(Some(binding.patient)).by(staff(tx))
}

/// The patient whom a device measured at an instant.
///
/// # Errors
/// Database errors.
pub fn at(view: &mut View<'_>, device_key: i64, instant: Instant) -> Result<Option<Binding>> {
    let at = instant.micros();
    let row: Option<Row> = rows!()
        .filter(bindings::device_key.eq(device_key).and(bindings::from_at.le(at)))
        .filter(bindings::to_at.is_null().or(bindings::to_at.gt(at)))
        .get_result(view.conn)
        .optional()?;
    row.map(read).transpose()
}

/// The binding that [`unbind`] would end at `at`, and the instant as it would be stored: the first binding of the
/// patient named that reaches beyond `at`; with no patient named, the open one, else the last if it reaches beyond.
///
/// # Errors
/// As [`unbind`].
pub fn ending(
    view: &mut View<'_>,
    device_key: i64,
    of: Option<PatientId>,
    at: Instant,
    now: Instant,
) -> Result<(Binding, Instant)> {
    let at = whole(at);
    if at > now.plus(AHEAD) {
        return Err(Error::Conflict("a binding ends when it is over: its end cannot lie ahead"));
    }
    let binding = meant(view, device_key, of, at, now)?.ok_or(match of {
        Some(_other) => Error::Conflict("the device is not at that patient then: look at its bindings again"),
        None => Error::NotFound("open binding"),
    })?;
    if at < binding.from {
        return Err(Error::Conflict("a binding does not end before it begins"));
    }
    Ok((binding, at))
}

fn meant(
    view: &mut View<'_>,
    device_key: i64,
    of: Option<PatientId>,
    at: Instant,
    now: Instant,
) -> Result<Option<Binding>> {
    if let Some(patient) = of {
        let reach = bindings::to_at.is_null().or(bindings::to_at.gt(at.micros()));
        let theirs = patients::id.eq(patient.to_string()).and(bindings::device_key.eq(device_key));
        let last: Option<Row> =
            rows!().filter(theirs.and(reach)).order(bindings::from_at).first(view.conn).optional()?;
        return last.map(read).transpose();
    }
    let of_device = rows!().filter(bindings::device_key.eq(device_key));
    let lasts = bindings::to_at.is_null().or(bindings::to_at.gt(now.micros()));
    let lasting: Option<Row> =
        of_device.filter(lasts).order(bindings::from_at).first(view.conn).optional()?;
    if lasting.is_some() {
        return lasting.map(read).transpose();
    }
    let last: Option<Row> = of_device.order(bindings::from_at.desc()).first(view.conn).optional()?;
    let last = last.map(read).transpose()?;
    Ok(last.filter(|last| last.to.is_some_and(|to| at < to)))
}

/// The patient whom a device measures now.
///
/// # Errors
/// Database errors.
pub fn open_of_device(view: &mut View<'_>, device_key: i64) -> Result<Option<Binding>> {
    let open = bindings::device_key.eq(device_key).and(bindings::to_at.is_null());
    let row: Option<Row> = rows!().filter(open).get_result(view.conn).optional()?;
    row.map(read).transpose()
}

/// Every binding that a device ever had with patients of an audience, oldest first.
///
/// # Errors
/// Database errors.
pub fn of_device(view: &mut View<'_>, audience: &Audience, device_key: i64) -> Result<Vec<Binding>> {
    let mut rows = rows!()
        .filter(bindings::device_key.eq(device_key))
        .order((bindings::from_at, bindings::id))
        .into_boxed();
    if let Some(within) = audience.within("bindings.patient_key") {
        rows = rows.filter(within);
    }
    rows.load::<Row>(view.conn)?.into_iter().map(read).collect()
}

/// The devices at a patient now: the preferred source first, then the first bound.
///
/// # Errors
/// Database errors.
pub fn open_of_patient(view: &mut View<'_>, patient_key: i64) -> Result<Vec<Binding>> {
    let rows: Vec<Row> = rows!()
        .filter(bindings::patient_key.eq(patient_key).and(bindings::to_at.is_null()))
        .order((bindings::preferred.desc(), bindings::from_at, bindings::id))
        .load(view.conn)?;
    rows.into_iter().map(read).collect()
}

/// A patient's bindings that reach beyond an instant.
pub(crate) fn since(view: &mut View<'_>, patient_key: i64, at: Instant) -> Result<Vec<Binding>> {
    let reach = bindings::to_at.is_null().or(bindings::to_at.gt(at.micros()));
    let rows: Vec<Row> = rows!()
        .filter(bindings::patient_key.eq(patient_key).and(reach))
        .order((bindings::from_at, bindings::id))
        .load(view.conn)?;
    rows.into_iter().map(read).collect()
}

/// Whose bindings are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// A patient's.
    Patient(PatientId),
    /// A device's.
    Device(DeviceId),
}

/// Bindings of a patient or a device in the order in which they were made.
///
/// # Errors
/// Database errors.
pub fn page(view: &mut View<'_>, of: Of, ask: &Ask) -> Result<Page<Binding>> {
    let Cursor { at, id } = &ask.after;
    let rows = rows!()
        .filter(bindings::created_at.ge(at).and(bindings::created_at.gt(at).or(bindings::id.gt(id))))
        .order((bindings::created_at, bindings::id))
        .limit(ask.reach());
    let rows: Vec<Row> = match of {
        Of::Patient(patient) => rows.filter(patients::id.eq(patient.to_string())).load(view.conn)?,
        Of::Device(device) => rows.filter(devices::id.eq(device.to_string())).load(view.conn)?,
    };
    Page::of(rows, ask, |row| Cursor { at: row.6, id: row.0.clone() }).try_map(read)
}

fn changed(tx: &mut Tx<'_>, kind: &'static str, binding: &Binding) -> Result<()> {
    let body = serde_json::json!({
        "binding": binding.id, "device": binding.device, "from": binding.from, "to": binding.to,
        "preferred": binding.preferred,
    });
    tx.audit(&Act::new(kind).patient(binding.patient).body(body))?;
    tx.signal("device.changed", binding.device)?;
    tx.signal("patient.changed", binding.patient)?;
    tx.touch(Touched::Device(binding.device_key));
    tx.touch(Touched::Patient(binding.patient_key));
    Ok(())
}
