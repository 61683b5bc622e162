//! The stored rows of the consent ledger: one for each patient and purpose, the fold of its events. A row is locked
//! where a change or a write of readings relies on it.

use consent::{Ledger, Purpose, Record, State};
use diesel::prelude::*;

use super::supersessions;
use crate::db::conn::Conn;
use crate::db::error::InRow;
use crate::db::error::{Error, Result};
use crate::db::schema::consents;
use crate::db::turn;
use crate::db::turn::locks::Lock;
use crate::{Tx, View};

#[derive(Queryable, Selectable)]
#[diesel(table_name = consents)]
struct Row {
    patient_key: i64,
    purpose: String,
    state: String,
    previous: Option<String>,
    epoch: i64,
    term_sha256: Option<Vec<u8>>,
    valid_from: i64,
    valid_until: Option<i64>,
    measured_from: i64,
    first_granted_at: Option<i64>,
    scope: String,
    pending: String,
    guardian: bool,
    updated_at: i64,
}

impl Row {
    fn read(self) -> Result<(i64, Record)> {
        let row = format!("{}:{}", self.patient_key, self.purpose);
        self.parse().in_row(row)
    }

    fn parse(self) -> Result<(i64, Record)> {
        let state = |name: &str| State::parse(name).ok_or(Error::corrupt("consents.state"));
        let term = self.term_sha256.map(|hash| <[u8; 32]>::try_from(hash.as_slice())).transpose();
        let record = Record {
            purpose: Purpose::parse(&self.purpose).ok_or(Error::corrupt("consents.purpose"))?,
            state: state(&self.state)?,
            previous: self.previous.as_deref().map(state).transpose()?,
            epoch: self.epoch,
            since: self.updated_at,
            term_sha256: term.map_err(|_length| Error::corrupt("consents.term_sha256"))?,
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            measured_from: self.measured_from,
            first_granted_at: self.first_granted_at,
            scope: serde_json::from_str(&self.scope).map_err(|_shape| Error::corrupt("consents.scope"))?,
            pending: consent::Change::parse(&self.pending).ok_or(Error::corrupt("consents.pending"))?,
            guardian: self.guardian,
        };
        Ok((self.patient_key, record))
    }
}

/// A patient's consents now, for all purposes at once.
///
/// # Errors
/// Database errors.
pub fn of(view: &mut View<'_>, patient_key: i64) -> Result<Ledger> {
    let rows = rows_of(view, patient_key)?;
    Ok(Ledger::of(supersessions::heeded(view, rows)?.into_iter().map(|(_, record)| record)))
}

/// The rows as the patient's events left them, without what a heavier text is still to make of a grant.
///
/// # Errors
/// Database errors.
pub(crate) fn stored(view: &mut View<'_>, patient_key: i64) -> Result<Ledger> {
    Ok(Ledger::of(rows_of(view, patient_key)?.into_iter().map(|(_, record)| record)))
}

fn rows_of(view: &mut View<'_>, patient_key: i64) -> Result<Vec<(i64, Record)>> {
    let rows: Vec<Row> = consents::table
        .filter(consents::patient_key.eq(patient_key))
        .select(Row::as_select())
        .load(view.conn)?;
    rows.into_iter().map(Row::read).collect()
}

/// The patients among these whose row for a purpose is in a state now.
///
/// # Errors
/// Database errors.
pub fn those_in(view: &mut View<'_>, keys: &[i64], purpose: Purpose, state: State) -> Result<Vec<i64>> {
    let rows: Vec<Row> = consents::table
        .filter(consents::patient_key.eq_any(keys.to_vec()).and(consents::purpose.eq(purpose.as_str())))
        .select(Row::as_select())
        .load(view.conn)?;
    let rows = rows.into_iter().map(Row::read).collect::<Result<Vec<_>>>()?;
    let rows = supersessions::heeded(view, rows)?;
    Ok(rows.into_iter().filter(|(_, record)| record.state == state).map(|(key, _)| key).collect())
}

/// The rows that stand in one of `states` for a purpose now, by patient.
///
/// # Errors
/// Database errors.
pub fn in_state(view: &mut View<'_>, purpose: Purpose, states: &[State]) -> Result<Vec<(i64, Record)>> {
    let names: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
    let rows: Vec<Row> = consents::table
        .filter(consents::purpose.eq(purpose.as_str()).and(consents::state.eq_any(names)))
        .order(consents::patient_key)
        .select(Row::as_select())
        .load(view.conn)?;
    let rows = rows.into_iter().map(Row::read).collect::<Result<Vec<_>>>()?;
    let mut rows = supersessions::heeded(view, rows)?;
    rows.retain(|(_, record)| states.contains(&record.state));
    Ok(rows)
}

/// Patients after a key whose row for a purpose stands in one of `states` and names none of these texts.
///
/// # Errors
/// Database errors.
pub(crate) fn standing(
    view: &mut View<'_>,
    purpose: Purpose,
    but: &[Vec<u8>],
    after: i64,
    limit: usize,
    states: &[State],
) -> Result<Vec<i64>> {
    let names: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
    Ok(consents::table
        .filter(consents::purpose.eq(purpose.as_str()).and(consents::state.eq_any(names)))
        .filter(consents::patient_key.gt(after))
        .filter(consents::term_sha256.is_null().or(consents::term_sha256.ne_all(but.to_vec())))
        .order(consents::patient_key)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(consents::patient_key)
        .load(view.conn)?)
}

/// Rows whose period has ended while they still stand, at most so many.
///
/// # Errors
/// Database errors.
pub fn due(view: &mut View<'_>, now: domain::Instant, limit: usize) -> Result<Vec<(i64, Record)>> {
    let standing = [State::Granted.as_str(), State::Suspended.as_str()];
    let rows: Vec<Row> = consents::table
        .filter(consents::state.eq_any(standing).and(consents::valid_until.le(now.micros())))
        .order(consents::valid_until)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(Row::as_select())
        .load(view.conn)?;
    let mut due = rows.into_iter().map(Row::read).collect::<Result<Vec<_>>>()?;
    // The order in which consents are locked.
    due.sort_by(|(a, one), (b, other)| (a, one.purpose.as_str()).cmp(&(b, other.purpose.as_str())));
    Ok(due)
}

/// Locks and reads the rows of these patients for these purposes, in the order of keys, under the turn until the
/// transaction ends (PostgreSQL: FOR SHARE; on SQLite there is one writer). A revocation waits for this transaction, or
/// this transaction sees the revocation. A missing consent is absent, and so denies.
///
/// # Errors
/// Database errors.
pub(crate) fn lock_for_share(
    tx: &mut Tx<'_>,
    patients: &[i64],
    purposes: &[Purpose],
) -> Result<Vec<(i64, Record)>> {
    turn::share(tx)?;
    patients.iter().for_each(|key| tx.lock(Lock::Consents(*key)));
    let names: Vec<&str> = purposes.iter().map(|purpose| purpose.as_str()).collect();
    let rows = consents::table
        .filter(consents::patient_key.eq_any(patients).and(consents::purpose.eq_any(names)))
        .order((consents::patient_key, consents::purpose));
    let rows: Vec<Row> = match &mut *tx.conn {
        Conn::Pg(conn) => rows.for_share().select(Row::as_select()).load(conn)?,
        Conn::Sqlite(conn) => rows.select(Row::as_select()).load(conn)?,
    };
    let rows = rows.into_iter().map(Row::read).collect::<Result<Vec<_>>>()?;
    supersessions::heeded(tx, rows)
}

/// Locks and reads one row for a change.
pub(crate) fn lock(tx: &mut Tx<'_>, patient_key: i64, purpose: Purpose) -> Result<Option<Record>> {
    tx.lock(Lock::Consents(patient_key));
    let row = consents::table.find((patient_key, purpose.as_str()));
    let row: Option<Row> = match &mut *tx.conn {
        Conn::Pg(conn) => row.for_update().select(Row::as_select()).get_result(conn).optional()?,
        Conn::Sqlite(conn) => row.select(Row::as_select()).get_result(conn).optional()?,
    };
    Ok(row.map(Row::read).transpose()?.map(|(_, record)| record))
}

/// Replaces the row. If another transaction inserted the first row meanwhile, this one fails.
pub(crate) fn put(tx: &mut Tx<'_>, patient_key: i64, record: &Record) -> Result<()> {
    let scope = serde_json::to_string(&record.scope).map_err(|_shape| Error::corrupt("a scope"))?;
    let values = (
        consents::state.eq(record.state.as_str()),
        consents::previous.eq(record.previous.map(State::as_str)),
        consents::epoch.eq(record.epoch),
        consents::term_sha256.eq(record.term_sha256.as_ref().map(<[u8; 32]>::as_slice)),
        consents::valid_from.eq(record.valid_from),
        consents::valid_until.eq(record.valid_until),
        consents::measured_from.eq(record.measured_from),
        consents::first_granted_at.eq(record.first_granted_at),
        consents::scope.eq(scope),
        consents::pending.eq(record.pending.as_str()),
        consents::guardian.eq(record.guardian),
        consents::updated_at.eq(record.since),
    );
    let key = (consents::patient_key.eq(patient_key), consents::purpose.eq(record.purpose.as_str()));
    if record.epoch == 1 {
        diesel::insert_into(consents::table).values((key, values)).execute(tx.conn)?;
        return Ok(());
    }
    let target = consents::table.find((patient_key, record.purpose.as_str()));
    let changed = diesel::update(target).set(values).execute(tx.conn)?;
    if changed == 1 { Ok(()) } else { Err(Error::NotFound("consent")) }
}
