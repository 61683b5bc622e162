//! What a patient's timeline shows of their record: when it was made, put right, blocked.

use crate::Key;
use crate::http::fault::Fault;
use crate::patients::event::{Entry, Event, Place, Position, Reader};
use store::View;
use store::patients::Patient;
use store::patients::changes::{self, Change};
use store::privacy::accesses::What;

const SOURCE: &str = "patients";

/// Changes of the record.
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
    for changed in changes::before(view, patient.key, &position.of(SOURCE), limit)? {
        let actor = changed.actor.as_deref().map(|actor| reader.hand(view, actor)).transpose()?;
        let text = word(changed.what);
        let code = format!("patient.{}", changed.what.name());
        let entry = Entry::new(code, What::Identity, move |w| w.say(text)).by(actor);
        events.push(Event::shown(Place::numbered(changed.at, SOURCE, changed.id), entry));
    }
    Ok(events)
}

const fn word(change: Change) -> Key {
    match change {
        Change::Registered => Key("event-registered"),
        Change::Corrected => Key("event-corrected"),
        Change::Blocked => Key("event-blocked"),
        Change::Unblocked => Key("event-unblocked"),
    }
}
