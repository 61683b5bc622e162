//! The queue for one viewer now: what goes on, then what late data told of the past, then, when asked for, what was
//! resolved. A list that is longer than a page says so and leads on.

use std::collections::HashMap;

use actix_web::web::Query;
use serde::Deserialize;

use super::ladder::{next_label, uncalled};
use super::people::{People, short};
use super::search::Wanted;
use super::told::{RuleNames, told};
use super::visit::{Answer, Room, Visit};
use crate::domain::escalation::{Run, State};
use crate::domain::{self, AlertCase, AlertId};
use crate::store::View;
use crate::store::accesses::Seen;
use crate::store::alerts::{self, StoredAlert};
use crate::store::escalations::{self, Escalation};
use crate::web::Section;
use crate::web::fault::Fault;
use crate::web::pages::queue::{self, Climb, Counts, Filter, Row};
use crate::web::pages::{AlertState, Level, Paging};
use crate::web::shell::address;

/// How many unresolved alerts one look takes in; beyond it the queue says that there are more.
pub const MOST: i64 = 5_000;
/// How many rows a page shows.
const SHOWN: usize = 100;
/// How many resolved alerts are looked through for one page when something is asked for.
const WINDOW: usize = 1_000;

/// What a person asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    level: String,
    state: String,
    mine: String,
    q: String,
    part: String,
    from: usize,
}

impl Asked {
    /// The address of the same list from another place.
    fn at(&self, from: usize) -> String {
        let from = if from == 0 { String::new() } else { from.to_string() };
        let values = [
            ("level", &self.level),
            ("state", &self.state),
            ("mine", &self.mine),
            ("q", &self.q),
            ("from", &from),
        ];
        address("/queue", &values.map(|(name, value)| (name, value.as_str())))
    }
}

/// `/queue`, its rows, or the number beside its name.
pub async fn show(visit: Visit, asked: Query<Asked>) -> Answer {
    if asked.part == "badge" {
        return visit.page(Section::Queue, |room| Ok(queue::badge(&room.shell))).await;
    }
    let recorded = visit.witness(Seen::Queue("alerts")).await;
    visit
        .page(Section::Queue, move |room| {
            let view = room.read(|view| fill(view, room, &asked, recorded))?;
            Ok(if room.is_part { queue::rows(&room.shell, &view) } else { queue::page(&room.shell, &view) })
        })
        .await
}

/// Unresolved alerts that stand at red.
///
/// # Errors
/// Store faults.
pub fn red_open(view: &mut View<'_>) -> Result<u32, Fault> {
    let filter = alerts::Filter { unresolved: true, ..alerts::Filter::default() };
    let open = alerts::page(view, filter, MOST)?;
    Ok(counted(open.iter().filter(|alert| level(&alert.case) == Level::Red).count()))
}

fn counted(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn fill(view: &mut View<'_>, room: &Room, asked: &Asked, recorded: bool) -> Result<queue::View, Fault> {
    let filter = Filter {
        level: Level::from_name(&asked.level),
        state: AlertState::from_name(&asked.state),
        mine: !asked.mine.is_empty(),
        q: asked.q.trim().to_owned(),
    };
    let all = alerts::Filter { unresolved: true, ..alerts::Filter::default() };
    let open = awake(alerts::page(view, all, MOST)?, room);
    let counts = count(&open, room);
    let climbs = Climbs::load(view)?;
    let (unreached, open): (Vec<_>, Vec<_>) =
        open.into_iter().partition(|alert| climbs.unreached(alert.id()));
    let mut people = People::default();
    let (wanted, paging) = match filter.state {
        Some(AlertState::Resolved) => {
            let (found, paging) = resolved(view, asked, filter.is_narrow())?;
            (matching(view, room, &filter, found, &mut people)?, paging)
        }
        _ => {
            let mut wanted = matching(view, room, &filter, open, &mut people)?;
            wanted.sort_by_key(|alert| {
                (
                    is_past(&alert.case, alert.retrospective),
                    std::cmp::Reverse(level(&alert.case)),
                    // Within a level the next deadline; what has none waits behind, the longest waiting first.
                    climbs.next_at(alert.id()).unwrap_or(domain::Instant::from_micros(i64::MAX)),
                    since(&alert.case),
                )
            });
            let paging = cut(&mut wanted, asked);
            (wanted, paging)
        }
    };
    let mut names = RuleNames::load(view, room.words().lang)?;
    let mut shown = |alerts: &[StoredAlert]| -> Result<Vec<Row>, Fault> {
        let mut rows = Vec::new();
        for alert in alerts {
            let name = short(&people.patient(view, alert.case.patient)?);
            let mut row = row(view, room, alert, &name, (&mut people, &mut names), recorded)?;
            row.climb = climbs.of(alert.id(), room);
            row.nobody_reached = climbs.unreached(alert.id());
            row.uncalled = uncalled(view, room, alert.patient_key, climbs.waits(alert.id()))?;
            rows.push(row);
        }
        Ok(rows)
    };
    let (pinned, rows) = (shown(&unreached)?, shown(&wanted)?);
    let may_act = room.viewer.may(domain::Can::ActOnAlerts);
    Ok(queue::View { filter, counts, rows, pinned, paging, may_act })
}

/// What climbs, by alert.
struct Climbs(HashMap<String, Escalation>);

impl Climbs {
    fn load(view: &mut View<'_>) -> Result<Self, Fault> {
        let all = escalations::going_on(view, escalations::ALERT, MOST)?;
        Ok(Self(all.into_iter().map(|climb| (climb.subject.clone(), climb)).collect()))
    }

    fn run(&self, alert: AlertId) -> Option<&Run> {
        self.0.get(&alert.to_string()).map(|climb| &climb.run)
    }

    fn unreached(&self, alert: AlertId) -> bool {
        self.run(alert).is_some_and(|run| run.state == State::NobodyReached)
    }

    /// Whether it waits for a legal basis to call people.
    fn waits(&self, alert: AlertId) -> bool {
        self.run(alert).is_some_and(|run| run.state == State::NoBasis)
    }

    fn next_at(&self, alert: AlertId) -> Option<domain::Instant> {
        self.run(alert)?.next_at
    }

    fn of(&self, alert: AlertId, room: &Room) -> Option<Climb> {
        let run = self.run(alert)?;
        Some(Climb {
            next: next_label(room.words(), run),
            at: run.next_at?,
            since: run.stepped_at,
            held: matches!(run.state, State::Acknowledged(_) | State::Snoozed(_)),
        })
    }
}

/// Those that the filter means.
fn matching(
    view: &mut View<'_>,
    room: &Room,
    filter: &Filter,
    alerts: Vec<StoredAlert>,
    people: &mut People,
) -> Result<Vec<StoredAlert>, Fault> {
    let wanted = Wanted::of(&filter.q);
    let mut found = Vec::new();
    for alert in alerts {
        let case = &alert.case;
        let fits = filter.level.is_none_or(|wanted| level(case) == wanted)
            && filter.state.is_none_or(|wanted| shown_state(case) == wanted)
            && (!filter.mine || case.owner == Some(room.viewer.id));
        if fits && (wanted.is_empty() || wanted.fits(&people.patient(view, case.patient)?)) {
            found.push(alert);
        }
    }
    Ok(found)
}

/// A stretch of what was resolved, the newest first.
fn resolved(view: &mut View<'_>, asked: &Asked, narrow: bool) -> Result<(Vec<StoredAlert>, Paging), Fault> {
    let window = if narrow { WINDOW } else { SHOWN };
    let (found, total) = alerts::resolved(view, asked.from, window)?;
    let (seen, total) = (asked.from + found.len(), usize::try_from(total).unwrap_or(0));
    let paging = Paging {
        seen: positive(seen),
        total: positive(total),
        before: (asked.from > 0).then(|| asked.at(asked.from.saturating_sub(window))),
        after: (seen < total).then(|| asked.at(seen)),
    };
    Ok((found, paging))
}

/// Leaves the page that was asked for.
fn cut(alerts: &mut Vec<StoredAlert>, asked: &Asked) -> Paging {
    let total = alerts.len();
    let from = asked.from.min(total);
    alerts.drain(..from);
    alerts.truncate(SHOWN);
    let seen = from + alerts.len();
    Paging {
        seen: positive(seen),
        total: positive(total),
        before: (from > 0).then(|| asked.at(from.saturating_sub(SHOWN))),
        after: (seen < total).then(|| asked.at(seen)),
    }
}

fn positive(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// Told by late data when it was over.
const fn is_past(case: &AlertCase, retrospective: bool) -> bool {
    retrospective && case.facts.ended_at.is_some()
}

fn awake(alerts: Vec<StoredAlert>, room: &Room) -> Vec<StoredAlert> {
    let wake = |mut alert: StoredAlert| {
        alert.case = alert.case.awake(room.now);
        alert
    };
    alerts.into_iter().map(wake).collect()
}

fn count(open: &[StoredAlert], room: &Room) -> Counts {
    let past = open.iter().filter(|alert| is_past(&alert.case, alert.retrospective)).count();
    let of =
        |takes: &dyn Fn(&AlertCase) -> bool| counted(open.iter().filter(|alert| takes(&alert.case)).count());
    Counts {
        red: of(&|case| level(case) == Level::Red),
        yellow: of(&|case| level(case) == Level::Yellow),
        unclaimed: of(&|case| case.owner.is_none()),
        mine: of(&|case| case.owner == Some(room.viewer.id)),
        past: counted(past),
    }
}

/// Who has it: an owner whose claim ran out without an answer keeps nobody away.
pub fn holder(case: &AlertCase, now: domain::Instant) -> Option<domain::UserId> {
    case.owner.filter(|_| case.claimed_until.is_none_or(|until| until > now))
}

/// As it stands; at its gravest until a named person has answered for that, and again once it is resolved.
pub fn level(case: &AlertCase) -> Level {
    let over = case.state == domain::AlertState::Resolved;
    shown_level(if case.answered_for() && !over { case.facts.level } else { case.facts.peak })
}

/// A level as pages show it.
pub const fn shown_level(level: domain::Level) -> Level {
    match level {
        domain::Level::Green => Level::Green,
        domain::Level::Yellow => Level::Yellow,
        domain::Level::Red => Level::Red,
    }
}

/// A state as pages show it.
pub const fn shown_state(case: &AlertCase) -> AlertState {
    match case.state {
        domain::AlertState::Open => AlertState::Open,
        domain::AlertState::Acknowledged => AlertState::Acknowledged,
        domain::AlertState::Snoozed => AlertState::Snoozed,
        domain::AlertState::Resolved => AlertState::Resolved,
    }
}

/// Since when someone should look: the start, or the end of a snooze.
fn since(case: &AlertCase) -> domain::Instant {
    case.snooze.map_or(case.facts.started_at, |snooze| snooze.until)
}

fn row(
    view: &mut View<'_>,
    room: &Room,
    alert: &StoredAlert,
    name: &str,
    (people, names): (&mut People, &mut RuleNames),
    recorded: bool,
) -> Result<Row, Fault> {
    let case = &alert.case;
    let told = told(view, room, alert, names, recorded)?;
    Ok(Row {
        alert: case.id,
        patient: case.patient,
        name: name.to_owned(),
        level: level(case),
        state: shown_state(case),
        since: since(case),
        climb: None,
        finding: told.sentence,
        detail: told.detail,
        started_at: case.facts.started_at,
        ended_at: case.facts.ended_at,
        latest: told.latest.filter(|_| case.state != domain::AlertState::Resolved),
        owner: people.owner(view, holder(case, room.now), room.viewer.id)?,
        snoozed_until: case.snooze.map(|snooze| snooze.until),
        retrospective: alert.retrospective,
        nobody_reached: false,
        uncalled: None,
    })
}
