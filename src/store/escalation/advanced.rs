//! Writes the results of escalations: rows whose fence still stands, history and audit log. Many are written in as few
//! statements as one.

use consent::{Denied, Purpose};
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text};

use super::super::messages::Ground;
use super::super::{Conn, Tx};
use super::{Escalation, facts, name};
use crate::db::conn::insert_all;
use crate::db::error::{Error, Result};
use crate::db::schema::{escalation_steps, escalations};
use crate::db::tx::act::Act;
use domain::Instant;
use domain::escalation::{Did, Run};

/// The result of working on an escalation.
#[derive(Debug, Clone)]
pub struct Advanced {
    /// Before.
    pub from: Escalation,
    /// After.
    pub run: Run,
    /// What it did on the way.
    pub did: Vec<Did>,
    /// When that was due.
    pub due_at: Instant,
    /// The permit for calling people, asked in this transaction; without one nobody is called.
    pub ground: std::result::Result<Ground, Denied>,
}

type Changing = (
    diesel::dsl::Eq<escalations::record, String>,
    diesel::dsl::Eq<escalations::state, &'static str>,
    diesel::dsl::Eq<escalations::next_at, Option<i64>>,
    diesel::dsl::Eq<escalations::updated_at, i64>,
    diesel::dsl::Eq<escalations::fence, i64>,
    diesel::dsl::Eq<escalations::policy, String>,
    diesel::dsl::Eq<escalations::policy_version, i64>,
);

/// The columns that change.
pub(super) fn changing(run: &Run, now: Instant) -> Result<Changing> {
    Ok((
        escalations::record.eq(written(run)?),
        escalations::state.eq(name(run.state)),
        escalations::next_at.eq(run.next_at.map(Instant::micros)),
        escalations::updated_at.eq(now.micros()),
        escalations::fence.eq(fence(run)),
        escalations::policy.eq(run.policy.id.clone()),
        escalations::policy_version.eq(i64::from(run.policy.version)),
    ))
}

fn written(run: &Run) -> Result<String> {
    serde_json::to_string(run).map_err(|_shape| Error::corrupt("an escalation to store"))
}

fn fence(run: &Run) -> i64 {
    i64::try_from(run.fence).unwrap_or(i64::MAX)
}

/// Writes escalations whose fences still stand.
///
/// # Errors
/// [`Error::GivenUp`] when somebody else changed one; database errors.
pub fn save(tx: &mut Tx<'_>, advanced: &[Advanced]) -> Result<()> {
    let now = tx.now();
    match &mut *tx.conn {
        Conn::Pg(conn) if advanced.len() > 1 => at_once(conn, advanced, now)?,
        conn => advanced.iter().try_for_each(|one| alone(conn, one, now))?,
    }
    facts::advanced(tx, advanced);
    Ok(())
}

fn alone(conn: &mut Conn, one: &Advanced, now: Instant) -> Result<()> {
    let was = fence(&one.from.run);
    let row = escalations::table.filter(escalations::id.eq(&one.from.id).and(escalations::fence.eq(was)));
    match diesel::update(row).set(changing(&one.run, now)?).execute(conn)? {
        0 => Err(Error::GivenUp),
        _ => Ok(()),
    }
}

const KEEP: &str = "UPDATE escalations SET record = n.record, state = n.state, next_at = n.next_at, \
    fence = n.fence, updated_at = $7 FROM UNNEST($1::text[], $2::bigint[], $3::text[], $4::text[], \
    $5::bigint[], $6::bigint[]) AS n (id, was, record, state, next_at, fence) \
    WHERE escalations.id = n.id AND escalations.fence = n.was";

fn at_once(conn: &mut PgConnection, advanced: &[Advanced], now: Instant) -> Result<()> {
    let records = advanced.iter().map(|one| written(&one.run)).collect::<Result<Vec<String>>>()?;
    let column = |read: fn(&Advanced) -> i64| advanced.iter().map(read).collect::<Vec<i64>>();
    let ids: Vec<&str> = advanced.iter().map(|one| one.from.id.as_str()).collect();
    let states: Vec<&str> = advanced.iter().map(|one| name(one.run.state)).collect();
    let next: Vec<Option<i64>> = advanced.iter().map(|one| one.run.next_at.map(Instant::micros)).collect();
    let kept = diesel::sql_query(KEEP)
        .bind::<Array<Text>, _>(ids)
        .bind::<Array<BigInt>, _>(column(|one| fence(&one.from.run)))
        .bind::<Array<Text>, _>(records)
        .bind::<Array<Text>, _>(states)
        .bind::<Array<Nullable<BigInt>>, _>(next)
        .bind::<Array<BigInt>, _>(column(|one| fence(&one.run)))
        .bind::<BigInt, _>(now.micros())
        .execute(conn)?;
    // No caller sent this version (`If-Match`), so this is never a 412: running the transaction again may succeed.
    if kept < advanced.len() { Err(Error::GivenUp) } else { Ok(()) }
}

#[derive(Insertable)]
#[diesel(table_name = escalation_steps)]
struct Step<'a> {
    escalation_id: &'a str,
    fence: i64,
    at: i64,
    due_at: i64,
    did: &'static str,
    step: Option<i64>,
    round: i64,
    people: String,
    patient_id: Option<String>,
}

/// Writes what escalations did to their history and the audit log.
///
/// # Errors
/// Database errors.
pub fn record(tx: &mut Tx<'_>, advanced: &[Advanced]) -> Result<()> {
    let mut steps = Vec::new();
    for one in advanced {
        for did in &one.did {
            let step = step(one, did, tx.now());
            log(tx, one, did, &step)?;
            steps.push(step);
        }
    }
    insert_all!(tx, escalation_steps::table, steps);
    Ok(())
}

fn step<'a>(of: &'a Advanced, did: &Did, now: Instant) -> Step<'a> {
    let (what, step, people) = match did {
        Did::Paged { step, people, .. } => ("paged", *step, people.as_slice()),
        Did::Joined { step, people, .. } => ("joined", Some(*step), people.as_slice()),
        Did::Empty { step, .. } => ("empty", Some(*step), [].as_slice()),
        Did::NobodyReached => ("nobody_reached", None, [].as_slice()),
        Did::Resumed => ("resumed", of.run.step, [].as_slice()),
        Did::Withheld => ("withheld", None, [].as_slice()),
    };
    let people: Vec<String> = people.iter().map(ToString::to_string).collect();
    Step {
        escalation_id: &of.from.id,
        fence: fence(&of.run),
        at: now.micros(),
        due_at: of.due_at.micros(),
        did: what,
        step: step.map(|step| i64::try_from(step).unwrap_or(i64::MAX)),
        round: i64::from(of.run.round),
        people: people.join(" "),
        patient_id: of.from.patient.map(|patient| patient.to_string()),
    }
}

fn log(tx: &mut Tx<'_>, of: &Advanced, did: &Did, step: &Step<'_>) -> Result<()> {
    let body = serde_json::json!({
        "case": of.from.subject, "kind": of.from.kind, "policy": of.run.policy.id,
        "version": of.run.policy.version, "did": step.did, "step": step.step, "round": step.round,
        "people": step.people.split_whitespace().collect::<Vec<_>>(),
    });
    let act = match (did, &of.ground) {
        (Did::Withheld, Err(denied)) => denial(denied).body(body),
        (Did::NobodyReached, _) => Act::new("alert.unreached").body(body),
        _ => Act::new("alert.escalated").body(body),
    };
    tx.audit(&match of.from.patient {
        Some(patient) => act.patient(patient),
        None => act,
    })
}

/// The audit entry for a denied ground, with the reason.
fn denial(denied: &Denied) -> Act<'static> {
    let (code, purpose) = denied.root();
    let purpose = purpose.unwrap_or(Purpose::AlertEscalate);
    Act::new("decision.deny").purpose(purpose.as_str()).code(code.as_str()).decided(false)
}
