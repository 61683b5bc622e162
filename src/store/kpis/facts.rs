//! Facts, one for each thing that happened, appended in the transaction in which it happened.
//!
//! They are numbered as the last thing before the commit, one transaction after another: whoever has read a number has
//! seen, or can see, all lower ones, so a worker that remembers the last number it read skips none. Facts that are told
//! twice are one. Once a person's identity is erased, in the same transaction nothing in a fact points at them any more.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;

pub use super::reading::{Recorded, Window, page, since};
use crate::db::conn::{AT_ONCE, insert_all, on};
use crate::db::error::{Error, Result};
use crate::db::schema::{facts, patients};
use crate::db::settings;
use crate::db::tx::{Actor, Tx};
use crate::keys::{Class, Subject};
use crate::{Conn, View};
use domain::kpis::{Fact, Kind, Unit};
use domain::time::civil::Zone;
use domain::{Instant, PatientId, Role, UserId};

/// Facts that one transaction of housekeeping unlinks.
const BATCH: i64 = 500;

/// Appends a fact to what the transaction leaves. A site that finds that nothing changed appends none.
pub(crate) fn append(tx: &mut Tx<'_>, fact: Fact) {
    tx.facts.push(fact);
}

/// The person of staff who acts in this transaction; a patient who acts is the fact's patient already.
#[must_use]
pub(crate) fn staff(tx: &Tx<'_>) -> Option<UserId> {
    match tx.actor() {
        Actor::User { id, role } => Role::STAFF.contains(&role).then_some(id),
        Actor::Device(_) | Actor::System(_) | Actor::Operator => None,
    }
}

#[derive(Insertable)]
#[diesel(table_name = facts)]
struct Row {
    kind: &'static str,
    subject: Option<String>,
    occurrence: i64,
    at: i64,
    local_date: String,
    zone: &'static str,
    patient_key: Option<i64>,
    user_id: Option<String>,
    dimensions: String,
    value: Option<i64>,
    counted: Option<i64>,
    unit: Option<&'static str>,
}

impl Row {
    fn of(fact: Fact, zone: Zone, keys: &HashMap<PatientId, i64>) -> Result<Self> {
        let json = serde_json::to_string(&fact.dimensions);
        Ok(Self {
            kind: fact.kind.name(),
            subject: Some(fact.subject),
            occurrence: fact.occurrence,
            at: fact.at.micros(),
            local_date: zone.date(fact.at).to_string(),
            zone: zone.name(),
            patient_key: fact.patient.and_then(|patient| keys.get(&patient).copied()),
            user_id: fact.user.map(|user| user.to_string()),
            dimensions: json.map_err(|_shape| Error::corrupt("a fact's dimensions"))?,
            value: fact.amount.map(|amount| amount.value),
            counted: fact.amount.and_then(|amount| amount.counted),
            unit: fact.amount.map(|amount| amount.unit).map(Unit::name),
        })
    }

    /// That a patient was erased, without saying who.
    fn erased(zone: Zone, now: Instant) -> Result<Self> {
        let fact = Fact::new(Kind::PatientErased, "", 0, now);
        Ok(Self { subject: None, ..Self::of(fact, zone, &HashMap::new())? })
    }
}

/// Writes what a transaction appended, and unlinks whom it erased, before its signals are numbered.
///
/// # Errors
/// Database errors.
pub(crate) fn save(tx: &mut Tx<'_>) -> Result<()> {
    let told = std::mem::take(&mut tx.facts);
    let erased: Vec<Subject> =
        tx.destroyed.iter().filter(|(_, class)| *class == Class::Identity).map(|(whose, _)| *whose).collect();
    if told.is_empty() && erased.is_empty() {
        return Ok(());
    }
    take_turn(tx)?;
    let (zone, now) = (settings::zone(tx)?, tx.now());
    let keys = keys_of(tx, told.iter().filter_map(|fact| fact.patient).collect())?;
    let mut rows = told.into_iter().map(|fact| Row::of(fact, zone, &keys)).collect::<Result<Vec<_>>>()?;
    let patients = erased.iter().filter(|whose| matches!(whose, Subject::Patient(_)));
    for _ in patients {
        rows.push(Row::erased(zone, now)?);
    }
    insert_all!(tx, facts::table, rows, or_skip);
    erased.into_iter().try_for_each(|whose| unlink(tx, whose))
}

/// On PostgreSQL transactions with facts wait for each other from here to their commits, so that numbers grow in the
/// order of commits. Nothing but signals is locked after it.
fn take_turn(tx: &mut Tx<'_>) -> Result<()> {
    if let Conn::Pg(conn) = &mut *tx.conn {
        let lock = "SELECT pg_advisory_xact_lock(hashtext('zelo.facts'), hashtext(current_schema()))";
        diesel::sql_query(lock).execute(conn)?;
    }
    Ok(())
}

/// The numbers of patients. Whoever does not exist is absent.
fn keys_of(view: &mut View<'_>, whose: BTreeSet<PatientId>) -> Result<HashMap<PatientId, i64>> {
    let mut keys = HashMap::new();
    let names: Vec<(String, PatientId)> = whose.into_iter().map(|id| (id.to_string(), id)).collect();
    for some in names.chunks(AT_ONCE) {
        let ids: Vec<&str> = some.iter().map(|(name, _)| name.as_str()).collect();
        let rows = patients::table.filter(patients::id.eq_any(ids)).select((patients::id, patients::key));
        let found: HashMap<String, i64> =
            on!(&mut *view.conn, |c| rows.load::<(String, i64)>(c)?).into_iter().collect();
        keys.extend(some.iter().filter_map(|(name, id)| Some((*id, *found.get(name)?))));
    }
    Ok(keys)
}

/// Clears whatever points at an erased person, and leaves what is counted. The day, the codes and the numbers stay.
fn unlink(tx: &mut Tx<'_>, whose: Subject) -> Result<()> {
    match whose {
        Subject::Patient(id) => {
            let Some(key) = keys_of(tx, BTreeSet::from([id]))?.remove(&id) else { return Ok(()) };
            // Not the person of staff: they are not the one who is erased. The subject is an alert, a message, … of the
            // patient's, whose row leads to them.
            let cleared = (facts::patient_key.eq(None::<i64>), facts::subject.eq(None::<String>));
            diesel::update(facts::table.filter(facts::patient_key.eq(key))).set(cleared).execute(tx.conn)?;
        }
        Subject::User(id) => {
            let theirs = facts::table.filter(facts::user_id.eq(id.to_string()));
            diesel::update(theirs).set(facts::user_id.eq(None::<String>)).execute(tx.conn)?;
        }
        Subject::Device(_) | Subject::System => {}
    }
    Ok(())
}

/// Clears whatever points at a person in facts from before an instant, the oldest first; figures stay as they are.
/// Returns how many.
///
/// # Errors
/// Database errors.
pub fn unlink_old(tx: &mut Tx<'_>, before: Instant) -> Result<usize> {
    let old: Vec<i64> = facts::table
        .filter(facts::subject.is_not_null().and(facts::at.lt(before.micros())))
        .order(facts::at)
        .limit(BATCH)
        .select(facts::id)
        .load(tx.conn)?;
    if old.is_empty() {
        return Ok(0);
    }
    // An erasure changes the same rows, in another order.
    take_turn(tx)?;
    let cleared = (
        facts::patient_key.eq(None::<i64>),
        facts::user_id.eq(None::<String>),
        facts::subject.eq(None::<String>),
    );
    Ok(diesel::update(facts::table.filter(facts::id.eq_any(old))).set(cleared).execute(tx.conn)?)
}
