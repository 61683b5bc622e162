//! What a patient's timeline shows of messages: which went to whom about which alert, and how far each came. Messages
//! about an alert that is masked are shown to nobody, as in its log.

use crate::alerts::timeline::Known;
use crate::escalation::view::progress::{channel_icon, channel_word, receipt_word};
use crate::http::fault::Fault;
use crate::patients::event::{Entry, Event, Place, Position, Reader};
use domain::{AlertId, UserId};
use store::messages::timeline;
use store::patients::Patient;
use store::privacy::accesses::What;
use store::{View, escalation};

const SOURCE: &str = "messages";

/// Messages to people about a patient's alerts.
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
    let mut known = Known::new(reader);
    let mut events = Vec::new();
    for message in timeline::before(view, patient.id, &position.of(SOURCE), limit)? {
        let place = Place::numbered(message.created_at, SOURCE, message.id);
        let alert: Option<AlertId> =
            (message.kind == escalation::ALERT).then(|| message.subject.parse().ok()).flatten();
        let recipient: Option<UserId> = message.recipient.parse().ok();
        let is_shown = match alert {
            Some(alert) => known.case(view, alert)?.judged().is_ok(),
            None => false,
        };
        let (Some(alert), Some(recipient), true) = (alert, recipient, is_shown) else {
            events.push(Event::left_out(place));
            continue;
        };
        let name = reader.people.user(view, recipient)?;
        let (channel, state) = (message.channel, message.way.state);
        let entry = Entry::new("message.planned", What::Alerts, move |w| {
            let to = w.two("event-message", "channel", w.say(channel_word(channel)), "who", &name);
            format!("{to}: {}", w.say(receipt_word(state)))
        });
        let entry = entry.icon(channel_icon(channel)).about("alerts", alert).with("channel", channel.name());
        let entry = entry.with("state", state.name()).with("recipient", recipient.to_string());
        events.push(Event::shown(place, entry.with("template", message.template)));
    }
    Ok(events)
}
