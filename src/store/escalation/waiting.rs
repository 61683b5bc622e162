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
use domain::escalation::{Did, State};
use domain::{AlertId, Instant, UserId};

/// Escalations read together, with their history: about two megabytes.
const TOGETHER: i64 = 512;

/// Where a sweep over the waiting escalations stands.
#[derive(Debug, Clone)]
pub struct Place {
    next_at: i64,
    id: String,
}

impl Place {
    /// Before all that wait at an instant.
    #[must_use]
    pub const fn first(now: Instant) -> Self {
        Self { next_at: now.micros(), id: String::new() }
    }
}

/// A piece of the escalations that wait for people: the alerts of those that wait for people none of whom can be
/// reached, and of those that called a step that now includes somebody whom nobody called. And where the next piece
/// begins; `None` after the last. One that cannot be read is set aside when it is due, and does not hold up the others.
///
/// # Errors
/// Database errors.
pub fn waiting(view: &mut View<'_>, after: &Place, now: Instant) -> Result<(Vec<AlertId>, Option<Place>)> {
    let waits = "escalations.state IN ('climbing', 'nobody_reached') AND escalations.state <> 'done'";
    // One bound below: of two, SQLite seeks by the first, and each piece would walk over those before it.
    let from = after.next_at.max(now.micros().saturating_add(1));
    let rows: Vec<(Option<i64>, Row)> = escalations::table
        .filter(literally(waits))
        .filter(escalations::next_at.ge(from))
        .filter(escalations::next_at.gt(after.next_at).or(escalations::id.gt(&after.id)))
        .filter(escalations::spoiled.is_null())
        .order((escalations::next_at, escalations::id))
        .limit(TOGETHER)
        .select((escalations::next_at, Row::as_select()))
        .load(view.conn)?;
    let place =
        |(next_at, row): &(Option<i64>, Row)| Some(Place { next_at: (*next_at)?, id: row.id.clone() });
    let next = rows.last().and_then(place);
    let (mut finder, mut lost, mut found) = (Finder::default(), BTreeMap::new(), Vec::new());
    let called = all_called(view, rows.iter().map(|(_, row)| row.id.as_str()))?;
    let nobody = Called::default();
    // Asked here and not of the database: SQLite would look for the kind first, and sort all of it for each piece.
    let alerts = rows.into_iter().filter(|(_, row)| row.kind == ALERT);
    for escalation in alerts.filter_map(|(_, row)| row.open().ok()) {
        let called = called.get(&escalation.id).unwrap_or(&nobody);
        let in_vain = escalation.run.state == State::Waiting && in_vain(view, &called.last, &mut lost, now)?;
        let moves = in_vain || readable(newcomers(view, &escalation, called, &mut finder, now))?.is_some();
        found.extend(moves.then(|| escalation.subject.parse::<AlertId>().ok()).flatten());
    }
    Ok((found, next))
}

/// A case that cannot be read has no newcomers; its escalation goes on without them.
fn readable<T>(newcomers: Result<Option<T>>) -> Result<Option<T>> {
    match newcomers {
        Err(error) if error.is_the_rows() => Ok(None),
        newcomers => newcomers,
    }
}

/// Of escalations that just called a step, calls beside it whom the steps before it came to include while a person had
/// the case in hand: nobody looked then. What is to be written of them grows by that.
///
/// # Errors
/// Database errors.
pub fn call_newcomers(tx: &mut Tx<'_>, advanced: &mut [Advanced], finder: &mut Finder) -> Result<()> {
    let pages = |one: &&mut Advanced| {
        let later = one.run.state == State::NobodyReached || one.run.called_steps().len() > 1;
        later
            && one.ground.is_ok()
            && one.did.iter().any(|did| matches!(did, Did::Paged { .. } | Did::Empty { .. }))
    };
    let ids: Vec<String> = advanced.iter_mut().filter(pages).map(|one| one.from.id.clone()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let (mut called, now) = (all_called(tx, ids.iter().map(String::as_str))?, tx.now());
    for one in advanced.iter_mut().filter(pages) {
        let mut called = called.remove(&one.from.id).unwrap_or_default();
        called.at = Some(now);
        for did in &one.did {
            if let Did::Paged { people, .. } = did {
                called.ever.extend(people);
            }
        }
        let after = Escalation { run: one.run.clone(), ..one.from.clone() };
        if let Some((step, people)) = readable(newcomers(tx, &after, &called, finder, now))? {
            one.did.extend(one.run.join(step, people, false, now));
        }
    }
    Ok(())
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
        let alert = escalation
            .subject
            .parse()
            .map_err(|_not_an_id| Error::corrupt("escalations.subject").in_row(&escalation.id))?;
        let case = stored::get(view, alert)?.case;
        let by_name = called.at.is_none_or(|at| at < escalation.run.stepped_at);
        if escalation.run.state == State::Waiting && by_name && case.owner.is_some() {
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
