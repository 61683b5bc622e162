//! What a patient's timeline shows of their devices: put on, taken off, and readings that turned out to be theirs or
//! another's.

use crate::Key;
use crate::http::fault::Fault;
use crate::patients::event::{Entry, Event, Place, Position, Reader};
use domain::DeviceId;
use store::View;
use store::devices::timeline;
use store::patients::Patient;
use store::privacy::accesses::What;

/// Devices, and readings that moved with them.
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
    for worn in timeline::bound_before(view, patient.key, &position.of("devices.bound"), limit)? {
        let entry = worn_by(view, reader, worn.device, "device.bound", Key("event-bound"))?;
        events.push(Event::shown(Place::of(worn.at, "devices.bound", worn.id), entry));
    }
    for worn in timeline::unbound_before(view, patient.key, &position.of("devices.unbound"), limit)? {
        let entry = worn_by(view, reader, worn.device, "device.unbound", Key("event-unbound"))?;
        events.push(Event::shown(Place::of(worn.at, "devices.unbound", worn.id), entry));
    }
    for moved in timeline::moved_before(view, patient.key, &position.of("devices.moved"), limit)? {
        let label = reader.people.device(view, moved.device)?;
        let (code, sentence) = match moved.gives {
            true => ("device.readings_came", Key("event-readings-came")),
            false => ("device.readings_left", Key("event-readings-left")),
        };
        let (name, readings, from) = (label.clone(), moved.readings, moved.from);
        let entry = Entry::new(code, What::Identity, move |w| {
            let text = w.two(sentence, "count", w.count("finding-readings", readings), "device", &name);
            format!("{text} · {}", w.one("event-measured-from", "time", w.at(&from)))
        });
        let entry = entry.about("devices", moved.device).with("label", label).with("readings", readings);
        let entry = entry.with("from", from.rfc3339());
        events.push(Event::shown(Place::numbered(moved.at, "devices.moved", moved.id), entry));
    }
    Ok(events)
}

fn worn_by(
    view: &mut View<'_>,
    reader: &mut Reader<'_>,
    device: DeviceId,
    code: &'static str,
    sentence: Key,
) -> Result<Entry, Fault> {
    let label = reader.people.device(view, device)?;
    let name = label.clone();
    let entry = Entry::new(code, What::Identity, move |w| w.one(sentence, "device", &name));
    Ok(entry.about("devices", device).with("label", label))
}
