//! What happened to a patient, newest first, as far as the viewer's rights reach: no value is in it.

use std::time::Duration;

use crate::Key;
use crate::alerts::page::finding::RuleNames;
use crate::alerts::page::queue::shown_level;
use crate::alerts::view::alert::ActKind;
use crate::consents::view::purpose;
use crate::http::fault::Fault;
use crate::pages::visit::Room;
use crate::patients::view::patient::{Event, EventKind};
use crate::people::page::names::People;
use domain::{Can, Instant};
use store::devices::{self, bindings, moves};
use store::patients::Patient;
use store::{View, alerts, consents};

/// Events shown.
const SHOWN: usize = 20;
/// Told so long after it began, an event names when that was.
const LATE: Duration = Duration::from_secs(3_600);

/// The timeline of one patient.
///
/// # Errors
/// Store faults.
pub fn fill(view: &mut View<'_>, room: &Room, patient: &Patient) -> Result<Vec<Event>, Fault> {
    let mut people = People::default();
    let mut events = Vec::new();
    if room.viewer.may(Can::SeeConsents) {
        events.extend(choices(view, room, patient, &mut people)?);
    }
    if room.viewer.may(Can::SeeDevices) {
        events.extend(bindings_of(view, room, patient, &mut people)?);
    }
    if room.viewer.may(Can::SeeAlerts) {
        events.extend(episodes(view, room, patient, &mut people)?);
    }
    events.sort_by_key(|event| std::cmp::Reverse(event.at));
    events.truncate(SHOWN);
    Ok(events)
}

const fn event(at: Instant, kind: EventKind, text: String, who: Option<String>) -> Event {
    Event { at, kind, text, who, audit_index: None }
}

fn choices(
    view: &mut View<'_>,
    room: &Room,
    patient: &Patient,
    people: &mut People,
) -> Result<Vec<Event>, Fault> {
    let w = room.words();
    let mut events = Vec::new();
    for entry in consents::latest(view, patient.key, i64::try_from(SHOWN).unwrap_or(i64::MAX))? {
        let id = entry.event.purpose.as_str();
        let name = purpose(id).map_or_else(|| id.to_owned(), |(name, _)| w.say(name));
        let text = format!("{}: {}", name, w.say(done(entry.event.act.action().as_str())).to_lowercase());
        let who = match &entry.actor {
            Some(actor) => people.hand(view, room, actor)?,
            None => None,
        };
        events.push(event(Instant::from_micros(entry.event.at), EventKind::Consent, text, who));
    }
    Ok(events)
}

fn done(action: &str) -> Key {
    match action {
        "offered" => Key("consent-offered"),
        "granted" => Key("consent-granted"),
        "refused" => Key("consent-refused"),
        "revoked" => Key("consent-revoked"),
        "expired" => Key("consent-expired"),
        "suspended" => Key("consent-suspended"),
        _ => Key("consent-stale"),
    }
}

fn bindings_of(
    view: &mut View<'_>,
    room: &Room,
    patient: &Patient,
    people: &mut People,
) -> Result<Vec<Event>, Fault> {
    let w = room.words();
    let mut events = Vec::new();
    for bound in bindings::latest(view, patient.key, i64::try_from(SHOWN).unwrap_or(i64::MAX))? {
        let name = people.device(view, bound.device)?;
        let text = w.one("event-bound", "device", &name);
        events.push(event(bound.from, EventKind::Device, text, None));
        if let Some(to) = bound.to {
            events.push(event(to, EventKind::Device, w.one("event-unbound", "device", &name), None));
        }
    }
    for moved in moves::of_patient(view, patient.key, i64::try_from(SHOWN).unwrap_or(i64::MAX))? {
        if moved.moved == 0 {
            continue;
        }
        let device = devices::id_of(view, moved.device_key)?;
        let name = people.device(view, device)?;
        let key = if moved.gives { Key("event-readings-came") } else { Key("event-readings-left") };
        let text = w.two(key, "count", w.count("finding-readings", moved.moved), "device", &name);
        let text = format!("{text} · {}", w.one("event-measured-from", "time", w.at(&moved.from)));
        events.push(event(moved.created_at, EventKind::Device, text, None));
    }
    Ok(events)
}

fn episodes(
    view: &mut View<'_>,
    room: &Room,
    patient: &Patient,
    people: &mut People,
) -> Result<Vec<Event>, Fault> {
    let w = room.words();
    let names = RuleNames::load(view, w.lang)?;
    let mut cases = room.cases();
    let mut found = cases.of_patient(view, patient.key, i64::try_from(SHOWN).unwrap_or(i64::MAX))?;
    found.sort_by_key(|case| std::cmp::Reverse(case.started_at));
    found.truncate(SHOWN);
    cases.show(&found);
    let mut events = Vec::new();
    for alert in found {
        // Which rule spoke, and how gravely, is part of what it found.
        let (rule, mut text) = match alert.judged() {
            Ok(judged) => {
                let (rule, peak) = (names.of(judged), shown_level(judged.peak));
                (rule.clone(), format!("{rule}: {}", ActKind::Raised(peak).words(w)))
            }
            Err(_hidden) => (w.say("alert-masked"), w.say("alert-masked")),
        };
        let measured = alert.started_at;
        if alert.raised_at.since(measured) > LATE {
            text = format!("{text} · {}", w.one("event-measured", "time", w.clock(&measured)));
        }
        events.push(event(alert.raised_at, EventKind::Alert, text, None));
        for row in alerts::acts(view, alert.id)? {
            let whom = row.whom.map(|whom| people.user(view, whom)).transpose()?;
            let Some(what) = ActKind::from_name(&row.act, whom) else { continue };
            let who = people.hand(view, room, &row.actor)?;
            events.push(event(row.at, EventKind::Act, format!("{rule}: {}", what.words(w)), who));
        }
    }
    Ok(events)
}
