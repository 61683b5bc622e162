//! The audit explorer: what the log holds, its signed state, proofs to take away, and whether it is whole.

use std::time::Duration;

use actix_web::web::{Path, Query};
use chrono::{NaiveDate, NaiveTime, TimeZone};
use serde::Deserialize;

use crate::audit::view::{self as pages, Checkpoint, Detail, Entry, Filter};
use crate::audit::{kind, verifications};
use crate::http::fault::Fault;
use crate::pages::visit::{Answer, Room, Visit};
use crate::privacy::pseudonyms;
use crate::{Code, Key, Section, Words};
use audit::kind::EntryType;
use audit::{ActorKind, Decision, Signer, Vkey, merkle};
use domain::Instant;
use store::privacy::accesses::What;
use store::{Subject, View, audit as log};

/// Entries on a page.
const SHOWN: usize = 100;

/// `?kind=&actor=&patient=&decision=&from=&to=&cursor=`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    kind: String,
    actor: String,
    patient: String,
    decision: String,
    from: String,
    to: String,
    cursor: String,
}

/// `/audit`.
pub(crate) async fn explore(visit: Visit, asked: Query<Asked>) -> Answer {
    visit
        .page(Section::Audit, move |room| {
            let view = room.read(|view| fill(view, room, &asked))?;
            Ok(pages::page(&room.shell, &view))
        })
        .await
}

fn fill(view: &mut View<'_>, room: &Room, asked: &Asked) -> Result<pages::View, Fault> {
    let w = room.words();
    let subject = match asked.patient.trim() {
        "" => None,
        text => {
            let asked = text.parse().map_err(|_not_an_id| Fault::invalid("patient", "a patient's id"))?;
            let meant = pseudonyms::meant(view, &room.viewer, asked)?;
            let id = room.viewer.audience.subject(view, meant)?;
            room.sight.saw(id, What::Looks);
            Some(Subject::Patient(id))
        }
    };
    let filter = log::Filter {
        kind: Some(asked.kind.as_str()).filter(|kind| !kind.is_empty()),
        from: day(w, &asked.from, 0),
        to: day(w, &asked.to, 1),
        decision: match asked.decision.as_str() {
            "permit" => Some(Decision::Permit),
            "deny" => Some(Decision::Deny),
            _ => None,
        },
        actor: actor_kind(&asked.actor),
        subjects: [subject, None],
    };
    let slice = log::page(view, &filter, asked.cursor.parse().ok(), SHOWN)?;
    let entries = slice.lines.iter().map(|line| entry(w, line)).collect();
    let Asked { kind, actor, patient, decision, from, to, cursor: _ } = asked.clone();
    Ok(pages::View {
        filter: Filter { kind, actor, patient, decision, from, to },
        kinds: EntryType::ALL.iter().map(|kind| (kind.name(), kind::word(*kind))).collect(),
        entries,
        next: slice.next.map(|next| next.to_string()),
        checkpoint: checkpoint(view, room)?,
        verifications: verifications::page::fill(view, room)?,
    })
}

fn actor_kind(text: &str) -> Option<ActorKind> {
    Some(match text.trim() {
        "device" => ActorKind::Device,
        "user" => ActorKind::User,
        "subject" => ActorKind::Subject,
        "system" => ActorKind::System,
        _ => return None,
    })
}

const fn actor_word(kind: ActorKind) -> Key {
    match kind {
        ActorKind::Device => Key("actor-device"),
        ActorKind::User => Key("actor-user"),
        ActorKind::Subject => Key("actor-subject"),
        ActorKind::System => Key("actor-system"),
    }
}

/// The first instant of a local day, `plus` days later.
fn day(w: &Words, text: &str, plus: u64) -> Option<Instant> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.checked_add_days(chrono::Days::new(plus))?;
    let local = w.zone.from_local_datetime(&date.and_time(NaiveTime::MIN)).earliest()?;
    Some(Instant::from_secs(local.timestamp()))
}

fn entry(w: &Words, line: &log::Line) -> Entry {
    let Some(entry) = &line.entry else {
        let none = String::new;
        let kind = "?".to_owned();
        return Entry {
            index: line.leaf,
            at: Instant::default(),
            kind,
            actor: none(),
            subject: none(),
            purpose: none(),
            decision: none(),
            code: none(),
        };
    };
    let tag = |tag: &audit::tag::Tag| {
        let text = serde_json::to_value(tag).ok();
        let text = text.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
        text.chars().take(10).collect::<String>()
    };
    let actor = match &entry.actor.tag {
        Some(known) => format!("{} {}", w.say(actor_word(entry.actor.kind)), tag(known)),
        None => w.say(actor_word(entry.actor.kind)),
    };
    Entry {
        index: line.leaf,
        at: entry.at,
        kind: entry.kind.name().to_owned(),
        actor,
        subject: entry.subject.as_ref().map(tag).unwrap_or_default(),
        purpose: entry.purpose.clone().unwrap_or_default(),
        decision: match entry.decision {
            Some(Decision::Permit) => "permit".to_owned(),
            Some(Decision::Deny) => "deny".to_owned(),
            None => String::new(),
        },
        code: entry.code.clone().unwrap_or_default(),
    }
}

fn key(room: &Room) -> Result<&Vkey, Fault> {
    let signer = room.state.log_signer.as_ref();
    let signer = signer.ok_or_else(|| Fault::new(Code::NotFound).with("reason", "the log is not open"))?;
    Ok(signer.vkey())
}

fn checkpoint(view: &mut View<'_>, room: &Room) -> Result<Option<Checkpoint>, Fault> {
    use base64::Engine as _;
    let Some(key) = room.state.log_signer.as_ref().map(Signer::vkey) else { return Ok(None) };
    let Some(head) = log::head(view, key)? else { return Ok(None) };
    Ok(Some(Checkpoint {
        origin: head.checkpoint.origin.clone(),
        size: head.checkpoint.size,
        root: base64::engine::general_purpose::STANDARD.encode(head.checkpoint.root),
        at: head.at,
        key: head.vkey(key)?.to_string(),
    }))
}

/// `/audit/entries/{index}`.
pub(crate) async fn one(visit: Visit, index: Path<u64>) -> Answer {
    let index = *index;
    visit
        .page(Section::Audit, move |room| {
            let view = room.read(|view| detail(view, room, index))?;
            Ok(pages::entry(&room.shell, &view))
        })
        .await
}

fn detail(view: &mut View<'_>, room: &Room, index: u64) -> Result<Detail, Fault> {
    let bytes = log::entry(view, index)?.ok_or(Code::NotFound)?;
    let read = audit::Entry::read(&bytes).ok();
    let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
    // An entry is read out of the signed tree or not at all.
    let sealed = checkpoint(view, room)?.is_some();
    Ok(Detail {
        entry: entry(room.words(), &log::Line { leaf: index, entry: read, found: None }),
        json: serde_json::to_string_pretty(&value).unwrap_or_default(),
        leaf_hash: hex::encode(merkle::leaf(&bytes)),
        sealed,
    })
}

/// `/audit/entries/{index}/proof`: a C2SP tlog-proof to take away.
pub(crate) async fn proof(visit: Visit, index: Path<u64>) -> Answer {
    let index = *index;
    let prove = move |room: &Room| room.read(|view| Ok(log::proof_of_entry(view, key(room)?, index)?));
    visit.file(format!("{index}.tlog-proof"), prove).await
}

/// The age of the newest checkpoint.
///
/// # Errors
/// Store faults.
pub(crate) fn seal_age(view: &mut View<'_>, room: &Room) -> Result<Option<Duration>, Fault> {
    Ok(checkpoint(view, room)?.map(|checkpoint| room.now.since(checkpoint.at)))
}
