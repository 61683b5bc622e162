//! Patients registered, corrected and blocked. What they may answer for themselves may change with it: their
//! consents are settled in the same transaction.

use diesel::prelude::*;

use super::audience::Audience;
use super::changes::{self, Change};
use super::{Patient, get, indexes, key_of, place};
use crate::consents::{basis, permits};
use crate::db::error::{Error, Result};
use crate::db::schema::patients;
use crate::db::turn;
use crate::db::tx::Touched;
use crate::keys::{Class, Subject};
use crate::kpis::facts::{append, staff};
use crate::{Act, Tx};
use domain::kpis::{Fact, Kind};
use domain::{PatientId, PatientIdentity};

/// What is given when a patient is registered or corrected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// Who it is.
    pub identity: PatientIdentity,
    /// IANA time zone.
    pub zone: String,
    /// BCP 47 language.
    pub language: String,
}

/// Registers a patient and makes their keys.
///
/// # Errors
/// [`Error::Conflict`] when another patient has the CPF or the CNS; database errors.
pub fn insert(tx: &mut Tx<'_>, details: &Details) -> Result<Patient> {
    let now = tx.now();
    let id = PatientId::new(now);
    for class in Class::ALL {
        tx.key_or_new(Subject::Patient(id), class)?;
    }
    let text = id.to_string();
    let sealed = tx.seal_json(Subject::Patient(id), Class::Identity, place(&text), &details.identity)?;
    let (cpf, cns) = indexes(tx, &details.identity)?;
    let key: i64 = diesel::insert_into(patients::table)
        .values((
            patients::id.eq(&text),
            patients::identity.eq(sealed),
            patients::cpf_index.eq(cpf),
            patients::cns_index.eq(cns),
            patients::zone.eq(&details.zone),
            patients::language.eq(&details.language),
            patients::created_at.eq(now.micros()),
            patients::version.eq(1_i64),
        ))
        .returning(patients::key)
        .get_result(tx.conn)
        .map_err(twice)?;
    changes::record(tx, key, Change::Registered)?;
    tx.audit(&Act::new("patient.registered").patient(id))?;
    let fact = Fact::new(Kind::PatientRegistered, id, 0, now).of(Some(id)).by(staff(tx));
    append(tx, fact);
    tx.signal("patient.changed", id)?;
    Ok(Patient {
        key,
        id,
        identity: Some(details.identity.clone()),
        zone: details.zone.clone(),
        language: details.language.clone(),
        created_at: now,
        blocked_at: None,
        erased_at: None,
        version: 1,
    })
}

/// Corrects a patient's details (LGPD art. 18 III); `version` is the one the caller saw.
///
/// # Errors
/// [`Error::Stale`] when it changed since, [`Error::NotFound`], [`Error::Conflict`] as for [`insert`].
pub fn update(tx: &mut Tx<'_>, id: PatientId, version: i64, details: &Details) -> Result<Patient> {
    turn::share(tx)?;
    let key = key_of(tx, id)?;
    permits::lock(tx, &[key])?;
    let text = id.to_string();
    let sealed = tx.seal_json(Subject::Patient(id), Class::Identity, place(&text), &details.identity)?;
    let (cpf, cns) = indexes(tx, &details.identity)?;
    let changed =
        diesel::update(patients::table.filter(patients::id.eq(&text).and(patients::version.eq(version))))
            .set((
                patients::identity.eq(sealed),
                patients::cpf_index.eq(cpf),
                patients::cns_index.eq(cns),
                patients::zone.eq(&details.zone),
                patients::language.eq(&details.language),
                patients::version.eq(patients::version + 1),
            ))
            .execute(tx.conn)
            .map_err(twice)?;
    let patient = get(tx, &Audience::program(), id)?;
    if changed == 0 {
        return Err(Error::Stale { current: patient.version });
    }
    changes::record(tx, patient.key, Change::Corrected)?;
    tx.audit(&Act::new("patient.corrected").patient(id))?;
    tx.signal("patient.changed", id)?;
    tx.touch(Touched::Patient(patient.key));
    // A birth date may have changed.
    basis::settle(tx, patient.key)?;
    Ok(patient)
}

/// Blocks a patient's data, or ends the block (LGPD art. 18 IV).
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub fn block(tx: &mut Tx<'_>, id: PatientId, blocked: bool) -> Result<()> {
    turn::take(tx)?;
    let (key, at) = (key_of(tx, id)?, blocked.then_some(tx.now().micros()));
    diesel::update(patients::table.find(key))
        .set((patients::blocked_at.eq(at), patients::version.eq(patients::version + 1)))
        .execute(tx.conn)?;
    changes::record(tx, key, if blocked { Change::Blocked } else { Change::Unblocked })?;
    tx.audit(&Act::new("dsr.answered").patient(id).body(serde_json::json!({ "blocked": blocked })))?;
    tx.signal("patient.changed", id)?;
    tx.touch(Touched::Patient(key));
    basis::settle(tx, key).map(drop)
}

fn twice(error: diesel::result::Error) -> Error {
    match Error::from(error) {
        Error::Conflict(_) => Error::Conflict("another patient has this CPF or CNS"),
        other => other,
    }
}
