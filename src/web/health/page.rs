//! How the house is, and the rules it judges by.

use std::path::Path;
use std::time::Duration;

use crate::audit::page::seal_age;
use crate::audit::verifications;
use crate::escalation::view::progress::channel_word;
use crate::health::pulse::Pulse;
use crate::health::view::{self as pages, Backlog, Health, Module, Provider, Rolling};
use crate::http::fault::Fault;
use crate::pages::Level;
use crate::pages::job::UnderWay;
use crate::pages::visit::{Answer, Room, Visit};
use crate::people::page::names::{People, reference};
use crate::privacy::pseudonyms;
use crate::rules::view::{self as rule_pages, Rule, Step, Version};
use crate::state::Rests;
use crate::{Key, Lang, Section};
use domain::messages::Channel;
use domain::rules::{Condition, Kind};
use domain::{Can, Instant};
use store::escalation::paging;
use store::health::lapses::Standing;
use store::health::waiting;
use store::health::waiting::COUNTED;
use store::rules::RuleVersion;
use store::rules::{self, reevaluations};
use store::{Url, View, audit, jobs};

/// A module that has not ended a run for so long is late.
const LATE: Duration = Duration::from_secs(60);

/// Readings older than this should be in chunks, or on their way.
const CLOSED: Duration = Duration::from_secs(1_200);

/// `/status`, or its figures.
pub(crate) async fn status(visit: Visit) -> Answer {
    visit
        .page(Section::Status, |room| {
            let view = room.read(|view| fill(view, room))?;
            Ok(if room.is_part { pages::part(&room.shell, &view) } else { pages::page(&room.shell, &view) })
        })
        .await
}

fn fill(view: &mut View<'_>, room: &Room) -> Result<pages::View, Fault> {
    let state = &room.state;
    let waiting = waiting::look(view, room.now.minus(CLOSED))?;
    let (series, since) = reevaluations::backlog(view)?;
    let backlog = |depth: i64, since: Option<Instant>| Backlog {
        depth: whole(depth),
        age: since.map(|at| room.now.since(at)),
    };
    let pulse = Pulse::take(view, state, room.now)?;
    let counts = state.edge.counts();
    let count = |name: &str| counts.iter().find(|(known, _)| *known == name).map(|(_, n)| *n);
    let edge = [
        (Key("status-edge-readings"), "readings_stored"),
        (Key("status-edge-messages"), "messages"),
        (Key("status-edge-refused"), "messages_refused"),
        (Key("status-edge-quarantined"), "parts_quarantined"),
        (Key("status-edge-not-stored"), "messages_not_stored"),
    ];
    let (backend, free_bytes) = match state.store.url() {
        Url::Sqlite(file) => ("SQLite", free(file)),
        Url::Postgres(_) => ("PostgreSQL", None),
    };
    Ok(pages::View {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: state.started_at,
        modules: state.engine.modules().into_iter().map(|module| shown(module, room)).collect(),
        jobs: jobs::open(view)?.iter().map(UnderWay::from).collect(),
        log_broken: verifications::log_broken(view)?,
        queue_depth: count("messages_queued").unwrap_or(0),
        reevaluate: backlog(series, since),
        outbox: backlog(waiting.outbox.depth, waiting.outbox.since),
        commands: backlog(waiting.commands.depth, waiting.commands.since),
        unrolled: Rolling { readings: whole(waiting.unrolled), more: waiting.unrolled >= COUNTED },
        seal_age: seal_age(view, room)?,
        unsigned: audit::unsigned_since(view)?.map(|at| room.now.since(at)),
        connections: u64::try_from(state.edge.connections()).unwrap_or(0),
        edge: edge.into_iter().filter_map(|(name, known)| Some((name, count(known)?))).collect(),
        backend: backend.to_owned(),
        stored_bytes: waiting.bytes.map(whole),
        free_bytes,
        certificates: state.certificates.iter().map(|one| (one.door, one.left(room.now))).collect(),
        nobody_reached: pulse.unreached,
        passed_over: pulse.passed_over.map(|passed| (passed.alerts, passed.since)),
        step: pulse.step,
        heartbeat: pulse.heartbeat,
        messages: messages(view, room, &pulse)?,
        resting: resting(view, room, &pulse)?,
        lapses: pulse
            .lapses
            .into_iter()
            .map(|Standing { lapse, noticed_at, count }| pages::Lapse {
                link: (lapse.kind == "late_program" && room.viewer.may(Can::SeeWebhooks))
                    .then(|| format!("/webhooks/{}", lapse.subject)),
                kind: lapse.kind,
                subject: lapse.subject,
                count,
                expected_at: lapse.expected_at,
                noticed_at,
            })
            .collect(),
    })
}

fn messages(view: &mut View<'_>, room: &Room, pulse: &Pulse) -> Result<Vec<pages::MessageCounts>, Fault> {
    let modules = room.state.engine.modules();
    let sends = |name: &str| modules.iter().any(|module| module.name == name);
    let called = !paging::webhooks(view)?.is_empty();
    let provider = |channel| {
        let known = pulse.breakers.iter().find(|(known, _)| *known == channel);
        match channel {
            Channel::Email if !sends("outbox email") => Provider::Missing(Key("status-no-email")),
            Channel::Webhook if !called => Provider::Missing(Key("status-no-webhook")),
            _ => known.and_then(|(_, until)| *until).map_or(Provider::Asked, Provider::Resting),
        }
    };
    let of = |channel| pages::MessageCounts {
        channel: channel_word(channel),
        due: pulse.messages(channel, &["due"]),
        sending: pulse.messages(channel, &["sending"]),
        gone: pulse.messages(channel, &["accepted", "sent", "delivered", "read"]),
        failed: pulse.messages(channel, &["failed"]),
        provider: provider(channel),
    };
    Ok(Channel::ALL.into_iter().map(of).collect())
}

/// Who is left alone, by the names that the reader knows.
fn resting(view: &mut View<'_>, room: &Room, pulse: &Pulse) -> Result<Vec<pages::Resting>, Fault> {
    let mut people = People::default();
    let mut out = Vec::new();
    for rest in &pulse.resting {
        let (kind, name, link) = match (&rest.what, rest.channel) {
            (Rests::Domain(name), _) => (Key("status-rests-domain"), name.clone(), None),
            (Rests::Recipient(id), Channel::Webhook) => {
                let link = room.viewer.may(Can::SeeWebhooks).then(|| format!("/webhooks/{id}"));
                (Key("status-rests-program"), id.clone(), link)
            }
            (Rests::Recipient(id), _) => {
                let name = match id.parse() {
                    Ok(user) if pseudonyms::knows_none(&room.viewer) => {
                        reference(&pseudonyms::staff(view, &room.viewer, user)?.to_string())
                    }
                    Ok(user) => people.user(view, user)?,
                    Err(_not_a_user) => id.clone(),
                };
                let known = room.viewer.may(Can::SeeSchedules) && !pseudonyms::knows_none(&room.viewer);
                let link = known.then(|| format!("/on-duty/{id}"));
                (Key("status-rests-mailbox"), name, link)
            }
        };
        out.push(pages::Resting { kind, name, link, window: (rest.since, rest.until), why: rest.why });
    }
    Ok(out)
}

fn whole(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// Bytes that are left for us on the disk that holds `file`.
fn free(file: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(file.parent()?).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

fn shown(module: crate::state::Module, room: &Room) -> Module {
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
pub(crate) async fn rules(visit: Visit) -> Answer {
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
            Lang::PtBr => rule.name.pt.into(),
            Lang::En => rule.name.en.into(),
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
