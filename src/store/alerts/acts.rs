//! What people do with alerts: acts on the case with their notes, and the cuts by which a person ends an episode.

use diesel::prelude::*;

use super::{StoredAlert, get, lock, save};
use crate::consents::permits;
use crate::db::conn::literally;
use crate::db::error::{Error, Result};
use crate::db::schema::{alert_acts, alerts};
use crate::db::tx::act::Act as Entry;
use crate::db::tx::{Actor, Touched, Tx, View};
use crate::escalation::{self, paging};
use crate::keys::seal::Place;
use crate::keys::{Class, Subject};
use crate::on_call::capacity;
use crate::people::{accounts, answering};
use crate::{messages, readings};
use domain::alerts::{Act, ActRefused, act};
use domain::{AlertId, Can, Instant, UserId};

/// The answer to an act that a person tried.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The case refuses it.
    #[error(transparent)]
    Act(#[from] ActRefused),
    /// Only people who were called about it, or who work on alerts, may do that.
    #[error("you were not called about this alert")]
    NotCalled,
    /// It cannot be handed to that person.
    #[error("an alert goes to somebody who can be called about it")]
    Unable,
    /// It cannot be handed to somebody who is away.
    #[error("{who} is away until {until}")]
    Away {
        /// Who.
        who: UserId,
        /// Until when.
        until: Instant,
    },
    /// The store refuses it.
    #[error(transparent)]
    Store(#[from] Error),
}

/// A person acts on an alert.
///
/// # Errors
/// [`Refused::Act`] when the case refuses it (claimed by another, resolved); store errors.
pub fn acted(
    tx: &mut Tx<'_>,
    id: AlertId,
    who: UserId,
    what: Act,
    note: Option<&str>,
) -> std::result::Result<StoredAlert, Refused> {
    // The order of locks: consents first, for a hand-over calls somebody, then the people, then the alert.
    let key = get(tx, id)?.patient_key;
    permits::lock(tx, &[key])?;
    capacity::admit(tx, id, who, what)?;
    stay(tx, who, what)?;
    let stored = lock(tx, id)?;
    answers(tx, &stored, who, what)?;
    if stored.case.wants_a_reason(what) && note.is_none_or(|text| text.trim().is_empty()) {
        return Err(ActRefused::NoReason.into());
    }
    let now = tx.now();
    let mut next = stored.clone();
    next.case = act(&stored.case.awake(now), what, who, now)?;
    let (name, outcome) = match what {
        Act::Claim => ("claim", None),
        Act::Ack => ("ack", None),
        Act::Unack => ("unack", None),
        Act::Snooze { .. } => ("snooze", None),
        Act::Reassign { .. } => ("reassign", None),
        Act::Resolve { outcome } => ("resolve", Some(outcome.name())),
    };
    if matches!(what, Act::Resolve { .. }) && next.episode.ended_at.is_none() {
        // A person's act ends the episode at the newest reading that they could know of: what stays bad, or becomes
        // known later, raises a new one.
        let known = readings::newest_at(tx, stored.patient_key, stored.signal)?.unwrap_or(now).min(now);
        let end = stored.episode.levels.last().map_or(known, |last| known.max(last.at));
        next.episode.ended_at = Some(end);
        next.episode.by_hand = true;
        next.case.facts.ended_at = Some(end);
        cut(tx, id, end)?;
        tx.touch(Touched::Patient(stored.patient_key));
    }
    let row = id.to_string();
    let note = match note.filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => {
            let place_row = format!("{row}:{name}:{}", now.micros());
            let place = Place::new("alert_acts", "note", &place_row);
            Some(tx.seal(Subject::Patient(stored.case.patient), Class::Clinical, place, text.as_bytes())?)
        }
    };
    diesel::insert_into(alert_acts::table)
        .values((
            alert_acts::alert_id.eq(&row),
            alert_acts::at.eq(now.micros()),
            alert_acts::actor.eq(tx.actor().name()),
            alert_acts::act.eq(name),
            alert_acts::outcome.eq(outcome),
            alert_acts::note.eq(note),
            alert_acts::patient_key.eq(Some(stored.patient_key)),
        ))
        .execute(tx.conn)
        .map_err(Error::from)?;
    let kind = match what {
        Act::Claim => "alert.claimed",
        Act::Ack => "alert.ack",
        Act::Unack => "alert.unack",
        Act::Snooze { .. } => "alert.snoozed",
        Act::Reassign { .. } => "alert.reassigned",
        Act::Resolve { .. } => "alert.closed",
    };
    let body = serde_json::json!({ "alert": row, "act": name, "outcome": outcome });
    Ok(save(tx, &stored, next, Entry::new(kind).body(body))?)
}

/// Checks that the acting person, and the person who is handed something, can answer, and keeps that true until the
/// commit. A person who is away is handed nothing.
fn stay(tx: &mut Tx<'_>, who: UserId, what: Act) -> std::result::Result<(), Refused> {
    let to = match what {
        Act::Reassign { to } => accounts::get(tx, to)?.id,
        _ => who,
    };
    match answering::who_cannot(tx, &[who, to])? {
        None if to == who => Ok(()),
        None => {
            let now = tx.now();
            match paging::away(tx, now)?.get(&to) {
                Some(until) => Err(Refused::Away { who: to, until: *until }),
                None => Ok(()),
            }
        }
        Some(barred) if barred == to && to != who => Err(Refused::Unable),
        Some(_oneself) => Err(Refused::Store(Error::Refused {
            code: "E_ROLE",
            what: "this account answers for alerts no more",
        })),
    }
}

/// People who work on alerts may do anything with one. Others who were called about an alert may claim, acknowledge and
/// hand over that one.
fn answers(
    tx: &mut Tx<'_>,
    stored: &StoredAlert,
    who: UserId,
    what: Act,
) -> std::result::Result<(), Refused> {
    let Actor::User { role, .. } = tx.actor() else { return Ok(()) };
    if Can::ActOnAlerts.held_by(role) {
        return Ok(());
    }
    let an_answer = matches!(what, Act::Claim | Act::Ack | Act::Reassign { .. });
    let called =
        Can::AnswerCalls.held_by(role) && an_answer && was_called(tx, stored.id(), stored.case.owner, who)?;
    if called { Ok(()) } else { Err(Refused::NotCalled) }
}

/// Whether a person was called about an alert, or it was given to them.
///
/// # Errors
/// Database errors.
pub fn was_called(view: &mut View<'_>, alert: AlertId, owner: Option<UserId>, who: UserId) -> Result<bool> {
    if owner == Some(who) {
        return Ok(true);
    }
    messages::reached(view, escalation::ALERT, &alert.to_string(), who)
}

/// A person ended the episode at this instant: earlier readings never count for a later one.
pub(crate) fn cut(tx: &mut Tx<'_>, id: AlertId, at: Instant) -> Result<()> {
    diesel::insert_into(alert_acts::table)
        .values((
            alert_acts::alert_id.eq(id.to_string()),
            alert_acts::at.eq(at.micros()),
            alert_acts::actor.eq(tx.actor().name()),
            alert_acts::act.eq("cut"),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// The instants since `from` at which a person ended an episode of this rule.
///
/// # Errors
/// Database errors.
pub fn cuts(view: &mut View<'_>, patient_key: i64, rule: &str, from: Instant) -> Result<Vec<Instant>> {
    let at: Vec<i64> = alert_acts::table
        .inner_join(alerts::table)
        .filter(alerts::patient_key.eq(patient_key).and(alerts::rule.eq(rule)))
        .filter(literally("alert_acts.act = 'cut'"))
        .filter(alert_acts::at.ge(from.micros()))
        .order(alert_acts::at)
        .select(alert_acts::at)
        .load(view.conn)?;
    Ok(at.into_iter().map(Instant::from_micros).collect())
}

/// One thing a person did.
#[derive(Debug, Clone)]
pub struct ActRow {
    /// When.
    pub at: Instant,
    /// Who, as [`crate::Actor::name`] writes it.
    pub actor: String,
    /// What.
    pub act: String,
    /// With which outcome.
    pub outcome: Option<String>,
    /// Whom it is about, where that is not who did it.
    pub whom: Option<UserId>,
    /// Why, in the person's words.
    pub note: Option<String>,
}

/// What people did with an alert, oldest first.
///
/// # Errors
/// Database errors.
pub fn acts(view: &mut View<'_>, id: AlertId) -> Result<Vec<ActRow>> {
    type Raw = (i64, String, String, Option<String>, Option<String>, Option<Vec<u8>>);
    let row = id.to_string();
    let rows: Vec<Raw> = alert_acts::table
        .filter(alert_acts::alert_id.eq(&row).and(alert_acts::act.ne("cut")))
        .order(alert_acts::id)
        .select((
            alert_acts::at,
            alert_acts::actor,
            alert_acts::act,
            alert_acts::outcome,
            alert_acts::whom,
            alert_acts::note,
        ))
        .load(view.conn)?;
    rows.into_iter()
        .map(|(at, actor, act, outcome, whom, note)| {
            let note = note.and_then(|blob| {
                let place_row = format!("{row}:{act}:{at}");
                let plain = view.open(Place::new("alert_acts", "note", &place_row), &blob).ok()?;
                String::from_utf8(plain).ok()
            });
            let whom = whom.and_then(|id| id.parse().ok());
            Ok(ActRow { at: Instant::from_micros(at), actor, act, outcome, whom, note })
        })
        .collect()
}
