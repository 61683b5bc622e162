//! How the house is, and the rules it judges by.

use std::time::Duration;

use super::audit::seal_age;
use super::visit::{Answer, Room, Visit};
use crate::domain::rule::{Condition, Kind};
use crate::store::rules::RuleVersion;
use crate::store::{Url, View, reevaluations, rules, telemetry};
use crate::web::fault::Fault;
use crate::web::pages::Level;
use crate::web::pages::rules::{self as rule_pages, Rule, Step, Version};
use crate::web::pages::status::{self as pages, Health, Module};
use crate::web::{Lang, Section};

/// A module that has not ended a run for so long is late.
const LATE: Duration = Duration::from_secs(60);

/// `/status`, or its figures.
pub async fn status(visit: Visit) -> Answer {
    visit
        .page(Section::Status, |room| {
            let view = room.read(|view| fill(view, room))?;
            Ok(if room.is_part { pages::part(&room.shell, &view) } else { pages::page(&room.shell, &view) })
        })
        .await
}

fn fill(view: &mut View<'_>, room: &Room) -> Result<pages::View, Fault> {
    let state = &room.state;
    let sizes = telemetry::sizes(view)?;
    let count =
        |name: &str| state.edge.counts().into_iter().find(|(known, _)| *known == name).map_or(0, |(_, n)| n);
    let positive = |n: i64| u64::try_from(n).unwrap_or(0);
    let (waiting, _oldest) = reevaluations::backlog(view)?;
    let backend = match state.store.url() {
        Url::Sqlite(_) => "SQLite",
        Url::Postgres(_) => "PostgreSQL",
    };
    Ok(pages::View {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: state.started_at,
        modules: state.engine.modules().into_iter().map(|module| shown(module, room)).collect(),
        ingest_lag: None,
        queue_depth: count("queue_depth"),
        reevaluate_depth: positive(waiting),
        outbox_depth: 0,
        seal_age: seal_age(view, room)?,
        connections: u64::try_from(state.edge.connections()).unwrap_or(0),
        readings_minute: None,
        backend: backend.to_owned(),
        stored_bytes: positive(sizes.hot.bytes.saturating_add(sizes.cold.bytes)),
        free_bytes: None,
        hot_rows: positive(sizes.hot.readings),
        nobody_reached: 0,
    })
}

fn shown(module: crate::web::state::Module, room: &Room) -> Module {
    let late = module.last_run_at.is_none_or(|at| room.now.since(at) > LATE);
    let health = match (&module.error, late) {
        (Some(_), _) => Health::Failing,
        (None, true) => Health::Late,
        (None, false) => Health::Well,
    };
    let did = room.words().whole(&module.did);
    Module {
        name: module.name.to_owned(),
        ran_at: module.last_run_at,
        took: Some(module.took),
        did: module.error.map_or(did, |error| error),
        health,
    }
}

/// `/rules`.
pub async fn rules(visit: Visit) -> Answer {
    visit
        .page(Section::Rules, |room| {
            let view = room.read(|view| Ok(known(rules::all(view)?, room.words().lang)))?;
            Ok(rule_pages::page(&room.shell, &view))
        })
        .await
}

/// Every rule by its versions, which come newest first.
fn known(all: Vec<RuleVersion>, lang: Lang) -> rule_pages::View {
    let mut known: Vec<Rule> = Vec::new();
    for version in all {
        let line = Version {
            number: version.rule.version,
            since: version.in_force_at,
            author: (version.author != "zelo").then(|| version.author.clone()),
            approver: (version.approver != "zelo").then(|| version.approver.clone()),
        };
        match known.last_mut().filter(|rule| rule.id == version.rule.id) {
            Some(rule) => rule.versions.push(line),
            None => known.push(first(version, line, lang)),
        }
    }
    rule_pages::View { rules: known }
}

fn first(version: RuleVersion, line: Version, lang: Lang) -> Rule {
    let rule = version.rule;
    let Kind::Threshold(lines) = rule.kind;
    let step = |level: Level, line: Condition| Step {
        level,
        above: line.op.upward(),
        value: line.value,
        for_secs: line.lasting.as_secs(),
    };
    Rule {
        name: match lang {
            Lang::PtBr => rule.name.pt,
            Lang::En => rule.name.en,
        },
        id: rule.id,
        signal: rule.signal,
        levels: vec![step(Level::Red, lines.red), step(Level::Yellow, lines.yellow)],
        clear: Some(step(Level::Green, lines.clear)),
        max_gap_secs: lines.max_gap.as_secs(),
        coverage: Some(u32::from(lines.min_coverage)),
        versions: vec![line],
        worth: None,
    }
}
