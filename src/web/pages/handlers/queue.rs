//! The queue for one viewer now: clinicians read findings, agents and technicians the alerting signal's latest
//! value, managers which rule spoke.

use actix_web::web::Query;
use serde::Deserialize;

use super::people::{People, short};
use super::visit::{Answer, Room, Visit, masked};
use crate::domain::{self, AlertCase, Role};
use crate::store::accesses::Seen;
use crate::store::alerts::{self, StoredAlert};
use crate::store::{View, rules, telemetry};
use crate::web::auth::permit_display;
use crate::web::fault::Fault;
use crate::web::pages::queue::{self, Counts, Filter, Latest, Row};
use crate::web::pages::{AlertState, Level};
use crate::web::{Lang, Section, Words};

/// How many alerts one look takes in.
const MOST: i64 = 1_000;
/// How many rows a page shows: the gravest come first.
const SHOWN: usize = 200;

/// What a person asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    level: String,
    state: String,
    mine: String,
    q: String,
    part: String,
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
    let state = AlertState::from_name(&asked.state);
    let filter = Filter {
        level: Level::from_name(&asked.level),
        state,
        mine: !asked.mine.is_empty(),
        q: asked.q.trim().to_owned(),
    };
    let me = room.viewer.id;
    let all = alerts::Filter { unresolved: true, ..alerts::Filter::default() };
    let mut open = awake(alerts::page(view, all, MOST)?, room);
    let counts = count(&open, room);
    if let Some(state) = state {
        open.retain(|alert| shown_state(&alert.case) == state);
    }
    if state == Some(AlertState::Resolved) {
        let resolved = domain::AlertState::Resolved;
        let filter = alerts::Filter { state: Some(resolved), ..alerts::Filter::default() };
        open = alerts::page(view, filter, MOST)?;
    }
    open.retain(|alert| filter.level.is_none_or(|wanted| level(&alert.case) == wanted));
    open.retain(|alert| !filter.mine || alert.case.owner == Some(me));
    // What goes on now stands before what late data told of the past.
    open.sort_by_key(|alert| {
        (std::cmp::Reverse(level(&alert.case)), alert.retrospective, since(&alert.case))
    });
    let wanted = filter.q.to_lowercase();
    let (mut people, mut names) = (People::default(), RuleNames::load(view, room.words().lang)?);
    let mut rows = Vec::new();
    for alert in &open {
        let name = people.patient(view, alert.case.patient)?;
        if !name.to_lowercase().contains(&wanted) {
            continue;
        }
        rows.push(row(view, room, alert, &short(&name), (&mut people, &mut names), recorded)?);
        if rows.len() == SHOWN {
            break;
        }
    }
    Ok(queue::View { filter, counts, rows, next: None, may_act: room.viewer.may(domain::Can::ActOnAlerts) })
}

fn awake(alerts: Vec<StoredAlert>, room: &Room) -> Vec<StoredAlert> {
    let wake = |mut alert: StoredAlert| {
        alert.case = alert.case.awake(room.now);
        alert
    };
    alerts.into_iter().map(wake).collect()
}

fn count(open: &[StoredAlert], room: &Room) -> Counts {
    let of =
        |takes: &dyn Fn(&AlertCase) -> bool| counted(open.iter().filter(|alert| takes(&alert.case)).count());
    Counts {
        red: of(&|case| level(case) == Level::Red),
        yellow: of(&|case| level(case) == Level::Yellow),
        unclaimed: of(&|case| case.owner.is_none()),
        mine: of(&|case| case.owner == Some(room.viewer.id)),
    }
}

/// As it stands; at its gravest until a named person has answered for that.
pub fn level(case: &AlertCase) -> Level {
    shown_level(if case.answered_for() { case.facts.level } else { case.facts.peak })
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
        due: None,
        finding: told.sentence,
        latest: told.latest,
        owner: people.owner(view, case.owner, room.viewer.id)?,
        contacted_at: None,
        snoozed_until: case.snooze.map(|snooze| snooze.until),
        retrospective: alert.retrospective,
        nobody_reached: false,
    })
}

/// What a viewer is told of an alert.
pub struct Told {
    /// The finding, the rule's name, or why there is none.
    pub sentence: String,
    /// The alerting signal's latest value.
    pub latest: Option<Latest>,
}

/// What this viewer may be told of an alert, under a permit of this moment.
///
/// # Errors
/// Store faults.
pub fn told(
    view: &mut View<'_>,
    room: &Room,
    alert: &StoredAlert,
    names: &RuleNames,
    recorded: bool,
) -> Result<Told, Fault> {
    let w = room.words();
    let rule = names.of(alert);
    let hidden = |sentence: String| Told { sentence, latest: None };
    if !recorded {
        return Ok(hidden(w.say("code-audit")));
    }
    if crate::web::auth::purposes(room.viewer.role).is_empty() {
        return Ok(hidden(rule));
    }
    let permit = match permit_display(view, &room.state, &room.viewer, alert.patient_key) {
        Ok(permit) => permit,
        Err(fault) => return Ok(hidden(masked(fault)?.sentence(w))),
    };
    let latest = telemetry::latest(view, &permit, alert.patient_key, &[alert.signal])?;
    let latest = latest.first().map(|stored| Latest {
        signal: alert.signal,
        value: stored.reading.canonical(),
        at: stored.reading.at,
    });
    let sentence = match room.viewer.role {
        Role::Clinician => match alert.finding(view, &permit)? {
            Some(finding) => {
                let spoken = finding.spoken();
                tongue(w, spoken.pt, spoken.en)
            }
            None => w.say("finding-hidden"),
        },
        _ => rule,
    };
    Ok(Told { sentence, latest })
}

/// Of two sentences the one in the reader's language.
pub fn tongue(w: &Words, pt: String, en: String) -> String {
    match w.lang {
        Lang::PtBr => pt,
        Lang::En => en,
    }
}

/// What rules are called in the reader's language.
pub struct RuleNames(Vec<(String, String)>);

impl RuleNames {
    /// Every rule's name.
    ///
    /// # Errors
    /// Store faults.
    pub fn load(view: &mut View<'_>, lang: Lang) -> Result<Self, Fault> {
        let name = |rule: domain::Rule| {
            let name = match lang {
                Lang::PtBr => rule.name.pt,
                Lang::En => rule.name.en,
            };
            (rule.id, name)
        };
        Ok(Self(rules::in_force(view)?.into_iter().map(name).collect()))
    }

    /// The name of the rule that raised an alert; its id when it is no more.
    #[must_use]
    pub fn of(&self, alert: &StoredAlert) -> String {
        let id = &alert.episode.rule;
        self.0.iter().find(|(known, _)| known == id).map_or_else(|| id.clone(), |(_, name)| name.clone())
    }
}
