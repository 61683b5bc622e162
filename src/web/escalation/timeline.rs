//! What a patient's timeline shows of escalations: which step called whom about which alert. An alert that is masked
//! has no escalation for people, as on its page.

use crate::alerts::timeline::{Known, RuleNames};
use crate::escalation::page::progress::{label, what};
use crate::http::fault::Fault;
use crate::patients::event::{Entry, Event, Place, Position, Reader};
use store::View;
use store::escalation::timeline;
use store::patients::Patient;
use store::privacy::accesses::What;

const SOURCE: &str = "escalation";

/// Steps of the escalations of a patient's alerts.
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
    let rules = RuleNames::load(view)?;
    let mut known = Known::new(reader);
    let mut events = Vec::new();
    for row in timeline::before(view, patient.id, &position.of(SOURCE), limit)? {
        let place = Place::numbered(row.did.at, SOURCE, row.id);
        let case = row.alert.map(|alert| known.case(view, alert)).transpose()?;
        let Some((case, judged)) = case.and_then(|case| Some((case, case.judged().ok()?))) else {
            events.push(Event::left_out(place));
            continue;
        };
        let (rule, alert) = (rules.of(&judged.rule), case.id);
        let mut names = Vec::new();
        for user in &row.did.people {
            names.push(reader.people.user(view, *user)?);
        }
        let (did, people) = (row.did.clone(), row.did.people.iter().map(ToString::to_string));
        let people: Vec<String> = people.collect();
        let entry = Entry::new(format!("escalation.{}", did.did), What::Alerts, move |w| {
            let step = format!("{}: {}, {}", rule.name_in(w), label(w, &did), w.say(what(&did).word()));
            if names.is_empty() { step } else { format!("{step}: {}", names.join(", ")) }
        });
        let entry = entry.icon(what(&row.did).icon()).about("alerts", alert).with("people", people);
        let entry = entry.with("step", row.did.step.map(|place| place + 1)).with("round", row.did.round);
        events.push(Event::shown(place, entry));
    }
    Ok(events)
}
