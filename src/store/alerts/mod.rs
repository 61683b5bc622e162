//! Alert episodes: opened, judged again, acted upon. A constraint of the database allows at most one open episode per
//! patient and rule.

pub(crate) mod acts;
pub mod copies;
pub(crate) mod holds;
pub mod late_reds;
pub mod lists;
pub mod moves;
pub mod passed;
pub mod reds;
pub mod timeline;

use std::collections::{BTreeMap, BTreeSet};

use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::alerts::acts::cut;
pub use super::alerts::acts::{ActRow, Refused, acted, acts, cuts, was_called};
pub(crate) use super::alerts::holds::{hold_free, hold_to_call, hold_unresolved_of, lock};
use super::audit::act::Act as Entry;
use super::consents::permits;
use super::db::conn::{literally, on};
use super::db::error::{Error, Result};
use super::db::schema::{alerts, patients};
use super::db::turn;
use super::db::turn::locks::Lock;
use super::db::tx::{Tx, View};
use super::escalation;
use super::keys::seal::Place;
use super::keys::{Class, Subject};
use super::messages::webhooks;
use super::sla;
use domain::alerts::{AlertCase, Outcome};
use domain::{AlertId, Instant, PatientId, Rule, Signal, UserId};
use rules::{Episode, Finding};

/// An alert as it is stored.
#[derive(Debug, Clone)]
pub struct StoredAlert {
    /// The patient's surrogate key.
    pub patient_key: i64,
    /// The signal its rule looks at.
    pub signal: Signal,
    /// What people did with the case, and the judgement.
    pub case: AlertCase,
    /// The episode as judged.
    pub episode: Episode,
    /// Found too late to page.
    pub retrospective: bool,
    /// When the program first recorded it.
    pub raised_at: Instant,
    /// Grows with each change (ETag).
    pub version: i64,
    pub(super) finding: Option<Vec<u8>>,
}

#[derive(Queryable)]
pub(super) struct Row {
    patient_key: i64,
    signal: i16,
    retrospective: bool,
    raised_at: i64,
    episode: String,
    case_record: String,
    finding: Option<Vec<u8>>,
    version: i64,
}

pub(super) type Columns = (
    alerts::patient_key,
    alerts::signal,
    alerts::retrospective,
    alerts::raised_at,
    alerts::episode,
    alerts::case_record,
    alerts::finding,
    alerts::version,
);

pub(super) const COLUMNS: Columns = (
    alerts::patient_key,
    alerts::signal,
    alerts::retrospective,
    alerts::raised_at,
    alerts::episode,
    alerts::case_record,
    alerts::finding,
    alerts::version,
);

impl Row {
    pub(super) fn read(self) -> Result<StoredAlert> {
        let json = |_shape| Error::Corrupt("alerts");
        Ok(StoredAlert {
            patient_key: self.patient_key,
            signal: Signal::from_code(self.signal).ok_or(Error::Corrupt("alerts.signal"))?,
            case: serde_json::from_str(&self.case_record).map_err(json)?,
            episode: serde_json::from_str(&self.episode).map_err(json)?,
            retrospective: self.retrospective,
            raised_at: Instant::from_micros(self.raised_at),
            version: self.version,
            finding: self.finding,
        })
    }
}

impl StoredAlert {
    /// The alert's id.
    #[must_use]
    pub const fn id(&self) -> AlertId {
        self.case.id
    }

    /// Whether a revocation hid its finding.
    #[must_use]
    pub const fn is_hidden(&self) -> bool {
        self.finding.is_none() && self.case.moved_at.is_none()
    }

    /// Its finding, for whoever may see readings; `None` when a revocation hid it or it is another's.
    ///
    /// # Errors
    /// The key was destroyed; the bytes are broken.
    pub fn finding(
        &self,
        view: &mut View<'_>,
        _permit: &consent::Permit<consent::AlertEvaluate>,
    ) -> Result<Option<Finding>> {
        let Some(blob) = &self.finding else { return Ok(None) };
        let id = self.id().to_string();
        view.open_json(Place::new("alerts", "finding", &id), blob).map(Some)
    }
}

/// The SQL condition for an alert that is not resolved.
pub(crate) fn unresolved() -> SqlLiteral<Bool> {
    literally("alerts.state <> 'resolved'")
}

/// Opens an episode that judgement found.
///
/// # Errors
/// [`Error::Conflict`] when one is open already for this patient and rule.
pub fn open(
    tx: &mut Tx<'_>,
    (patient_key, patient): (i64, PatientId),
    rule: &Rule,
    episode: &Episode,
    finding: &Finding,
    retrospective: bool,
) -> Result<AlertId> {
    let now = tx.now();
    let id = AlertId::new(now);
    let mut case = AlertCase::open(id, patient, episode.facts());
    if episode.ended_at.is_some() {
        case = case.judged(episode.facts(), now);
    }
    let row = id.to_string();
    let place = Place::new("alerts", "finding", &row);
    let sealed = tx.seal_json(Subject::Patient(patient), Class::Clinical, place, finding)?;
    // Consents before the alert: the order of locks.
    permits::lock(tx, &[patient_key])?;
    tx.lock(Lock::Alert(id));
    diesel::insert_into(alerts::table)
        .values((
            (
                alerts::id.eq(&row),
                alerts::patient_key.eq(patient_key),
                alerts::rule.eq(&rule.id),
                alerts::rule_version.eq(i64::from(rule.version)),
                alerts::signal.eq(rule.signal.code()),
                alerts::raised_at.eq(now.micros()),
                alerts::retrospective.eq(retrospective),
                alerts::finding.eq(Some(sealed)),
                alerts::version.eq(1_i64),
            ),
            changing(&case, episode, now)?,
        ))
        .execute(tx.conn)?;
    let body = serde_json::json!({
        "alert": row, "rule": rule.id, "version": rule.version,
        "level": case.facts.level.name(), "retrospective": retrospective,
    });
    tx.audit(&Entry::new("alert.raised").patient(patient).purpose("alert.evaluate").body(body))?;
    tx.signal("alert.changed", id)?;
    sla::follow(tx, None, &case, retrospective)?;
    escalation::follow(tx, None, &case, retrospective, false)?;
    tx.step_out();
    Ok(id)
}

/// Updates a stored episode after a new judgement. Keeps what people did with the case since it was read.
///
/// # Errors
/// [`Error::GivenUp`] when a hand ended the episode since it was read: judge again; database errors.
pub fn judged(
    tx: &mut Tx<'_>,
    stored: &StoredAlert,
    episode: &Episode,
    finding: Option<&Finding>,
    retrospective: bool,
) -> Result<StoredAlert> {
    let stored = &locked(tx, stored)?;
    let mut next = stored.clone();
    next.case = stored.case.judged(episode.facts(), tx.now());
    next.episode = episode.clone();
    next.retrospective = retrospective;
    if let Some(finding) = finding {
        let row = next.id().to_string();
        let place = Place::new("alerts", "finding", &row);
        let subject = Subject::Patient(next.case.patient);
        next.finding = Some(tx.seal_json(subject, Class::Clinical, place, finding)?);
    }
    let body = serde_json::json!({
        "alert": next.id(), "level": next.case.facts.level.name(), "state": next.case.state.name(),
        "ended": episode.ended_at.is_some(),
    });
    save(tx, stored, next, Entry::new("alert.judged").purpose("alert.evaluate").body(body))
}

/// Closes an alert on the program's part: late data disproved it, it merged with another, or its legal basis ended. A
/// revocation hides the finding too.
///
/// # Errors
/// Database errors.
pub fn withdraw(tx: &mut Tx<'_>, stored: &StoredAlert, outcome: Outcome) -> Result<StoredAlert> {
    permits::lock(tx, &[stored.patient_key])?;
    let stored = &lock(tx, stored.id())?;
    let mut next = stored.clone();
    next.case = stored.case.withdrawn(outcome, tx.now());
    if next.episode.ended_at.is_none() {
        let end = if outcome == Outcome::ConsentRevoked { tx.now() } else { next.episode.started_at };
        next.episode.ended_at = Some(end);
        next.episode.by_hand = outcome == Outcome::ConsentRevoked;
        next.case.facts.ended_at = Some(end);
    }
    if outcome == Outcome::ConsentRevoked {
        next.finding = None;
        cut(tx, next.id(), tx.now())?;
    }
    let body = serde_json::json!({ "alert": next.id(), "outcome": outcome.name() });
    save(tx, stored, next, Entry::new("alert.closed").code(outcome.name()).body(body))
}

/// Carries over to `kept` what people did with `merged`.
///
/// # Errors
/// Database errors.
pub fn absorb(tx: &mut Tx<'_>, kept: &StoredAlert, merged: &StoredAlert) -> Result<StoredAlert> {
    permits::lock(tx, &[kept.patient_key])?;
    let kept = &lock(tx, kept.id())?;
    let mut next = kept.clone();
    next.case = kept.case.absorbing(&merged.case);
    let body = serde_json::json!({ "alert": next.id(), "merged": merged.id() });
    save(tx, kept, next, Entry::new("alert.judged").body(body))
}

/// One alert.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get(view: &mut View<'_>, id: AlertId) -> Result<StoredAlert> {
    let row = alerts::table.find(id.to_string()).select(COLUMNS).first::<Row>(view.conn).optional()?;
    row.ok_or(Error::NotFound("alert"))?.read()
}

/// For each of these alerts, the people who may not hold it again before somebody else has. Alerts for which there is
/// nobody like that, or that are gone, are absent.
///
/// # Errors
/// Database errors.
pub fn worn_out(view: &mut View<'_>, ids: &[AlertId]) -> Result<BTreeMap<AlertId, BTreeSet<UserId>>> {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let query = alerts::table.filter(alerts::id.eq_any(ids)).select(COLUMNS);
    let rows: Vec<Row> = on!(&mut *view.conn, |c| query.load(c))?;
    let read = rows.into_iter().map(|row| row.read().map(|alert| (alert.id(), alert.case.worn_out())));
    let mut worn = read.collect::<Result<BTreeMap<_, _>>>()?;
    worn.retain(|_, hands| !hands.is_empty());
    Ok(worn)
}

/// The open episode of every rule of a patient.
///
/// # Errors
/// Database errors.
pub fn open_of(view: &mut View<'_>, patient_key: i64) -> Result<Vec<StoredAlert>> {
    let rows = alerts::table
        .filter(alerts::patient_key.eq(patient_key).and(alerts::ended_at.is_null()))
        .select(COLUMNS)
        .load::<Row>(view.conn)?;
    rows.into_iter().map(Row::read).collect()
}

/// The episodes of one rule of a patient that were in force at or after `from`, without retracted ones and those whose
/// readings belong to another patient.
///
/// # Errors
/// Database errors.
pub fn episodes(
    view: &mut View<'_>,
    patient_key: i64,
    rule: &str,
    from: Instant,
) -> Result<Vec<StoredAlert>> {
    let of = || {
        alerts::table
            .filter(alerts::patient_key.eq(patient_key).and(alerts::rule.eq(rule.to_owned())))
            .filter(alerts::outcome.is_null().or(alerts::outcome.ne_all(vec!["retracted", "duplicate"])))
            .select(COLUMNS)
    };
    // Two queries: joined by OR, the database walks every episode that the patient ever had.
    let mut rows = of().filter(alerts::ended_at.ge(from.micros())).load::<Row>(view.conn)?;
    rows.extend(of().filter(alerts::ended_at.is_null()).load::<Row>(view.conn)?);
    let mut all = rows.into_iter().map(Row::read).collect::<Result<Vec<_>>>()?;
    all.retain(|alert| alert.case.moved_at.is_none());
    all.sort_by_key(|alert| (alert.episode.started_at, alert.id()));
    Ok(all)
}

/// How many unresolved alerts there are, by level.
///
/// # Errors
/// Database errors.
pub fn counts(view: &mut View<'_>) -> Result<Vec<(i16, i64)>> {
    Ok(alerts::table
        .filter(unresolved())
        .group_by(alerts::level)
        .select((alerts::level, diesel::dsl::count_star()))
        .load(view.conn)?)
}

/// Ends snoozes that are over. An alert that somebody is changing is left for the next time; a row that cannot be read
/// does not hold up the others.
///
/// # Errors
/// Database errors.
pub fn wake(tx: &mut Tx<'_>, limit: i64) -> Result<usize> {
    turn::share(tx)?;
    let now = tx.now();
    let over = || alerts::state.eq("snoozed").and(alerts::snoozed_until.le(now.micros()));
    let due: Vec<(String, i64)> = alerts::table
        .filter(over())
        .order(alerts::snoozed_until)
        .limit(limit)
        .select((alerts::id, alerts::patient_key))
        .load(tx.conn)?;
    permits::lock(tx, &due.iter().map(|(_, key)| *key).collect::<Vec<_>>())?;
    let ids: Vec<String> = due.into_iter().map(|(id, _)| id).collect();
    let mut woken = 0;
    for id in hold_free(tx, &ids)? {
        let done = tx.item(|tx| {
            let stored = get(tx, id)?;
            let next = StoredAlert { case: stored.case.awake(now), ..stored.clone() };
            let changed = next.case != stored.case;
            if changed {
                save(tx, &stored, next, Entry::new("alert.judged").code("snooze_over"))?;
            }
            Ok(changed)
        });
        match done {
            Ok(changed) => woken += usize::from(changed),
            Err(error) if error.is_the_rows() => tracing::error!(%error, "a snooze could not be ended"),
            Err(error) => return Err(error),
        }
    }
    Ok(woken)
}

/// The patient behind a surrogate key.
///
/// # Errors
/// [`Error::NotFound`].
pub fn patient_of(view: &mut View<'_>, patient_key: i64) -> Result<PatientId> {
    let id: Option<String> =
        patients::table.find(patient_key).select(patients::id).get_result(view.conn).optional()?;
    id.ok_or(Error::NotFound("patient"))?.parse().map_err(|_not_an_id| Error::Corrupt("patients.id"))
}

/// Locks the row and reads it. Fails when the episode changed since `read`: a judgement of an episode that a person has
/// ended no longer applies.
fn locked(tx: &mut Tx<'_>, read: &StoredAlert) -> Result<StoredAlert> {
    permits::lock(tx, &[read.patient_key])?;
    let held = lock(tx, read.id())?;
    if held.episode == read.episode { Ok(held) } else { Err(Error::GivenUp) }
}

/// Writes the next state of an alert that this transaction holds, and updates its clocks, escalation and messages.
pub(crate) fn save(
    tx: &mut Tx<'_>,
    old: &StoredAlert,
    next: StoredAlert,
    entry: Entry<'_>,
) -> Result<StoredAlert> {
    let (next, stopped) = write(tx, old, next, entry)?;
    // An alert that turns out to be in time after all is new to the escalation.
    let known = (!old.retrospective || next.retrospective).then_some(&old.case);
    escalation::follow(tx, known, &next.case, next.retrospective, stopped)?;
    if let Some(word) = next.case.became(&old.case) {
        webhooks::announce(tx, &next.case, next.version, word)?;
    }
    tx.step_out();
    Ok(next)
}

/// Writes the row. Returns too whether an SLA clock stopped: then the warnings about it are no longer wanted.
fn write(
    tx: &mut Tx<'_>,
    old: &StoredAlert,
    mut next: StoredAlert,
    entry: Entry<'_>,
) -> Result<(StoredAlert, bool)> {
    let id = next.id();
    debug_assert!(tx.holds_alert(id), "an alert is changed under its lock");
    next.version = old.version.saturating_add(1);
    let changed = diesel::update(
        alerts::table.filter(alerts::id.eq(id.to_string()).and(alerts::version.eq(old.version))),
    )
    .set((
        changing(&next.case, &next.episode, tx.now())?,
        alerts::finding.eq(next.finding.clone()),
        alerts::retrospective.eq(next.retrospective),
        alerts::version.eq(next.version),
    ))
    .execute(tx.conn)?;
    if changed == 0 {
        // No caller sent this version (`If-Match`), so this is never a 412: running the transaction again may succeed.
        return Err(Error::GivenUp);
    }
    tx.audit(&entry.patient(next.case.patient))?;
    tx.signal("alert.changed", id)?;
    let stopped = sla::follow(tx, Some(&old.case), &next.case, next.retrospective)?;
    Ok((next, stopped))
}

/// A wait of the escalation ended: the case waits for a person again. The escalation is not told, for it brought this
/// about.
///
/// # Errors
/// Database errors.
pub fn resume(tx: &mut Tx<'_>, id: AlertId) -> Result<()> {
    let stored = &lock(tx, id)?;
    let next = StoredAlert { case: stored.case.resumed(tx.now()), ..stored.clone() };
    if next.case != stored.case {
        write(tx, stored, next, Entry::new("alert.judged").code("wait_over"))?;
    }
    Ok(())
}

type Changing = (
    diesel::dsl::Eq<alerts::level, i16>,
    diesel::dsl::Eq<alerts::peak, i16>,
    diesel::dsl::Eq<alerts::state, &'static str>,
    diesel::dsl::Eq<alerts::started_at, i64>,
    diesel::dsl::Eq<alerts::ended_at, Option<i64>>,
    diesel::dsl::Eq<alerts::owner, Option<String>>,
    diesel::dsl::Eq<alerts::outcome, Option<&'static str>>,
    diesel::dsl::Eq<alerts::snoozed_until, Option<i64>>,
    diesel::dsl::Eq<alerts::episode, String>,
    diesel::dsl::Eq<alerts::case_record, String>,
    diesel::dsl::Eq<alerts::updated_at, i64>,
);

fn changing(case: &AlertCase, episode: &Episode, now: Instant) -> Result<Changing> {
    let json = |_shape| Error::Corrupt("an alert to store");
    Ok((
        alerts::level.eq(case.facts.level.code()),
        alerts::peak.eq(case.facts.peak.code()),
        alerts::state.eq(case.state.name()),
        alerts::started_at.eq(case.facts.started_at.micros()),
        alerts::ended_at.eq(case.facts.ended_at.map(Instant::micros)),
        alerts::owner.eq(case.owner.map(|owner| owner.to_string())),
        alerts::outcome.eq(case.outcome.map(Outcome::name)),
        alerts::snoozed_until.eq(case.snooze.map(|snooze| snooze.until.micros())),
        alerts::episode.eq(serde_json::to_string(episode).map_err(json)?),
        alerts::case_record.eq(serde_json::to_string(case).map_err(json)?),
        alerts::updated_at.eq(now.micros()),
    ))
}
