//! What an auditor asks of the log: a page of entries, one entry, every entry about one person. Entries carry
//! no readings and no names, so nothing here needs a permit.

use std::sync::Arc;

use diesel::prelude::*;

use super::years::Entries;
use crate::db::conn::on;
use crate::db::error::{Error, Result};
use crate::db::schema::audit_entries as entries;
use crate::keys::SubjectKey;
use crate::keys::seal::Broken;
use crate::privacy::accesses;
use crate::{Class, Subject, View};
use audit::tag::{Found, finds};
use audit::{ActorKind, Decision, Entry, EntryType};
use domain::{Instant, PatientId};

/// The most entries a page holds.
const MOST: usize = 1_000;
/// How far back one call looks for entries of a kind or a time.
const REACH: u64 = 1 << 20;
/// How far back one call looks when each entry must be opened.
const OPENED: u64 = 1 << 15;

/// Which entries are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    /// A type, such as `consent.revoked`.
    pub kind: Option<&'a str>,
    /// Not before.
    pub from: Option<Instant>,
    /// Before.
    pub to: Option<Instant>,
    /// Permit or deny.
    pub decision: Option<Decision>,
    /// The kind of actor.
    pub actor: Option<ActorKind>,
    /// Each of these people or devices has a part in it: found by their tag keys alone.
    pub subjects: [Option<Subject>; 2],
}

/// One entry on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its place in the log.
    pub leaf: u64,
    /// What it says; `None` when it cannot be read: the log was altered.
    pub entry: Option<Entry>,
    /// The part that the first person asked for has in it.
    pub found: Option<Found>,
}

/// A page of entries, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slice {
    /// The entries; may be fewer than asked for, or none, although there is a next page.
    pub lines: Vec<Line>,
    /// Pass it as `before` for the next page; `None` at the first entry of the log.
    pub next: Option<u64>,
}

impl Filter<'_> {
    fn opens(&self) -> bool {
        self.decision.is_some() || self.actor.is_some() || self.names().next().is_some()
    }

    fn names(&self) -> impl Iterator<Item = Subject> {
        self.subjects.into_iter().flatten()
    }

    fn takes(&self, line: &Line) -> bool {
        let Some(entry) = &line.entry else { return true };
        self.decision.is_none_or(|decision| entry.decision == Some(decision))
            && self.actor.is_none_or(|kind| entry.actor.kind == kind)
    }
}

/// The newest entries that `filter` takes, before the place `before`. Each call looks at a bounded stretch.
///
/// # Errors
/// The person's key was destroyed; database errors.
pub fn page(view: &mut View<'_>, filter: &Filter<'_>, before: Option<u64>, limit: usize) -> Result<Slice> {
    let limit = limit.clamp(1, MOST);
    let mut wanted = Vec::new();
    for subject in filter.names() {
        match Wanted::of(view, subject)? {
            Some(known) => wanted.push(known),
            // No entry bears the tag of somebody who has no key, or has none any more.
            None => return Ok(Slice::default()),
        }
    }
    let newest: Option<i64> = entries::table.select(diesel::dsl::max(entries::leaf)).get_result(view.conn)?;
    let end = newest.and_then(|leaf| u64::try_from(leaf).ok()).map_or(0, |leaf| leaf + 1);
    let before = before.unwrap_or(u64::MAX).min(end);
    let floor = before.saturating_sub(if filter.opens() { OPENED } else { REACH });
    let leaves = leaves(view, filter, floor, before, if filter.opens() { None } else { Some(limit) })?;
    let mut slice = Slice { lines: Vec::new(), next: (floor > 0).then_some(floor) };
    for leaf in leaves {
        let bytes = Entries::new(view)?.entry(leaf)?.unwrap_or_default();
        let entry = Entry::read(&bytes).ok();
        let mut parts = Vec::with_capacity(wanted.len());
        for person in &wanted {
            parts.push(person.part(view, &bytes, entry.as_ref())?);
        }
        let line = Line { leaf, entry, found: parts.first().copied().flatten() };
        if parts.iter().all(Option::is_some) && filter.takes(&line) {
            slice.lines.push(line);
        }
        if slice.lines.len() == limit {
            slice.next = (leaf > 0).then_some(leaf);
            break;
        }
    }
    Ok(slice)
}

/// Somebody whose entries are looked for.
struct Wanted {
    key: Arc<SubjectKey>,
    patient: Option<PatientId>,
}

impl Wanted {
    /// `None` for whom no entry can be told any more: they never had a part in one, or were erased.
    fn of(view: &mut View<'_>, subject: Subject) -> Result<Option<Self>> {
        let patient = match subject {
            Subject::Patient(id) => Some(id),
            _ => None,
        };
        match view.key(subject, Class::Audit) {
            Ok(key) => Ok(Some(Self { key, patient })),
            Err(Error::Sealed(Broken::NoKey | Broken::KeyDestroyed, _)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The part they have in an entry; a look at a list names them in its body.
    fn part(&self, view: &mut View<'_>, bytes: &[u8], entry: Option<&Entry>) -> Result<Option<Found>> {
        let tagged = finds(bytes, self.key.tag_mac());
        let (None, Some(patient), Some(entry)) = (tagged, self.patient, entry) else { return Ok(tagged) };
        if entry.kind != EntryType::AccessRead || entry.subject.is_some() {
            return Ok(None);
        }
        Ok(accesses::listed(view, entry)?.contains(&patient).then_some(Found::Subject))
    }
}

/// The places from `before` down to `floor` whose kind and time are wanted.
fn leaves(
    view: &mut View<'_>,
    filter: &Filter<'_>,
    floor: u64,
    before: u64,
    limit: Option<usize>,
) -> Result<Vec<u64>> {
    let stretch = (super::rows::stored(floor)?, super::rows::stored(before)?);
    let within = entries::leaf.ge(stretch.0).and(entries::leaf.lt(stretch.1));
    let (from, to) = (filter.from.unwrap_or(Instant::MIN), filter.to.unwrap_or(Instant::MAX));
    let limit = limit.map_or(i64::MAX, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
    let found: Vec<Option<i64>> = on!(&mut *view.conn, |conn| {
        let mut query = entries::table
            .filter(within)
            .filter(entries::at.ge(from.micros()).and(entries::at.lt(to.micros())))
            .order(entries::leaf.desc())
            .limit(limit)
            .select(entries::leaf)
            .into_boxed();
        if let Some(kind) = filter.kind {
            query = query.filter(entries::kind.eq(kind));
        }
        query.load(conn)?
    });
    // What was searched for lies between two leaves: no entry without one is found.
    let place =
        |leaf: i64| u64::try_from(leaf).map_err(|_range| Error::corrupt("audit_entries.leaf").in_row(leaf));
    found.into_iter().flatten().map(place).collect()
}

/// The canonical bytes of one entry, as the leaf hashes them; `None` beyond the end.
///
/// # Errors
/// Database errors.
pub fn entry(view: &mut View<'_>, leaf: u64) -> Result<Option<Vec<u8>>> {
    Entries::new(view)?.entry(leaf)
}
