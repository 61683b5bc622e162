//! Checks waiting escalations again when people or the escalation changed: somebody it waits for was lost, or somebody
//! new belongs to a step that was already called, because their shift began or they stand in for somebody.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::prelude::*;

use super::{ALERT, Advanced, Escalation, Row, lock, record, save};
use crate::alerts::{holds, stored};
use crate::db::conn::{literally, on};
use crate::db::error::{Error, Result};
use crate::db::schema::{escalation_steps, escalations};
use crate::db::tx::{Tx, View};
use crate::escalation::paging::{self, Finder};
use crate::messages::Ground;
use domain::escalation::State;
use domain::{AlertId, Instant, UserId};

/// Escalations read together, with their history: about two megabytes.
const TOGETHER: i64 = 512;

/// The alerts whose escalation waits for people none of whom can be reached.
///
/// # Errors
/// Database errors.
pub fn waiting_in_vain(view: &mut View<'_>, now: Instant) -> Result<Vec<AlertId>> {
    let (mut lost, mut found) = (BTreeMap::new(), Vec::new());
    each(view, Instant::from_micros(i64::MIN), now, &mut |view, escalation, called| {
        let waits = escalation.run.state == State::Climbing && in_vain(view, &called.last, &mut lost, now)?;
        found.extend(waits.then(|| escalation.subject.parse::<AlertId>().ok()).flatten());
        Ok(())
    })?;
    Ok(found)
}

/// Of the escalations that changed since an instant, the alerts for which a step that was called now includes somebody
/// whom nobody called.
///
/// # Errors
/// Database errors.
pub fn waiting(view: &mut View<'_>, since: Instant, now: Instant) -> Result<Vec<AlertId>> {
    let (mut finder, mut found) = (Finder::default(), Vec::new());
    each(view, since, now, &mut |view, escalation, called| {
        match newcomers(view, escalation, called, &mut finder, now) {
            Ok(Some(_)) => found.extend(escalation.subject.parse::<AlertId>()),
            Err(error) if !error.is_the_rows() => return Err(error),
            Ok(None) | Err(_) => {}
        }
        Ok(())
    })?;
    Ok(found)
}

type Look<'f> = &'f mut dyn FnMut(&mut View<'_>, &Escalation, &Called) -> Result<()>;

/// Looks at every escalation that waits for people and changed since an instant, a batch at a time. One that cannot be
/// read is set aside when it is due, and does not hold up the others.
fn each(view: &mut View<'_>, since: Instant, now: Instant, look: Look<'_>) -> Result<()> {
    let mut after = (now.micros(), String::new());
    loop {
        let waits = "escalations.state IN ('climbing', 'nobody_reached') AND escalations.state <> 'done'";
        let rows: Vec<(Option<i64>, Row)> = escalations::table
            .filter(literally(waits))
            .filter(escalations::next_at.ge(after.0).and(escalations::next_at.gt(now.micros())))
            .filter(escalations::next_at.gt(after.0).or(escalations::id.gt(&after.1)))
            .filter(escalations::kind.eq(ALERT).and(escalations::updated_at.ge(since.micros())))
            .filter(escalations::spoiled.is_null())
            .order((escalations::next_at, escalations::id))
            .limit(TOGETHER)
            .select((escalations::next_at, Row::as_select()))
            .load(view.conn)?;
        let Some((next_at, last)) = rows.last() else { return Ok(()) };
        after = (next_at.unwrap_or(i64::MAX), last.id.clone());
        let called = all_called(view, rows.iter().map(|(_, row)| row.id.as_str()))?;
        for escalation in rows.into_iter().filter_map(|(_, row)| row.open().ok()) {
            look(view, &escalation, called.get(&escalation.id).unwrap_or(&Called::default()))?;
        }
    }
}

/// Calls people who now belong to a step that was already called. If waiting for the people called is pointless and
/// nobody takes their place, the next step becomes due. Returns `false` while somebody else holds the alert. Decides
/// under the alert's row, for another node may have gone on meanwhile.
///
/// # Errors
/// Database errors.
pub fn look_again(tx: &mut Tx<'_>, alert: AlertId) -> Result<bool> {
    if holds::hold_to_call(tx, &[alert.to_string()])?.is_empty() {
        return Ok(false);
    }
    let patient = stored::get(tx, alert)?.case.patient;
    let ground = Ground::ask(tx, patient)?;
    let Some(from) = lock(tx, alert)? else { return Ok(true) };
    let (mut run, now, mut finder) = (from.run.clone(), tx.now(), Finder::default());
    let (called, mut lost, mut did) = (called(tx, &from.id)?, BTreeMap::new(), Vec::new());
    let mut vain = in_vain(tx, &called.last, &mut lost, now)?;
    let newcomers = if ground.is_ok() { newcomers(tx, &from, &called, &mut finder, now)? } else { None };
    if let Some((step, people)) = newcomers {
        let heard = !in_vain(tx, &people, &mut lost, now)?;
        did.extend(run.join(step, people, vain && heard, now));
        vain &= !heard;
    }
    if vain {
        run.hasten(now);
    }
    if run != from.run {
        let advanced = [Advanced { did, due_at: now, from, run, ground }];
        save(tx, &advanced)?;
        record(tx, &advanced)?;
        super::page(tx, &advanced, &mut finder)?;
        tx.signal("alert.changed", alert)?;
    }
    Ok(true)
}

/// Whom an escalation called.
#[derive(Default)]
struct Called {
    /// Everybody so far.
    ever: BTreeSet<UserId>,
    /// Those it waits for: the people of the last call, and those who joined them.
    last: Vec<UserId>,
    /// When a step last was called or found empty. A call by name, on a hand-over, is no step.
    at: Option<Instant>,
    /// Whether what it waits for is complete: the last call was found.
    is_complete: bool,
}

impl Called {
    /// A step that came before those that are known.
    fn add(&mut self, did: &str, at: i64, people: &str) {
        let people: Vec<UserId> = people.split_whitespace().filter_map(|user| user.parse().ok()).collect();
        self.at.get_or_insert(Instant::from_micros(at));
        self.ever.extend(&people);
        if !self.is_complete {
            self.last.extend(people);
        }
        self.is_complete |= did == "paged";
    }
}

fn called(view: &mut View<'_>, id: &str) -> Result<Called> {
    Ok(all_called(view, std::iter::once(id))?.remove(id).unwrap_or_default())
}

/// Whom each of these escalations called; one that called nobody is absent.
fn all_called<'a>(
    view: &mut View<'_>,
    ids: impl Iterator<Item = &'a str>,
) -> Result<HashMap<String, Called>> {
    let query = escalation_steps::table
        .filter(escalation_steps::escalation_id.eq_any(ids.collect::<Vec<_>>()))
        .filter(escalation_steps::did.eq_any(["paged", "joined", "empty"]))
        .order(escalation_steps::id.desc())
        .select((
            escalation_steps::escalation_id,
            escalation_steps::did,
            escalation_steps::at,
            escalation_steps::people,
        ));
    let rows: Vec<(String, String, i64, String)> = on!(&mut *view.conn, |c| query.load(c))?;
    let mut out: HashMap<String, Called> = HashMap::new();
    for (id, did, at, people) in rows {
        out.entry(id).or_default().add(&did, at, &people);
    }
    Ok(out)
}

/// The people whom a step that was called includes and nobody called, with the first such step. While an escalation
/// waits for a person to whom the case was handed by name, it waits for that person alone; once it goes on, or the case
/// is no longer theirs, everybody is called again.
fn newcomers(
    view: &mut View<'_>,
    escalation: &Escalation,
    called: &Called,
    finder: &mut Finder,
    now: Instant,
) -> Result<Option<(usize, Vec<UserId>)>> {
    for (place, step) in escalation.run.called_steps() {
        let mut people = finder.find(view, step, now)?;
        people.retain(|user| !called.ever.contains(user));
        if people.is_empty() {
            continue;
        }
        let alert = escalation.subject.parse().map_err(|_not_an_id| Error::Corrupt("escalations.subject"))?;
        let case = stored::get(view, alert)?.case;
        let by_name = called.at.is_none_or(|at| at < escalation.run.stepped_at);
        if escalation.run.state == State::Climbing && by_name && case.owner.is_some() {
            return Ok(None);
        }
        // People who held it too often could not answer.
        let worn = case.worn_out();
        people.retain(|user| !worn.contains(user));
        if !people.is_empty() {
            return Ok(Some((place, people)));
        }
    }
    Ok(None)
}

/// Whether there are people here and none can be reached. `lost` caches who was checked.
fn in_vain(
    view: &mut View<'_>,
    people: &[UserId],
    lost: &mut BTreeMap<UserId, bool>,
    now: Instant,
) -> Result<bool> {
    for user in people {
        let gone = match lost.get(user) {
            Some(gone) => *gone,
            None => paging::awaited_in_vain(view, *user, now)?,
        };
        lost.insert(*user, gone);
        if !gone {
            return Ok(false);
        }
    }
    Ok(!people.is_empty())
}
