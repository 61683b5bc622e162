//! What a patient's timeline shows of who learned their name behind a pseudonym, and of copies of their data: for the
//! DPO and auditors.

use crate::Key;
use crate::http::fault::Fault;
use crate::patients::event::{Entry, Event, Hand, Place, Position, Reader, Who};
use crate::people::page::names::reference;
use crate::privacy::pseudonyms;
use domain::{Can, PatientId, Role, UserId};
use store::View;
use store::patients::Patient;
use store::privacy::accesses::What;
use store::privacy::timeline;

const SOURCE: &str = "privacy";

/// Reveals and copies; those that were refused too.
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
    for access in timeline::before(view, patient.key, &position.of(SOURCE), limit)? {
        let actor = access.viewer.map(|user| hand(view, reader, user)).transpose()?;
        let (code, text) = match access.what {
            What::Export => ("access.export", Key("event-export")),
            _ => ("access.reveal", Key("event-reveal")),
        };
        let refused = access.refused.clone();
        let entry = Entry::new(code, What::Looks, move |w| match &refused {
            Some(code) => format!("{} · {} ({code})", w.say(text), w.say("look-refused")),
            None => w.say(text),
        });
        let entry = entry.by(actor).with("refused", access.refused).with("role", access.role.map(Role::name));
        events.push(Event::shown(Place::numbered(access.at, SOURCE, access.id), entry));
    }
    Ok(events)
}

/// Who it was, as on the page of all looks: a colleague's name for the DPO, who answers for it to the person; for
/// auditors how they know them.
fn hand(view: &mut View<'_>, reader: &mut Reader<'_>, user: UserId) -> Result<Hand, Fault> {
    let id = pseudonyms::shown(view, reader.viewer, PatientId(user.0))?.to_string();
    let who = match reader.viewer.may(Can::ApproveReveals) {
        true => reader.person(view, user)?,
        false => Who::Named(reference(&id)),
    };
    Ok(Hand { id: format!("user:{id}"), who })
}
