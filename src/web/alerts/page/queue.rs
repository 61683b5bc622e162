//! The queue for one viewer now: what goes on, then what late data raised afterwards, then, when asked for, what was
//! resolved. A list that is longer than a page says so and leads on.

use std::collections::HashMap;

use actix_web::web::Query;
use serde::Deserialize;

use super::finding::{RuleNames, finding};
use crate::Section;
use crate::alerts::cases::{Case, Cases, MOST};
use crate::alerts::view::queue::{self, Counts, Filter, NextStep, Row};
use crate::escalation::page::progress::{next_label, uncalled};
use crate::http::fault::Fault;
use crate::pages::shell::address;
use crate::pages::visit::{Answer, Room, Visit};
use crate::pages::{AlertState, Level, Paging, Total};
use crate::patients::page::search::Wanted;
use crate::people::page::names::{People, short};
use domain::AlertId;
use domain::escalation::{Run, State};
use store::escalation::{self, Escalation};
use store::{Cursor, View};

/// How many rows a page shows.
const SHOWN: usize = 100;
/// How many resolved alerts are looked through for one page when something is asked for.
const WINDOW: usize = 1_000;

/// What a person asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    level: String,
    state: String,
    mine: String,
    q: String,
    part: String,
    /// After which row of the list: the start of the last one seen and its id; of what is not resolved its id alone.
    cursor: String,
    /// How older links asked for a part.
    from: String,
}

impl Asked {
    /// What waits for an answer.
    pub(crate) fn open() -> Self {
        Self { state: AlertState::Open.name().to_owned(), ..Self::default() }
    }

    /// The address of the same list after a row; without one, from its head.
    fn after(&self, row: Option<String>) -> String {
        let cursor = row.unwrap_or_default();
        let values = [
            ("level", &self.level),
            ("state", &self.state),
            ("mine", &self.mine),
            ("q", &self.q),
            ("cursor", &cursor),
        ];
        address("/queue", &values.map(|(name, value)| (name, value.as_str())))
    }
}

/// `/queue`, its rows, or the number beside its name.
pub(crate) async fn show(visit: Visit, asked: Query<Asked>) -> Answer {
    if asked.part == "badge" {
        return visit.page(Section::Queue, |room| Ok(queue::badge(&room.shell))).await;
    }
    visit
        .page(Section::Queue, move |room| {
            let view = room.read(|view| fill(view, room, &asked))?;
            Ok(if room.is_part { queue::rows(&room.shell, &view) } else { queue::page(&room.shell, &view) })
        })
        .await
}

fn counted(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The queue as it was asked for.
///
/// # Errors
/// Store faults.
pub(crate) fn fill(view: &mut View<'_>, room: &Room, asked: &Asked) -> Result<queue::View, Fault> {
    let filter = Filter {
        level: Level::from_name(&asked.level),
        state: AlertState::from_name(&asked.state),
        mine: !asked.mine.is_empty(),
        q: asked.q.trim().to_owned(),
    };
    if !asked.from.is_empty() {
        return Err(Fault::invalid(
            "from",
            "this list is turned by `cursor`: begin at /queue and follow its links",
        ));
    }
    let mut cases = room.cases();
    let open = cases.queue(view, MOST)?;
    let counts = count(&open, room);
    let escalations = Escalations::load(view)?;
    let (unreached, open): (Vec<_>, Vec<_>) =
        open.into_iter().partition(|alert| escalations.unreached(alert));
    let mut people = People::default();
    let (wanted, paging) = match filter.state {
        Some(AlertState::Resolved) => {
            let (found, paging) = resolved(view, &mut cases, asked, filter.is_narrow())?;
            (matching(view, room, &filter, found, &mut people)?, paging)
        }
        _ => {
            let mut wanted = matching(view, room, &filter, open, &mut people)?;
            wanted.sort_by_key(|alert| {
                (
                    alert.is_past(),
                    std::cmp::Reverse(level(alert)),
                    // Within a level the next deadline; what has none waits behind, the longest waiting first.
                    escalations.next_at(alert.id).unwrap_or(domain::Instant::from_micros(i64::MAX)),
                    since(alert),
                )
            });
            let paging = cut(&mut wanted, asked);
            (wanted, paging)
        }
    };
    cases.show(unreached.iter().chain(&wanted));
    let names = RuleNames::load(view, room.words().lang)?;
    let mut shown = |alerts: &[Case]| -> Result<Vec<Row>, Fault> {
        let mut rows = Vec::new();
        for alert in alerts {
            let name = short(&people.patient(view, room, alert.patient)?);
            let mut row = row(view, room, alert, &name, &mut people, &names)?;
            row.nobody_reached = escalations.unreached(alert);
            // A masked row says by its own sentence why nobody is called.
            let asks = row.level.is_some() && escalations.may_lack_basis(alert.id);
            row.uncalled = uncalled(view, room, alert.patient_key, asks)?;
            let is_shown = row.level.is_some() && row.uncalled.is_none();
            row.next_step = escalations.of(alert.id, room).filter(|_| is_shown);
            rows.push(row);
        }
        Ok(rows)
    };
    let (pinned, rows) = (shown(&unreached)?, shown(&wanted)?);
    let may_act = room.viewer.may(domain::Can::ActOnAlerts);
    let may_answer = may_act || room.viewer.may(domain::Can::AnswerCalls);
    Ok(queue::View { filter, counts, rows, pinned, paging, may_act, may_answer })
}

/// What escalates, by alert.
struct Escalations(HashMap<String, Escalation>);

impl Escalations {
    fn load(view: &mut View<'_>) -> Result<Self, Fault> {
        let all = escalation::going_on(view, escalation::ALERT, MOST)?;
        Ok(Self(all.into_iter().map(|next_step| (next_step.subject.clone(), next_step)).collect()))
    }

    fn run(&self, alert: AlertId) -> Option<&Run> {
        self.0.get(&alert.to_string()).map(|next_step| &next_step.run)
    }

    /// Whether nobody was reached. Only a red calls people, so it is shown where the level may be.
    fn unreached(&self, alert: &Case) -> bool {
        alert.judged().is_ok() && self.run(alert.id).is_some_and(|run| run.state == State::NobodyReached)
    }

    /// Whether there may be no legal basis to call people: it waits for one, or for whoever holds it, and is asked only
    /// when that wait is over.
    fn may_lack_basis(&self, alert: AlertId) -> bool {
        let waits =
            |run: &Run| matches!(run.state, State::NoBasis | State::Acknowledged(_) | State::Snoozed(_));
        self.run(alert).is_some_and(waits)
    }

    fn next_at(&self, alert: AlertId) -> Option<domain::Instant> {
        self.run(alert)?.next_at
    }

    fn of(&self, alert: AlertId, room: &Room) -> Option<NextStep> {
        let run = self.run(alert)?;
        Some(NextStep {
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
    alerts: Vec<Case>,
    people: &mut People,
) -> Result<Vec<Case>, Fault> {
    let wanted = Wanted::of(&filter.q);
    let mut found = Vec::new();
    for alert in alerts {
        let fits = filter.level.is_none_or(|wanted| level(&alert) == Some(wanted))
            && filter.state.is_none_or(|wanted| shown_state(alert.state) == wanted)
            && (!filter.mine || alert.owner == Some(room.viewer.id));
        if fits && (wanted.is_empty() || wanted.fits(&people.name(view, room, alert.patient)?)) {
            found.push(alert);
        }
    }
    Ok(found)
}

/// A part of what was resolved, the newest first.
fn resolved(
    view: &mut View<'_>,
    cases: &mut Cases<'_>,
    asked: &Asked,
    narrow: bool,
) -> Result<(Vec<Case>, Paging), Fault> {
    let window = if narrow { WINDOW } else { SHOWN };
    let place: Option<Cursor> = match asked.cursor.as_str() {
        "" => None,
        text => {
            Some(text.parse().map_err(|_not_one| Fault::invalid("cursor", "follow the links of the list"))?)
        }
    };
    let (found, around) = cases.resolved(view, place.as_ref(), window)?;
    let address = |place: &Cursor| asked.after(Some(place.to_string()));
    let paging = Paging {
        seen: positive(found.len()),
        total: Total::Uncounted,
        before: around.newer.map(|place| place.as_ref().map_or_else(|| asked.after(None), address)),
        after: around.older.as_ref().map(address),
    };
    Ok((found, paging))
}

/// Leaves the page after the row that was asked for. The order changes as deadlines do: where that row is gone, the
/// page is the first one, so that nothing is passed over.
fn cut(alerts: &mut Vec<Case>, asked: &Asked) -> Paging {
    let total = alerts.len();
    let named = |case: &Case| case.id.to_string() == asked.cursor;
    let from = alerts.iter().position(named).map_or(0, |place| place + 1);
    let before = (from > 0).then(|| {
        let last = from.checked_sub(SHOWN + 1).and_then(|place| alerts.get(place));
        asked.after(last.map(|case| case.id.to_string()))
    });
    alerts.drain(..from);
    alerts.truncate(SHOWN);
    let seen = from + alerts.len();
    let last = alerts.last().filter(|_| seen < total);
    Paging {
        seen: positive(seen),
        total: Total::Of(positive(total)),
        before,
        after: last.map(|case| asked.after(Some(case.id.to_string()))),
    }
}

fn positive(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

fn count(open: &[Case], room: &Room) -> Counts {
    let of = |takes: &dyn Fn(&Case) -> bool| counted(open.iter().filter(|case| takes(case)).count());
    Counts {
        red: of(&|case| level(case) == Some(Level::Red) && !case.is_past()),
        yellow: of(&|case| level(case) == Some(Level::Yellow) && !case.is_past()),
        unclaimed: of(&|case| case.owner.is_none()),
        mine: of(&|case| case.owner == Some(room.viewer.id)),
        past: of(&Case::is_past),
    }
}

/// The level as people are to take it; `None` where it may not be shown.
pub(crate) fn level(case: &Case) -> Option<Level> {
    case.level().map(shown_level)
}

/// A level as pages show it.
pub(crate) const fn shown_level(level: domain::Level) -> Level {
    match level {
        domain::Level::Green => Level::Green,
        domain::Level::Yellow => Level::Yellow,
        domain::Level::Red => Level::Red,
    }
}

/// A state as pages show it.
pub(crate) const fn shown_state(state: domain::AlertState) -> AlertState {
    match state {
        domain::AlertState::Open => AlertState::Open,
        domain::AlertState::Acknowledged => AlertState::Acknowledged,
        domain::AlertState::Snoozed => AlertState::Snoozed,
        domain::AlertState::Resolved => AlertState::Resolved,
    }
}

/// Since when someone should look: the start, or the end of a snooze.
fn since(case: &Case) -> domain::Instant {
    case.snooze.map_or(case.started_at, |snooze| snooze.until)
}

fn row(
    view: &mut View<'_>,
    room: &Room,
    case: &Case,
    name: &str,
    people: &mut People,
    names: &RuleNames,
) -> Result<Row, Fault> {
    let text = finding(view, room, case, names)?;
    Ok(Row {
        alert: case.id,
        name: name.to_owned(),
        level: level(case),
        state: shown_state(case.state),
        // A silence that lasts hides nothing of how long it has been.
        since: if since(case) > room.now { case.started_at } else { since(case) },
        next_step: None,
        finding: text.sentence,
        detail: text.detail,
        started_at: case.started_at,
        ended_at: case.ended_at,
        latest: text.latest,
        owner: people.owner(view, case.holder(room.now), room.viewer.id)?,
        snoozed: people.snoozed(view, case.snooze)?,
        worn_out: case.worn_out,
        retrospective: case.retrospective,
        nobody_reached: false,
        uncalled: None,
    })
}
