//! Alert episodes: opened, judged again, acted upon. A constraint of the database allows at most one open episode per
//! patient and rule.

pub(crate) mod acts;
pub mod attachments;
pub mod copies;
mod facts;
pub(crate) mod holds;
pub mod late_reds;
pub mod lists;
pub mod moves;
pub mod passed;
pub mod reds;
pub(crate) mod stored;
pub mod timeline;

use diesel::prelude::*;

use super::alerts::acts::cut;
pub use super::alerts::acts::{ActRow, Refused, acted, acts, cuts, was_called};
pub(crate) use super::alerts::holds::{hold_free, hold_to_call, hold_unresolved_of, lock};
pub(crate) use super::alerts::stored::unresolved;
pub use super::alerts::stored::{StoredAlert, counts, episodes, get, open_of, worn_out};
use super::consents::permits;
use super::db::error::{Error, Result};
use super::db::schema::alerts;
use super::db::turn;
use super::db::turn::locks::Lock;
use super::db::tx::Tx;
use super::db::tx::act::Act as Entry;
use super::escalation;
use super::keys::seal::Place;
use super::keys::{Class, Subject};
use super::messages::webhooks;
use super::patients::keyed::Keyed;
use super::sla;
use domain::alerts::{AlertCase, Outcome};
use domain::{AlertId, Instant, PatientId, Rule};
use rules::{Episode, Finding};

/// Opens an episode that judgement found.
///
/// # Errors
/// [`Error::Conflict`] when one is open already for this patient and rule.
pub fn open(
    tx: &mut Tx<'_>,
    whose: Keyed<PatientId>,
    rule: &Rule,
    episode: &Episode,
    finding: &Finding,
    retrospective: bool,
) -> Result<AlertId> {
    let (now, patient) = (tx.now(), whose.id);
    let id = AlertId::new(now);
    let mut case = AlertCase::open(id, patient, episode.facts());
    if episode.ended_at.is_some() {
        case = case.judged(episode.facts(), now);
    }
    let row = id.to_string();
    let place = Place::new("alerts", "finding", &row);
    let sealed = tx.seal_json(Subject::Patient(patient), Class::Clinical, place, finding)?;
    // Consents before the alert: the order of locks.
    permits::lock(tx, &[whose.key])?;
    tx.lock(Lock::Alert(id));
    diesel::insert_into(alerts::table)
        .values((
            (
                alerts::id.eq(&row),
                alerts::patient_key.eq(whose.key),
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
    facts::raised(tx, &case, episode, retrospective);
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

/// Carries over to `survivor` what people did with `merged`.
///
/// # Errors
/// Database errors.
pub(crate) fn absorb(tx: &mut Tx<'_>, survivor: &StoredAlert, merged: &StoredAlert) -> Result<StoredAlert> {
    permits::lock(tx, &[survivor.patient_key])?;
    let survivor = &lock(tx, survivor.id())?;
    let mut next = survivor.clone();
    next.case = survivor.case.absorbing(&merged.case);
    let body = serde_json::json!({ "alert": next.id(), "merged": merged.id() });
    save(tx, survivor, next, Entry::new("alert.judged").body(body))
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
    facts::changed(tx, old, &next);
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
    let json = |_shape| Error::corrupt("an alert to store");
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
