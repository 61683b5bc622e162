//! Lists of alerts. Each is read along an index and resumed after the last row seen, so that a page costs the same
//! however many alerts were resolved before.

use diesel::prelude::*;

use super::stored::{COLUMNS, Columns, Row, StoredAlert, unresolved};
use crate::db::conn::literally;
use crate::db::error::Result;
use crate::db::page::Cursor;
use crate::db::schema::alerts;
use crate::db::tx::View;
use crate::patients::audience::Audience;
use domain::Level;
use domain::alerts::AlertState;

/// Which alerts a list shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Only this level.
    pub level: Option<Level>,
    /// Only alerts that reached this level at their worst.
    pub peak: Option<Level>,
    /// Only this state; without it all.
    pub state: Option<AlertState>,
    /// Only this patient's.
    pub patient_key: Option<i64>,
}

/// A query uses one of these indexes; other conditions are checked on the rows it finds.
enum Key {
    All,
    State(AlertState),
    Patient(i64),
}

impl Filter {
    fn key(&self) -> Key {
        match (self.state, self.patient_key) {
            // Unresolved alerts are few, whichever patient they belong to.
            (Some(state), _) if state != AlertState::Resolved => Key::State(state),
            (_, Some(patient)) => Key::Patient(patient),
            (Some(state), None) => Key::State(state),
            (None, None) => Key::All,
        }
    }

    fn takes(&self, alert: &StoredAlert) -> bool {
        self.peak.is_none_or(|peak| alert.case.facts.peak == peak)
            && self.state.is_none_or(|state| alert.case.state == state)
            && self.patient_key.is_none_or(|key| alert.patient_key == key)
    }
}

/// The ranks of the list in order: alerts that may still be acted on before those found too late, the worst first.
const RANKS: [(bool, Level); 6] = [
    (false, Level::Red),
    (false, Level::Yellow),
    (false, Level::Green),
    (true, Level::Red),
    (true, Level::Yellow),
    (true, Level::Green),
];

/// The place of an alert among the worst: its rank, then its start.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    rank: usize,
    at: i64,
    id: String,
}

impl Place {
    fn cursor(&self) -> Cursor {
        Cursor { at: self.at, id: format!("{}-{}", self.rank, self.id) }
    }

    fn of(cursor: &Cursor) -> Option<Self> {
        let (rank, id) = cursor.id.split_once('-')?;
        let rank = rank.parse().ok().filter(|rank| *rank < RANKS.len())?;
        Some(Self { rank, at: cursor.at, id: id.to_owned() })
    }
}

/// Whose an alert is.
const WHOSE: &str = "alerts.patient_key";

/// The most rows that one call examines: where few of them match, the page is short and the next call goes on.
const REACH: usize = 4_000;

/// Some of the alerts of an audience, the worst first, then the oldest, and where to go on. A part may be shorter than asked for, even
/// empty, although more follow. `None`: the cursor was not returned by this list.
///
/// # Errors
/// Database errors.
pub fn worst(
    view: &mut View<'_>,
    audience: &Audience,
    filter: Filter,
    after: &Cursor,
    limit: usize,
) -> Result<Option<(Vec<StoredAlert>, Option<Cursor>)>> {
    let mut place = Place::of(after);
    if place.is_none() && *after != Cursor::start() {
        return Ok(None);
    }
    let (mut found, mut looked, step) = (Vec::new(), 0, limit.saturating_add(1));
    loop {
        let rows = stretch(view, audience, &filter, place.as_ref(), step)?;
        let is_last = rows.len() < step;
        for (next, alert) in rows {
            if found.len() == limit {
                return Ok(Some((found, place.as_ref().map(Place::cursor))));
            }
            (place, looked) = (Some(next), looked + 1);
            if filter.takes(&alert) {
                found.push(alert);
            }
        }
        if is_last {
            return Ok(Some((found, None)));
        }
        if looked >= REACH {
            return Ok(Some((found, place.as_ref().map(Place::cursor))));
        }
    }
}

type Ranked = (i64, String, Row);

/// The rows after a place, rank by rank, at most `limit`.
fn stretch(
    view: &mut View<'_>,
    audience: &Audience,
    filter: &Filter,
    after: Option<&Place>,
    limit: usize,
) -> Result<Vec<(Place, StoredAlert)>> {
    type All = (alerts::started_at, alerts::id, Columns);
    const ALL: All = (alerts::started_at, alerts::id, COLUMNS);
    let mut found = Vec::new();
    for (rank, (late, level)) in RANKS.into_iter().enumerate().skip(after.map_or(0, |place| place.rank)) {
        if filter.level.is_some_and(|wanted| wanted != level) {
            continue;
        }
        let left = i64::try_from(limit.saturating_sub(found.len())).unwrap_or(i64::MAX);
        let (at, id) = match after.filter(|place| place.rank == rank) {
            Some(place) => (place.at, place.id.clone()),
            None => (i64::MIN, String::new()),
        };
        let mut query = alerts::table
            .select(ALL)
            .filter(alerts::retrospective.eq(late).and(alerts::level.eq(level.code())))
            .filter(alerts::started_at.ge(at).and(alerts::started_at.gt(at).or(alerts::id.gt(id))))
            .order((alerts::started_at.asc(), alerts::id.asc()))
            .limit(left)
            .into_boxed();
        query = match filter.key() {
            Key::All => query,
            Key::State(state) => query.filter(alerts::state.eq(state.name())),
            Key::Patient(key) => query.filter(alerts::patient_key.eq(key)),
        };
        if let Some(within) = audience.within(WHOSE) {
            query = query.filter(within);
        }
        for (at, id, row) in query.load::<Ranked>(view.conn)? {
            found.push((Place { rank, at, id }, row.read()?));
        }
        if found.len() >= limit {
            break;
        }
    }
    Ok(found)
}

/// The unresolved alerts of an audience: those that may still be acted on before those found too late, the worst first,
/// then the oldest.
///
/// # Errors
/// Database errors.
pub fn queue(view: &mut View<'_>, audience: &Audience, limit: i64) -> Result<Vec<StoredAlert>> {
    let order =
        (alerts::retrospective.asc(), alerts::level.desc(), alerts::started_at.asc(), alerts::id.asc());
    let mut rows = alerts::table.filter(unresolved()).order(order).limit(limit).select(COLUMNS).into_boxed();
    if let Some(within) = audience.within(WHOSE) {
        rows = rows.filter(within);
    }
    rows.load::<Row>(view.conn)?.into_iter().map(Row::read).collect()
}

/// A patient's alerts: the unresolved first, then the newest resolved ones; at most `limit` of each.
///
/// # Errors
/// Database errors.
pub fn of_patient(view: &mut View<'_>, patient_key: i64, limit: i64) -> Result<Vec<StoredAlert>> {
    let unsettled = literally("(alerts.state <> 'resolved' OR alerts.ended_at IS NULL)");
    let waiting = alerts::table
        .filter(alerts::patient_key.eq(patient_key).and(unsettled))
        .order(alerts::id.desc())
        .limit(limit)
        .select(COLUMNS)
        .load::<Row>(view.conn)?;
    let newest = alerts::table
        .filter(alerts::patient_key.eq(patient_key))
        .order((alerts::started_at.desc(), alerts::id.desc()))
        .limit(limit)
        .select(COLUMNS)
        .load::<Row>(view.conn)?;
    let rows = waiting.into_iter().chain(newest).map(Row::read);
    let mut all = rows.collect::<Result<Vec<_>>>()?;
    let newest_first = |alert: &StoredAlert| {
        let over = alert.case.state == AlertState::Resolved;
        (over, std::cmp::Reverse(alert.episode.started_at), std::cmp::Reverse(alert.id()))
    };
    all.sort_by_key(newest_first);
    all.dedup_by_key(|alert| alert.id());
    Ok(all)
}

/// Some of the resolved alerts.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The newest first.
    pub alerts: Vec<StoredAlert>,
    /// The part with newer ones, if there are any: pass it as `before`.
    pub newer: Option<Option<Cursor>>,
    /// The part with older ones, if there are any.
    pub older: Option<Cursor>,
}

/// Resolved alerts of an audience before a place, the newest first; without a place, from the newest on.
///
/// # Errors
/// Database errors.
pub fn resolved(
    view: &mut View<'_>,
    audience: &Audience,
    before: Option<&Cursor>,
    limit: usize,
) -> Result<Resolved> {
    let over = || {
        let over = alerts::table.filter(literally("alerts.state = 'resolved'")).into_boxed();
        match audience.within(WHOSE) {
            Some(within) => over.filter(within),
            None => over,
        }
    };
    let reach = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let (at, id) = before.map_or((i64::MAX, String::new()), |place| (place.at, place.id.clone()));
    let mut rows: Vec<Ranked> = over()
        .filter(alerts::started_at.le(at).and(alerts::started_at.lt(at).or(alerts::id.lt(id))))
        .order((alerts::started_at.desc(), alerts::id.desc()))
        .limit(reach)
        .select((alerts::started_at, alerts::id, COLUMNS))
        .load(view.conn)?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let place = |(at, id, _): &Ranked| Cursor { at: *at, id: id.clone() };
    let (first, older) = (rows.first().map(place), rows.last().filter(|_| more).map(place));
    let newer = match (before, first) {
        (Some(_), Some(Cursor { at, id })) => {
            let mut newer: Vec<(i64, String)> = over()
                .filter(alerts::started_at.ge(at).and(alerts::started_at.gt(at).or(alerts::id.gt(id))))
                .order((alerts::started_at.asc(), alerts::id.asc()))
                .limit(reach)
                .select((alerts::started_at, alerts::id))
                .load(view.conn)?;
            let beyond = newer.split_off(limit.min(newer.len())).pop();
            (!newer.is_empty()).then(|| beyond.map(|(at, id)| Cursor { at, id }))
        }
        // What is left before a place that has nothing: the newest.
        (Some(_), None) => Some(None),
        (None, _) => None,
    };
    let alerts = rows.into_iter().map(|(.., row)| row.read()).collect::<Result<_>>()?;
    Ok(Resolved { alerts, newer, older })
}

/// The owners of a patient's last alerts, who know the patient.
///
/// # Errors
/// Database errors.
pub(crate) fn owners_lately(view: &mut View<'_>, patient_key: i64, limit: i64) -> Result<Vec<String>> {
    let owners: Vec<Option<String>> = alerts::table
        .filter(alerts::patient_key.eq(patient_key))
        .order((alerts::started_at.desc(), alerts::id.desc()))
        .limit(limit)
        .select(alerts::owner)
        .load(view.conn)?;
    Ok(owners.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::consents::permits;
    use crate::testing::{NOW, grant_calls, stores};
    use crate::{Actor, Keyed, Store, alerts as stored, on_call, tests};
    use ::rules::{Change, Episode, Finding};
    use domain::alerts::{Act, Outcome};
    use domain::{AlertId, Role, Rule};

    const ALL: Audience = Audience::program();

    /// One alert each second, in order, of one patient; resolved when asked for.
    fn raise(store: &Store, count: u64, resolve: bool) -> Vec<AlertId> {
        let ana = tests::patient(store, "Ana");
        let user = on_call::testing::person(store, Role::Clinician);
        let rule = &Rule::seeds()[0];
        store.write(Actor::Operator, NOW, |tx| grant_calls(tx, ana.id)).unwrap();
        let raise = |n: u64| {
            let now = NOW.plus(Duration::from_secs(n * 100));
            let opened = Change::Opened { level: Level::Red, started_at: now, at: now };
            let mut episode = Episode::opened(rule, &opened).unwrap();
            episode.ended_at = Some(now.plus(Duration::from_secs(1)));
            let finding = Finding::of(rule, Level::Red, &[]);
            let actor = Actor::User { id: user, role: Role::Clinician };
            store
                .write(actor, now, |tx| {
                    permits::lock(tx, &[ana.key])?;
                    stored::open(tx, Keyed { key: ana.key, id: ana.id }, rule, &episode, &finding, false)
                })
                .and_then(|id| {
                    if resolve {
                        store.write(actor, now, |tx| {
                            stored::acted(
                                tx,
                                id,
                                user,
                                Act::Resolve { outcome: Outcome::TrueAlarm },
                                Some("visto"),
                            )
                            .map_err(|_refused| crate::Error::Conflict("refused"))
                        })?;
                    }
                    Ok(id)
                })
                .unwrap()
        };
        (0..count).map(raise).collect()
    }

    #[test]
    fn every_alert_is_on_one_page_of_the_worst_although_some_come_meanwhile() {
        for store in stores() {
            let all = raise(&store, 7, false);
            let (mut seen, mut after) = (Vec::new(), Cursor::start());
            loop {
                let part =
                    store.read(|view| worst(view, &ALL, Filter::default(), &after, 3)).unwrap().unwrap();
                seen.extend(part.0.iter().map(StoredAlert::id));
                match part.1 {
                    Some(next) => after = next,
                    None => break,
                }
            }
            assert_eq!(seen, all, "the oldest first");
            let old = Cursor { at: 3, id: "queue".to_owned() };
            assert!(store.read(|view| worst(view, &ALL, Filter::default(), &old, 3)).unwrap().is_none());
            let red = Filter { peak: Some(Level::Yellow), ..Filter::default() };
            let none = store.read(|view| worst(view, &ALL, red, &Cursor::start(), 3)).unwrap().unwrap();
            assert!(none.0.is_empty() && none.1.is_none());
        }
    }

    #[test]
    fn what_was_resolved_is_turned_forth_and_back_over_the_same_pages() {
        for store in stores() {
            let mut all = raise(&store, 7, true);
            all.reverse();
            let part = |before: Option<&Cursor>| store.read(|view| resolved(view, &ALL, before, 3)).unwrap();
            let ids = |part: &Resolved| part.alerts.iter().map(StoredAlert::id).collect::<Vec<_>>();
            let first = part(None);
            assert_eq!((ids(&first), first.newer.is_some()), (all[..3].to_vec(), false));
            let second = part(first.older.as_ref());
            assert_eq!(ids(&second), all[3..6].to_vec());
            assert_eq!(second.newer, Some(None), "back to the newest");
            let third = part(second.older.as_ref());
            assert_eq!((ids(&third), third.older.is_none()), (all[6..].to_vec(), true));
            let back = part(third.newer.unwrap().as_ref());
            assert_eq!(ids(&back), ids(&second));
        }
    }
}
