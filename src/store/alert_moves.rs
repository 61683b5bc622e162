//! Alerts whose readings turned out to be another's, because a binding was put right. The story stays at the patient at whom
//! it was told, with what people did about it; it comes back with its readings, and whoever has them now is shown it.

use std::time::Duration;

use diesel::prelude::*;

use super::act::Act as Entry;
use super::alerts::{COLUMNS, Row, StoredAlert, hold, keep};
use super::error::Result;
use super::keys::{Class, Subject};
use super::schema::{alert_acts, alerts};
use super::seal::Place;
use super::tx::{Tx, View};
use super::{moves, permits};
use crate::domain::{AlertId, Instant};
use crate::rules::{Episode, Finding};

/// An episode of the same readings begins as much earlier or later where other readings lie before it.
const NEAR: Duration = Duration::from_secs(3_600);
/// Alerts that are looked through.
const MOST: i64 = 64;

/// Whether readings that an episode rests on left its patient.
///
/// # Errors
/// Database errors.
pub fn has_left(view: &mut View<'_>, stored: &StoredAlert) -> Result<bool> {
    moves::took(view, stored.patient_key, span(&stored.episode))
}

/// From its first reading to the last that is known to belong to it.
fn span(episode: &Episode) -> (Instant, Instant) {
    let known = episode.levels.last().map_or(episode.started_at, |last| last.at);
    (episode.started_at, episode.ended_at.map_or(known, |end| end.max(known)))
}

/// The readings of an alert left its patient.
///
/// # Errors
/// Database errors.
pub fn leave(tx: &mut Tx<'_>, stored: &StoredAlert) -> Result<()> {
    permits::hold(tx, &[stored.patient_key])?;
    let stored = &hold(tx, stored.id())?;
    let mut next = stored.clone();
    next.case = stored.case.left(tx.now());
    if next.episode.ended_at.is_none() {
        next.episode.ended_at = Some(next.episode.started_at);
        next.case.facts.ended_at = next.episode.ended_at;
    }
    note(tx, next.id(), "moved")?;
    let body = serde_json::json!({ "alert": next.id(), "moved": true });
    keep(tx, stored, next, Entry::new("alert.closed").code("retracted").body(body)).map(drop)
}

/// The alert that told an episode before its readings left the patient, if they are back.
///
/// # Errors
/// Database errors.
pub fn told_of(view: &mut View<'_>, patient_key: i64, episode: &Episode) -> Result<Option<StoredAlert>> {
    let mut told = moved(view, patient_key, episode)?;
    told.sort_by_key(|alert| (alert.episode.started_at, alert.id()));
    Ok(told.into_iter().next())
}

/// The readings of an alert are its patient's again, and judged anew.
///
/// # Errors
/// Database errors.
pub fn come_back(
    tx: &mut Tx<'_>,
    stored: &StoredAlert,
    episode: &Episode,
    (finding, retrospective): (&Finding, bool),
) -> Result<()> {
    permits::hold(tx, &[stored.patient_key])?;
    let stored = &hold(tx, stored.id())?;
    let mut next = stored.clone();
    next.case = stored.case.came_back(episode.facts(), tx.now());
    next.episode = episode.clone();
    next.retrospective = retrospective;
    let row = next.id().to_string();
    let place = Place::new("alerts", "finding", &row);
    next.finding =
        Some(tx.seal_json(Subject::Patient(next.case.patient), Class::Clinical, place, finding)?);
    note(tx, next.id(), "returned")?;
    let body = serde_json::json!({
        "alert": next.id(), "level": next.case.facts.level.name(), "state": next.case.state.name(),
        "returned": true,
    });
    keep(tx, stored, next, Entry::new("alert.judged").purpose("alert.evaluate").body(body)).map(drop)
}

/// The alerts that the readings of this one raised at others, while they stood there.
///
/// # Errors
/// Database errors.
pub fn told_elsewhere(view: &mut View<'_>, id: AlertId) -> Result<Vec<StoredAlert>> {
    let stored = super::alerts::get(view, id)?;
    let (from, to) = span(&stored.episode);
    let mut told: Vec<StoredAlert> = Vec::new();
    for whose in moves::from_whom(view, stored.patient_key, (from, to))? {
        told.extend(moved(view, whose, &stored.episode)?);
    }
    told.sort_by_key(|alert| (alert.episode.started_at, alert.id()));
    Ok(told)
}

/// The alerts of a patient whose readings left, that told an episode of this rule and time.
fn moved(view: &mut View<'_>, patient_key: i64, episode: &Episode) -> Result<Vec<StoredAlert>> {
    let (from, to) = span(episode);
    let rows = alerts::table
        .filter(alerts::patient_key.eq(patient_key).and(alerts::rule.eq(episode.rule.clone())))
        .filter(alerts::ended_at.ge(from.minus(NEAR).micros()))
        .order(alerts::ended_at)
        .limit(MOST)
        .select(COLUMNS)
        .load::<Row>(view.conn)?;
    let mut found = rows.into_iter().map(Row::read).collect::<Result<Vec<_>>>()?;
    found.retain(|alert| {
        let (began, ended) = span(&alert.episode);
        let end = if episode.ended_at.is_none() { Instant::MAX } else { to };
        alert.case.moved_at.is_some() && began <= end && ended >= from
    });
    Ok(found)
}

fn note(tx: &mut Tx<'_>, id: AlertId, what: &str) -> Result<()> {
    diesel::insert_into(alert_acts::table)
        .values((
            alert_acts::alert_id.eq(id.to_string()),
            alert_acts::at.eq(tx.now().micros()),
            alert_acts::actor.eq(tx.actor().name()),
            alert_acts::act.eq(what),
        ))
        .execute(tx.conn)?;
    Ok(())
}
