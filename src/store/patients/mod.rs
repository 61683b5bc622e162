//! Patients: who they are is sealed, found by CPF or CNS through blind indexes; a number stands for them in
//! telemetry.

pub mod audience;
pub mod changes;
pub(crate) mod keyed;
mod registration;

use diesel::prelude::*;

use crate::View;
use crate::db::conn::Conn;
use crate::db::error::{Error, Result};
use crate::db::page::{Ask, Cursor, Page};
use crate::db::schema::patients;
use crate::keys::seal::{Broken, Place};
use audience::{Audience, Requested};
use domain::{Cns, Cpf, Instant, PatientId, PatientIdentity, age_band};
pub use registration::{Details, block, insert, update};

/// A patient as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patient {
    /// The number that telemetry carries.
    pub key: i64,
    /// The id outside.
    pub id: PatientId,
    /// Who it is; `None` once erased.
    pub identity: Option<PatientIdentity>,
    /// IANA time zone where they live.
    pub zone: String,
    /// BCP 47 language: `pt-BR` or `en`.
    pub language: String,
    /// Since when they are known.
    pub created_at: Instant,
    /// Blocked at their request (LGPD art. 18 IV).
    pub blocked_at: Option<Instant>,
    /// Erased at their request (LGPD art. 18 VI).
    pub erased_at: Option<Instant>,
    /// For If-Match.
    pub version: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = patients)]
struct Row {
    key: i64,
    id: String,
    identity: Vec<u8>,
    zone: String,
    language: String,
    created_at: i64,
    blocked_at: Option<i64>,
    erased_at: Option<i64>,
    version: i64,
}

impl Row {
    fn open(self, view: &mut View<'_>) -> Result<Patient> {
        let identity = opened(view, &self.id, &self.identity)?;
        Ok(Patient {
            key: self.key,
            id: self.id.parse().map_err(|_not_an_id| Error::corrupt("patients.id").in_row(self.key))?,
            identity,
            zone: self.zone,
            language: self.language,
            created_at: Instant::from_micros(self.created_at),
            blocked_at: self.blocked_at.map(Instant::from_micros),
            erased_at: self.erased_at.map(Instant::from_micros),
            version: self.version,
        })
    }
}

/// Who a stored row is; `None` once erased.
pub(crate) fn opened(view: &mut View<'_>, id: &str, sealed: &[u8]) -> Result<Option<PatientIdentity>> {
    match view.open_json(place(id), sealed) {
        Ok(identity) => Ok(Some(identity)),
        Err(Error::Sealed(Broken::KeyDestroyed, _)) => Ok(None),
        Err(other) => Err(other),
    }
}

pub(crate) const fn place(id: &str) -> Place<'_> {
    Place::new("patients", "identity", id)
}

/// The rows of the patients of an audience.
fn rows(audience: &Audience) -> patients::BoxedQuery<'static, <Conn as Connection>::Backend> {
    let rows = patients::table.into_boxed();
    match audience.within("patients.\"key\"") {
        Some(within) => rows.filter(within),
        None => rows,
    }
}

/// A patient of an audience.
///
/// # Errors
/// [`Error::NotFound`] for one who is not there or outside; database errors.
pub fn get(view: &mut View<'_>, audience: &Audience, id: impl Into<Requested<PatientId>>) -> Result<Patient> {
    let id = id.into().as_sent().to_string();
    let row = rows(audience).filter(patients::id.eq(id)).select(Row::as_select()).get_result(view.conn);
    row.optional()?.ok_or(Error::NotFound("patient"))?.open(view)
}

/// The patient of an audience with this CPF, if any.
///
/// # Errors
/// Database errors.
pub fn find_by_cpf(view: &mut View<'_>, audience: &Audience, cpf: &Cpf) -> Result<Option<Patient>> {
    let index = view.blind(CPF, cpf.as_str())?;
    let row =
        rows(audience).filter(patients::cpf_index.eq(index)).select(Row::as_select()).get_result(view.conn);
    row.optional()?.map(|row: Row| row.open(view)).transpose()
}

/// The patient of an audience with this CNS, if any.
///
/// # Errors
/// Database errors.
pub fn find_by_cns(view: &mut View<'_>, audience: &Audience, cns: &Cns) -> Result<Option<Patient>> {
    let index = view.blind(CNS, cns.as_str())?;
    let row =
        rows(audience).filter(patients::cns_index.eq(index)).select(Row::as_select()).get_result(view.conn);
    row.optional()?.map(|row: Row| row.open(view)).transpose()
}

/// The patients of an audience in the order in which they came.
///
/// # Errors
/// Database errors.
pub fn page(view: &mut View<'_>, audience: &Audience, ask: &Ask) -> Result<Page<Patient>> {
    let Cursor { at, id } = &ask.after;
    let found: Vec<Row> = rows(audience)
        .filter(patients::created_at.ge(at).and(patients::created_at.gt(at).or(patients::id.gt(id))))
        .order((patients::created_at, patients::id))
        .limit(ask.reach())
        .select(Row::as_select())
        .load(view.conn)?;
    let page = Page::of(found, ask, |row| Cursor { at: row.created_at, id: row.id.clone() });
    page.try_map(|row| row.open(view))
}

/// How many patients an audience has, counted up to [`crate::db::page::COUNTED`].
///
/// # Errors
/// Database errors.
pub fn count(view: &mut View<'_>, audience: &Audience) -> Result<i64> {
    if audience.is_everybody() {
        return crate::db::page::counted(view, "patients");
    }
    let some = rows(audience).select(patients::key).limit(crate::db::page::COUNTED + 1);
    let some = some.load::<i64>(view.conn)?;
    Ok(i64::try_from(some.len()).unwrap_or(i64::MAX))
}

/// Where the page of `limit` patients of an audience that ends before `place` begins: pass it as [`Ask::after`]. `None`
/// when nothing stands before `place`.
///
/// # Errors
/// Database errors.
pub fn page_before(
    view: &mut View<'_>,
    audience: &Audience,
    place: &Cursor,
    limit: usize,
) -> Result<Option<Cursor>> {
    let Cursor { at, id } = place;
    let before = rows(audience)
        .filter(patients::created_at.le(at).and(patients::created_at.lt(at).or(patients::id.lt(id))))
        .order((patients::created_at.desc(), patients::id.desc()))
        .limit(i64::try_from(limit).unwrap_or(0).saturating_add(1))
        .select((patients::created_at, patients::id))
        .load::<(i64, String)>(view.conn)?;
    Ok(Cursor::beginning(before, limit))
}

/// The number that stands for a patient. Outside of `store` an [`Audience`] gives it.
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub(crate) fn key_of(view: &mut View<'_>, id: PatientId) -> Result<i64> {
    let row =
        patients::table.filter(patients::id.eq(id.to_string())).select(patients::key).get_result(view.conn);
    row.optional()?.ok_or(Error::NotFound("patient"))
}

/// The patient for whom a number stands.
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub fn id_of(view: &mut View<'_>, key: i64) -> Result<PatientId> {
    let row: Option<String> =
        patients::table.find(key).select(patients::id).get_result(view.conn).optional()?;
    row.ok_or(Error::NotFound("patient"))?
        .parse()
        .map_err(|_not_an_id| Error::corrupt("patients.id").in_row(key))
}

/// A patient as the consent decision sees them: never a name, and a child where the birth date is unreadable.
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub fn subject(view: &mut View<'_>, key: i64, now: Instant) -> Result<consent::Subject> {
    let row = patients::table.find(key).select(Row::as_select()).get_result(view.conn).optional()?;
    let patient = row.ok_or(Error::NotFound("patient"))?.open(view)?;
    Ok(consent::Subject {
        age_band: patient.identity.map_or(consent::AgeBand::Child, |who| age_band(who.birth_date, now)),
        blocked: patient.blocked_at.map(|_at| consent::Allowed::Any),
        erased: patient.erased_at.is_some(),
        ..consent::Subject::default()
    })
}

const CPF: &str = "patients.cpf";
const CNS: &str = "patients.cns";

type Indexes = (Option<Vec<u8>>, Option<Vec<u8>>);

fn indexes(view: &mut View<'_>, identity: &PatientIdentity) -> Result<Indexes> {
    let cpf = identity.cpf.as_ref().map(|cpf| view.blind(CPF, cpf.as_str())).transpose()?;
    let cns = identity.cns.as_ref().map(|cns| view.blind(CNS, cns.as_str())).transpose()?;
    Ok((cpf, cns))
}
