//! Patients as the consent decision sees them.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::consents::{ledger, permits};
use crate::db::conn::on;
use crate::db::error::{Error, Result};
use crate::db::schema::patients as people;
use crate::db::tx::Tx;
use crate::patients;
use domain::{PatientId, age_band};

/// Ids in one query: SQLite binds 32,766 at most.
const AT_ONCE: usize = 8_192;

/// A patient as the consent decision sees them.
#[derive(Debug, Clone)]
pub struct PatientRow {
    /// Surrogate key.
    pub key: i64,
    /// Their id.
    pub id: PatientId,
    /// The person, for the decision.
    pub subject: consent::Subject,
    /// What they answered, purpose by purpose.
    pub records: Vec<consent::Record>,
}

impl PatientRow {
    /// The epoch of the consent to collect; 0 when it was never asked.
    #[must_use]
    pub fn epoch(&self) -> i64 {
        let collect = consent::Purpose::TelemetryCollect;
        self.records.iter().find(|row| row.purpose == collect).map_or(0, |row| row.epoch)
    }
}

/// A patient by surrogate key. Locks the consents that the program asks for until the transaction ends.
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub fn patient(tx: &mut Tx<'_>, key: i64) -> Result<PatientRow> {
    patients(tx, &[key])?.pop().ok_or(Error::NotFound("patient"))
}

/// Patients by surrogate key, with one query for all of them and one for their consents, which stay locked until the
/// transaction ends. One who does not exist is absent.
///
/// # Errors
/// Database errors.
pub fn patients(tx: &mut Tx<'_>, keys: &[i64]) -> Result<Vec<PatientRow>> {
    type Raw = (i64, String, Vec<u8>, Option<i64>, Option<i64>);
    let mut out = Vec::with_capacity(keys.len());
    for keys in keys.chunks(AT_ONCE) {
        // Consents first: from here on a block or a revocation waits, so what is read afterwards stays true.
        let mut records: HashMap<i64, Vec<consent::Record>> = HashMap::with_capacity(keys.len());
        for (key, record) in ledger::lock_for_share(tx, keys, &permits::CHAIN)? {
            records.entry(key).or_default().push(record);
        }
        let query = people::table.filter(people::key.eq_any(keys)).select((
            people::key,
            people::id,
            people::identity,
            people::blocked_at,
            people::erased_at,
        ));
        let rows: Vec<Raw> = on!(&mut *tx.conn, |c| query.load(c))?;
        for (key, id, identity, blocked_at, erased_at) in rows {
            let identity = patients::opened(tx, &id, &identity)?;
            let now = tx.now();
            let subject = consent::Subject {
                age_band: identity
                    .map_or(consent::AgeBand::Adult, |identity| age_band(identity.birth_date, now)),
                blocked: blocked_at.map(|_at| consent::Allowed::Any),
                erased: erased_at.is_some(),
                ..consent::Subject::default()
            };
            let id = id.parse().map_err(|_not_an_id| Error::corrupt("patients.id").in_row(key))?;
            out.push(PatientRow { key, id, subject, records: records.remove(&key).unwrap_or_default() });
        }
    }
    Ok(out)
}
