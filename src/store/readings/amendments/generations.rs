//! Generations as they are written: those of one transaction go in one statement.

use diesel::prelude::*;
use uuid::Uuid;

use crate::db::conn::on;
use crate::db::error::{Error, Result};
use crate::db::schema::amendments::{self, dsl};
use crate::keys::seal::Place;
use crate::keys::{Class, Subject};
use crate::readings::amendments::{Identity, Sealed, row};
use crate::readings::receipt::ReceiptRef;
use crate::{Conn, Tx};

/// A generation of one reading that is to be written.
pub(in crate::readings) struct New {
    pub identity: Identity,
    pub number: i64,
    pub sealed: Sealed,
    pub received: ReceiptRef,
    /// The quarantined item that it came from or went to; none where the source itself says so.
    pub item: Option<Uuid>,
    /// Whether a value of the patient's ceases to be in force by it.
    pub supersedes: bool,
}

#[derive(Insertable)]
#[diesel(table_name = amendments)]
struct Row {
    patient_key: i64,
    signal: i16,
    at: i64,
    device_key: i64,
    generation: i64,
    received: i64,
    amended_at: i64,
    item: Option<String>,
    sealed: Vec<u8>,
    stands: bool,
    supersedes: bool,
}

impl New {
    fn sealed(&self, tx: &mut Tx<'_>) -> Result<Row> {
        let Identity { patient, signal, at, device_key } = self.identity;
        let name = row(self.identity.series(), at.micros(), device_key, self.number);
        let place = Place::new("amendments", "sealed", &name);
        let sealed = tx.seal_json(Subject::Patient(patient.id), Class::Telemetry, place, &self.sealed)?;
        Ok(Row {
            patient_key: patient.key,
            signal: signal.code(),
            at: at.micros(),
            device_key,
            generation: self.number,
            received: self.received.stored(),
            amended_at: tx.now().micros(),
            item: self.item.map(|id| id.to_string()),
            sealed,
            stands: self.sealed.is_value(),
            supersedes: self.supersedes,
        })
    }
}

/// Writes generations of one series of one device, at most one of an identity.
///
/// # Errors
/// [`Error::Busy`] when another transaction amends one of them at once; database errors; a destroyed key.
pub(in crate::readings) fn write(tx: &mut Tx<'_>, new: &[New]) -> Result<()> {
    let rows: Vec<Row> = new.iter().map(|new| new.sealed(tx)).collect::<Result<_>>()?;
    let Some(first) = rows.first() else { return Ok(()) };
    // What was in force by an earlier one is so no more.
    let later: Vec<i64> = rows.iter().filter(|row| row.generation > 1).map(|row| row.at).collect();
    if !later.is_empty() {
        let series = dsl::patient_key.eq(first.patient_key).and(dsl::signal.eq(first.signal));
        let own =
            series.and(dsl::at.eq_any(later)).and(dsl::device_key.eq(first.device_key)).and(dsl::stands);
        let earlier = diesel::update(dsl::amendments.filter(own)).set(dsl::stands.eq(false));
        on!(&mut *tx.conn, |c| earlier.execute(c))?;
    }
    let written = match &mut *tx.conn {
        Conn::Pg(conn) => {
            diesel::insert_into(dsl::amendments).values(&rows).on_conflict_do_nothing().execute(conn)?
        }
        Conn::Sqlite(conn) => {
            let one = |row: &Row| {
                diesel::insert_into(dsl::amendments).values(row).on_conflict_do_nothing().execute(&mut *conn)
            };
            rows.iter().map(one).sum::<QueryResult<usize>>()?
        }
    };
    if written < rows.len() { Err(Error::Busy) } else { Ok(()) }
}
