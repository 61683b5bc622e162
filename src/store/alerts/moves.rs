//! Alerts whose readings turned out to be another person's, because a binding was corrected. The alert stays with the
//! patient it was raised for, with what people did about it. It counts again if its readings come back, and whoever has
//! the readings now is shown it.

use std::time::Duration;

use diesel::prelude::*;

use super::stored::{COLUMNS, Row, StoredAlert};
use super::{lock, save};
use crate::consents::permits;
use crate::db::error::Result;
use crate::db::schema::{alert_acts, alerts};
use crate::db::tx::act::Act as Entry;
use crate::db::tx::{Tx, View};
use crate::keys::seal::Place;
use crate::keys::{Class, Subject};
use crate::readings::{Series, Span, whose};
use domain::{AlertId, Instant};
use rules::{Episode, Finding};

/// How much earlier or later an episode of the same readings may begin, where other readings lie before it.
const NEAR: Duration = Duration::from_secs(3_600);
/// Readings so close behind an alert of which a part went were of its story (microseconds).
const ONE_STORY: i64 = 300_000_000;
/// Alerts that are looked through.
const MOST: i64 = 64;

/// Whether readings that an episode rests on belong to another person, or to nobody, now.
///
/// # Errors
/// Database errors.
pub fn has_left(view: &mut View<'_>, stored: &StoredAlert) -> Result<bool> {
    whose::has_left(view, series(stored), during(&stored.episode))
}

const fn series(stored: &StoredAlert) -> Series {
    Series::new(stored.patient_key, stored.signal)
}

/// From its first reading to the last that is known to belong to it.
fn span(episode: &Episode) -> (Instant, Instant) {
    let known = episode.levels.last().map_or(episode.started_at, |last| last.at);
    (episode.started_at, episode.ended_at.map_or(known, |end| end.max(known)))
}

fn during(episode: &Episode) -> Span {
    let (from, last) = span(episode);
    Span { from: from.micros(), to: last.micros().saturating_add(1) }
}

/// Records that the readings of an alert left its patient. The alert is then raised where the readings are now, for
/// people whom that patient's consent allows.
///
/// # Errors
/// Database errors.
pub(crate) fn leave(tx: &mut Tx<'_>, stored: &StoredAlert) -> Result<()> {
    permits::lock(tx, &[stored.patient_key])?;
    let stored = &lock(tx, stored.id())?;
    let mut next = stored.clone();
    next.case = stored.case.left(tx.now());
    next.finding = None;
    if next.episode.ended_at.is_none() {
        next.episode.ended_at = Some(next.episode.started_at);
        next.case.facts.ended_at = next.episode.ended_at;
    }
    note(tx, stored, "moved")?;
    let body = serde_json::json!({ "alert": next.id(), "moved": true });
    save(tx, stored, next, Entry::new("alert.closed").code("retracted").body(body)).map(drop)
}

/// The alert of an episode whose readings left the patient and came back, if there is one.
///
/// # Errors
/// Database errors.
pub(crate) fn returned(
    view: &mut View<'_>,
    patient_key: i64,
    episode: &Episode,
) -> Result<Option<StoredAlert>> {
    for alert in near(view, patient_key, episode)? {
        if alert.case.moved_at.is_some() && whose::has_come(view, series(&alert), during(&alert.episode))? {
            return Ok(Some(alert));
        }
    }
    Ok(None)
}

/// Records that the readings of an alert are its patient's again, and were judged again.
///
/// # Errors
/// Database errors.
pub(crate) fn come_back(
    tx: &mut Tx<'_>,
    stored: &StoredAlert,
    episode: &Episode,
    finding: &Finding,
    retrospective: bool,
) -> Result<()> {
    permits::lock(tx, &[stored.patient_key])?;
    let stored = &lock(tx, stored.id())?;
    let mut next = stored.clone();
    next.case = stored.case.came_back(episode.facts(), tx.now());
    next.episode = episode.clone();
    next.retrospective = retrospective;
    let row = next.id().to_string();
    let place = Place::new("alerts", "finding", &row);
    next.finding =
        Some(tx.seal_json(Subject::Patient(next.case.patient), Class::Clinical, place, finding)?);
    note(tx, stored, "returned")?;
    let body = serde_json::json!({
        "alert": next.id(), "level": next.case.facts.level.name(), "state": next.case.state.name(),
        "returned": true,
    });
    save(tx, stored, next, Entry::new("alert.judged").purpose("alert.evaluate").body(body)).map(drop)
}

/// An alert that the same readings raised at another patient.
pub struct Elsewhere {
    /// The alert.
    pub alert: StoredAlert,
    /// When its readings left: what people did later is not about them.
    pub left_at: Instant,
}

/// The alerts that the readings of this one raised at others, while they stood there.
///
/// # Errors
/// Database errors.
pub fn raised_elsewhere(view: &mut View<'_>, id: AlertId) -> Result<Vec<Elsewhere>> {
    let stored = super::get(view, id)?;
    let mut found = Vec::new();
    let here = during(&stored.episode);
    for who in whose::before(view, series(&stored), here)?.into_keys() {
        for alert in near(view, who, &stored.episode)? {
            let mut there = during(&alert.episode);
            if alert.case.moved_at.is_none() {
                // What is left of it ends before what went begins, or is not known to have ended.
                let ended = alert.episode.ended_at.is_some();
                there.to = if ended { there.to.saturating_add(ONE_STORY) } else { i64::MAX };
            }
            let both = Span { from: here.from.max(there.from), to: here.to.min(there.to) };
            let left = whose::before(view, series(&stored), both)?.get(&who).copied();
            found.extend(left.map(|left_at| Elsewhere { alert, left_at }));
        }
    }
    found.sort_by_key(|elsewhere| (elsewhere.alert.episode.started_at, elsewhere.alert.id()));
    Ok(found)
}

/// The alerts of a patient raised for this rule and time, the first first.
fn near(view: &mut View<'_>, patient_key: i64, episode: &Episode) -> Result<Vec<StoredAlert>> {
    let (from, to) = span(episode);
    let of_rule = || {
        alerts::table
            .filter(alerts::patient_key.eq(patient_key).and(alerts::rule.eq(episode.rule.clone())))
            .select(COLUMNS)
    };
    // Two queries: joined by OR, the database walks every episode that the patient ever had.
    let ended = of_rule().filter(alerts::ended_at.ge(from.minus(NEAR).micros())).order(alerts::ended_at);
    let mut rows = ended.limit(MOST).load::<Row>(view.conn)?;
    rows.extend(of_rule().filter(alerts::ended_at.is_null()).load::<Row>(view.conn)?);
    let mut found = rows.into_iter().map(Row::read).collect::<Result<Vec<_>>>()?;
    found.retain(|alert| {
        let (began, ended) = span(&alert.episode);
        let end = if episode.ended_at.is_none() { Instant::MAX } else { to };
        let ended = if alert.episode.ended_at.is_none() { Instant::MAX } else { ended };
        began <= end && ended.micros().saturating_add(ONE_STORY) >= from.micros()
    });
    found.sort_by_key(|alert| (alert.episode.started_at, alert.id()));
    Ok(found)
}

fn note(tx: &mut Tx<'_>, stored: &StoredAlert, what: &str) -> Result<()> {
    diesel::insert_into(alert_acts::table)
        .values((
            alert_acts::alert_id.eq(stored.id().to_string()),
            alert_acts::at.eq(tx.now().micros()),
            alert_acts::actor.eq(tx.actor().name()),
            alert_acts::act.eq(what),
            alert_acts::patient_key.eq(Some(stored.patient_key)),
        ))
        .execute(tx.conn)?;
    Ok(())
}
