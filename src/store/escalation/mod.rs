//! Running escalations: one row a case. A row is changed only if its fence is still the one that was read, so of two
//! nodes only one acts. A change of a case changes its escalation in the same transaction.

mod advanced;
mod callees;
mod facts;
mod follow;
pub mod history;
mod pages;
pub mod paging;
mod policies;
mod replan;
#[cfg(any(test, feature = "testing"))]
mod testing;
pub mod timeline;
mod waiting;

use consent::Denied;
use diesel::prelude::*;

use super::alerts::{holds, stored};
use super::db::conn::{held, literally, on};
use super::db::error::InRow;
use super::db::error::{Error, Result};
use super::db::schema::{escalation_steps, escalations};
use super::db::turn::locks::Lock;
use super::db::tx::act::Act;
use super::db::tx::{Tx, View};
pub use super::messages::ALERT;
use super::messages::{self, Ground};
use super::versions::{self, Version};
pub use advanced::{Advanced, record, save};
pub use callees::{Callees, callees};
use domain::escalation::{Did, Policy, Refused, Run, State, seeds};
use domain::id::uuid_at;
use domain::{AlertId, Instant, PatientId, UserId};
pub(crate) use follow::follow;
pub use pages::page;
pub use replan::replan;
#[cfg(any(test, feature = "testing"))]
pub use testing::{break_row, forget_pace, multiply};
pub use waiting::{Place, call_newcomers, look_again, waiting};

/// The policy for a red alert.
pub const RED: &str = "red_alert";

/// A case's escalation as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    /// Its id.
    pub id: String,
    /// What kind of case: [`ALERT`].
    pub kind: String,
    /// The case's id.
    pub subject: String,
    /// Whose, for the audit log.
    pub patient: Option<PatientId>,
    /// The run of its policy.
    pub run: Run,
    /// When it began.
    pub started_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
    /// Why the engine set the row aside, if it did.
    pub spoiled: Option<String>,
}

/// A row before it is parsed: when parsing fails, this row alone is set aside.
#[derive(Queryable, Selectable, Debug, Clone)]
#[diesel(table_name = escalations)]
pub struct Row {
    /// Its id.
    pub id: String,
    kind: String,
    subject: String,
    patient_id: Option<String>,
    record: String,
    started_at: i64,
    updated_at: i64,
    fence: i64,
    spoiled: Option<String>,
}

impl Row {
    /// The patient, if the column can be read.
    #[must_use]
    pub fn patient(&self) -> Option<PatientId> {
        self.patient_id.as_ref()?.parse().ok()
    }

    /// The case's id.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Parses the row.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn open(self) -> Result<Escalation> {
        let id = self.id.clone();
        self.parse().in_row(id)
    }

    fn parse(self) -> Result<Escalation> {
        let run: Run =
            serde_json::from_str(&self.record).map_err(|_shape| Error::corrupt("escalations.record"))?;
        if i64::try_from(run.fence).ok() != Some(self.fence) {
            return Err(Error::corrupt("escalations.fence"));
        }
        let patient = self.patient_id.map(|id| id.parse()).transpose();
        Ok(Escalation {
            id: self.id,
            kind: self.kind,
            subject: self.subject,
            patient: patient.map_err(|_not_an_id| Error::corrupt("escalations.patient_id"))?,
            run,
            started_at: Instant::from_micros(self.started_at),
            updated_at: Instant::from_micros(self.updated_at),
            spoiled: self.spoiled,
        })
    }
}

/// Seeds the default policies that are missing.
///
/// # Errors
/// Database errors.
pub fn seed(tx: &mut Tx<'_>) -> Result<()> {
    seeds().iter().try_for_each(|policy| versions::seed(tx, &policy.id, policy))
}

/// A policy in the form that a run stores.
#[must_use]
pub fn policy_of_run(policy: Version<Policy>) -> Policy {
    Policy { id: policy.name, version: policy.version, ..policy.body }
}

/// Begins the escalation of an alert, unless it has one. Without a legal ground nobody is called, and the case waits
/// for one on the queue. Returns whether it began.
///
/// # Errors
/// Database errors.
pub fn begin(
    tx: &mut Tx<'_>,
    alert: AlertId,
    patient: PatientId,
    mut run: Run,
    ground: std::result::Result<Ground, Denied>,
) -> Result<bool> {
    let now = tx.now();
    let withheld = ground.is_err() && run.basis_ended();
    let from = Escalation {
        id: uuid_at(now).to_string(),
        kind: ALERT.to_owned(),
        subject: alert.to_string(),
        patient: Some(patient),
        run: run.clone(),
        started_at: now,
        updated_at: now,
        spoiled: None,
    };
    let row = diesel::insert_into(escalations::table).values((
        (
            escalations::id.eq(&from.id),
            escalations::kind.eq(ALERT),
            escalations::subject.eq(&from.subject),
            escalations::patient_id.eq(patient.to_string()),
            escalations::started_at.eq(now.micros()),
        ),
        advanced::changing(&run, now)?,
    ));
    let began = on!(&mut *tx.conn, |c| row.on_conflict_do_nothing().execute(c))? == 1;
    if began {
        facts::begun(tx, &from);
    }
    if began && withheld {
        record(tx, &[Advanced { from, run, did: vec![Did::Withheld], due_at: now, ground }])?;
    }
    Ok(began)
}

/// The escalation of a case. A row that cannot be read counts as none: it was set aside, and the auditor reports it.
///
/// # Errors
/// Database errors.
pub(crate) fn of(view: &mut View<'_>, kind: &str, subject: &str) -> Result<Option<Escalation>> {
    let row = escalations::table
        .filter(escalations::kind.eq(kind).and(escalations::subject.eq(subject)))
        .select(Row::as_select())
        .first(view.conn)
        .optional()?;
    Ok(row.and_then(|row: Row| row.open().ok()))
}

/// The escalation of an alert.
///
/// # Errors
/// As `of`.
pub fn of_alert(view: &mut View<'_>, id: AlertId) -> Result<Option<Escalation>> {
    of(view, ALERT, &id.to_string())
}

/// Every escalation of a kind that is not done, the next due first, without those that cannot be read.
///
/// # Errors
/// As `of`.
pub fn going_on(view: &mut View<'_>, kind: &str, limit: i64) -> Result<Vec<Escalation>> {
    let rows = escalations::table
        .filter(literally("escalations.state <> 'done'"))
        .filter(escalations::kind.eq(kind))
        .order((escalations::next_at.asc(), escalations::id.asc()))
        .limit(limit)
        .select(Row::as_select())
        .load(view.conn)?;
    Ok(rows.into_iter().filter_map(|row: Row| row.open().ok()).collect())
}

/// How many escalations were set aside.
///
/// # Errors
/// Database errors.
pub fn set_aside(view: &mut View<'_>) -> Result<i64> {
    Ok(escalations::table.filter(escalations::spoiled.is_not_null()).count().get_result(view.conn)?)
}

/// Whether anything is due, looked up without taking the turn to write.
///
/// # Errors
/// Database errors.
pub fn any_due(view: &mut View<'_>, now: Instant) -> Result<bool> {
    let first: Option<i64> = escalations::table
        .filter(escalations::next_at.le(now.micros()).and(escalations::spoiled.is_null()))
        .select(escalations::fence)
        .first(view.conn)
        .optional()?;
    Ok(first.is_some())
}

/// What is due, the longest due first: ids with their cases. Locks nothing; see [`take`].
///
/// # Errors
/// Database errors.
pub fn due(view: &mut View<'_>, now: Instant, limit: i64) -> Result<Vec<(String, String)>> {
    Ok(escalations::table
        .filter(escalations::next_at.le(now.micros()).and(escalations::spoiled.is_null()))
        // By time alone, as the index has it: with the id too, all that came due in one instant would be sorted each time.
        .order(escalations::next_at)
        .limit(limit)
        .select((escalations::id, escalations::subject))
        .load(view.conn)?)
}

/// Locks those of these escalations that are still due and whose alerts nobody else holds, with the consents of their
/// patients, until the transaction ends.
///
/// # Errors
/// Database errors.
pub fn take(tx: &mut Tx<'_>, due: &[(String, String)]) -> Result<Vec<Row>> {
    let now = tx.now().micros();
    let (ids, subjects): (Vec<String>, Vec<String>) = due.iter().cloned().unzip();
    let free = holds::hold_to_call(tx, &subjects)?;
    let rows = escalations::table
        .filter(escalations::id.eq_any(ids).and(escalations::subject.eq_any(free)))
        .filter(escalations::next_at.le(now).and(escalations::spoiled.is_null()))
        .order((escalations::next_at, escalations::id));
    let rows = held!(tx, Row, rows);
    Ok(rows)
}

/// Sets aside a row that cannot be processed, so that it does not hold up the others. A person is notified.
///
/// # Errors
/// Database errors.
pub fn spoil(tx: &mut Tx<'_>, id: &str, error: &Error) -> Result<()> {
    let row = diesel::update(escalations::table.find(id));
    row.set(escalations::spoiled.eq(error.to_string())).execute(tx.conn)?;
    let body = serde_json::json!({ "table": "escalations", "row": id, "why": error.without_row() });
    tx.audit(&Act::new("engine.quarantined").body(body))
}

/// Counts over all escalations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Steps that paged somebody.
    pub steps: i64,
    /// Escalations that paged a step of one round more than once.
    pub twice: i64,
    /// Messages planned.
    pub messages: i64,
}

/// Counts them.
///
/// # Errors
/// Database errors.
pub fn tally(view: &mut View<'_>) -> Result<Tally> {
    let paged = escalation_steps::table
        .filter(escalation_steps::did.eq("paged").and(escalation_steps::step.is_not_null()));
    let steps = paged.count().get_result(view.conn)?;
    let repeated: Vec<(String, i64)> = paged
        .group_by((escalation_steps::escalation_id, escalation_steps::step, escalation_steps::round))
        .having(diesel::dsl::count_star().gt(1))
        .select((escalation_steps::escalation_id, diesel::dsl::count_star()))
        .load(view.conn)?;
    let messages = super::db::schema::messages::table.count().get_result(view.conn)?;
    Ok(Tally { steps, twice: i64::try_from(repeated.len()).unwrap_or(i64::MAX), messages })
}

/// One thing that an escalation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stepped {
    /// When.
    pub at: Instant,
    /// When it was due.
    pub due_at: Instant,
    /// `paged`, `joined`, `empty`, `nobody_reached`, `resumed`, `withheld`.
    pub did: String,
    /// The step, from 0; `None`: the one after the last, or a person called by name.
    pub step: Option<usize>,
    /// The repetition of the policy, from 0.
    pub round: u8,
    /// Who was paged.
    pub people: Vec<UserId>,
}

/// What an escalation did, oldest first.
///
/// # Errors
/// Database errors.
pub fn steps(view: &mut View<'_>, id: &str) -> Result<Vec<Stepped>> {
    let did = (
        escalation_steps::at,
        escalation_steps::due_at,
        escalation_steps::did,
        escalation_steps::step,
        escalation_steps::round,
        escalation_steps::people,
    );
    let rows: Vec<(i64, Raw)> = escalation_steps::table
        .filter(escalation_steps::escalation_id.eq(id))
        .order(escalation_steps::id)
        .select((escalation_steps::id, did))
        .load(view.conn)?;
    rows.into_iter().map(|(id, raw)| stepped(raw).in_row(id)).collect()
}

type Raw = (i64, i64, String, Option<i64>, i64, String);

fn stepped((at, due_at, did, step, round, people): Raw) -> Result<Stepped> {
    let people: std::result::Result<Vec<UserId>, _> = people.split_whitespace().map(str::parse).collect();
    Ok(Stepped {
        at: Instant::from_micros(at),
        due_at: Instant::from_micros(due_at),
        did,
        step: step.and_then(|step| usize::try_from(step).ok()),
        round: u8::try_from(round).unwrap_or(u8::MAX),
        people: people.map_err(|_not_an_id| Error::corrupt("escalation_steps.people"))?,
    })
}

/// Pages the next step of an alert now, at a person's request, unless somebody was paged since what that person saw.
///
/// # Errors
/// [`Error::Refused`] `E_STALE_STEP` for a button that is older than the last page; [`Error::Denied`] without a permit
/// for calling people; [`Error::NotFound`] when nothing is escalating.
pub fn force(tx: &mut Tx<'_>, alert: AlertId, seen: Instant) -> Result<()> {
    let patient = stored::get(tx, alert)?.case.patient;
    let ground = Ground::ask(tx, patient)??;
    holds::lock(tx, alert)?;
    let Some(from) = lock(tx, alert)? else { return Err(Error::NotFound("escalation")) };
    let mut run = from.run.clone();
    run.force(seen, tx.now()).map_err(|refused| match refused {
        Refused::Stale => Error::Refused {
            code: "E_STALE_STEP",
            what: "it was escalated already since this was shown: look again",
        },
        _ => Error::Conflict("the case is resolved"),
    })?;
    let body = serde_json::json!({ "case": from.subject, "kind": from.kind, "did": "forced" });
    save(tx, &[Advanced { did: Vec::new(), due_at: tx.now(), from, run, ground: Ok(ground) }])?;
    tx.audit(&Act::new("alert.escalated").body(body).patient(patient))?;
    tx.signal("alert.changed", alert)
}

/// Adjusts the escalation of an alert after the legal basis for calling people ended or returned. Without a basis,
/// planned calls are cancelled. The caller holds the alert.
///
/// # Errors
/// Database errors.
pub(crate) fn on_ground(
    tx: &mut Tx<'_>,
    alert: AlertId,
    ground: std::result::Result<Ground, Denied>,
) -> Result<bool> {
    let from = match lock(tx, alert) {
        Ok(Some(from)) => from,
        Ok(None) => return Ok(false),
        // Set aside and reported already; its messages are cancelled below like any other's.
        Err(error) if error.is_the_rows() => {
            return if ground.is_err() {
                Ok(messages::cancel(tx, ALERT, &alert.to_string())? > 0)
            } else {
                Ok(false)
            };
        }
        Err(error) => return Err(error),
    };
    let (mut run, now) = (from.run.clone(), tx.now());
    let changed = if ground.is_ok() { run.basis_given(now) } else { run.basis_ended() };
    if changed {
        let did = if ground.is_ok() { Vec::new() } else { vec![Did::Withheld] };
        let advanced = [Advanced { from, run, did, due_at: now, ground }];
        save(tx, &advanced)?;
        record(tx, &advanced)?;
        tx.signal("alert.changed", alert)?;
    }
    if ground.is_err() {
        messages::cancel(tx, ALERT, &alert.to_string())?;
    }
    Ok(changed)
}

/// Patients with cases that wait for a legal basis to call people.
///
/// # Errors
/// Database errors.
pub(crate) fn without_basis(view: &mut View<'_>, limit: i64) -> Result<Vec<String>> {
    let waiting: Vec<Option<String>> = escalations::table
        .filter(escalations::state.eq(name(State::NoBasis)))
        .select(escalations::patient_id)
        .distinct()
        .limit(limit)
        .load(view.conn)?;
    Ok(waiting.into_iter().flatten().collect())
}

/// The escalation of an alert, locked until the transaction ends.
fn lock(tx: &mut Tx<'_>, alert: AlertId) -> Result<Option<Escalation>> {
    tx.lock(Lock::Escalation(alert));
    let row = escalations::table
        .filter(escalations::kind.eq(ALERT).and(escalations::subject.eq(alert.to_string())));
    held!(tx, Row, row).into_iter().next().map(Row::open).transpose()
}

const fn name(state: State) -> &'static str {
    match state {
        // Rows on disk say it, and a partial index has it in its condition.
        State::Waiting => "climbing",
        State::Acknowledged(_) => "acknowledged",
        State::Snoozed(_) => "snoozed",
        State::NobodyReached => "nobody_reached",
        State::NoBasis => "no_basis",
        State::Done => "done",
    }
}
