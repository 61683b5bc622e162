//! What a patient's timeline shows of their consents: each answer, and each end.

use crate::Key;
use crate::consents::view::purpose;
use crate::http::fault::Fault;
use crate::patients::event::{Entry, Event, Place, Position, Reader};
use domain::Instant;
use store::View;
use store::consents::timeline;
use store::patients::Patient;
use store::privacy::accesses::What;

const SOURCE: &str = "consents";

/// Answers, and what became of them.
///
/// # Errors
/// Store faults.
pub(crate) fn contribute(
    view: &mut View<'_>,
    reader: &mut Reader<'_>,
    patient: &Patient,
    position: &Position,
    limit: i64,
) -> Result<Vec<Event>, Fault> {
    let mut events = Vec::new();
    for entry in timeline::before(view, patient.key, &position.of(SOURCE), limit)? {
        let action = entry.event.act.action().as_str();
        let purpose_id = entry.event.purpose.as_str();
        let actor = entry.actor.as_deref().map(|actor| reader.hand(view, actor)).transpose()?;
        let shown_entry = Entry::new(format!("consent.{action}"), What::Consents, move |w| {
            let name = purpose(purpose_id).map_or_else(|| purpose_id.to_owned(), |(name, _)| w.say(name));
            format!("{name}: {}", w.say(done(action)).to_lowercase())
        });
        let shown_entry = shown_entry.by(actor).with("purpose", purpose_id).with("epoch", entry.epoch);
        let at = Instant::from_micros(entry.event.at);
        events.push(Event::shown(Place::of(at, SOURCE, entry.id.to_string()), shown_entry));
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
