//! What a patient's timeline shows of readings: what was decided on those set aside, and what their source put right.
//! No value is in it.

use crate::Key;
use crate::http::fault::Fault;
use crate::pages::visit::masked;
use crate::patients::event::{Entry, Event, Place, Position, Reader};
use crate::patients::view::patient::why_set_aside;
use crate::people::auth::{permit_collected, permit_display};
use domain::Signal;
use store::View;
use store::patients::Patient;
use store::privacy::accesses::What;
use store::readings::timeline::{self, Corrected, Decided};

/// Decisions and corrections; nothing without the permits to keep and to show what was measured.
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
    let collected = permit_collected(view, reader.state, reader.viewer, patient.key);
    let permits = collected.and_then(|collected| {
        Ok((collected, permit_display(view, reader.state, reader.viewer, patient.key)?))
    });
    let (collected, display) = match permits {
        Ok(permits) => permits,
        Err(fault) => {
            reader.hide("readings", patient.id, What::Readings, masked(fault)?);
            return Ok(Vec::new());
        }
    };
    let mut events = Vec::new();
    let place = position.of("readings.decided");
    for decided in timeline::decided_before(view, &collected, &display, patient.key, &place, limit)? {
        let place = Place::of(decided.at, "readings.decided", decided.id.clone());
        events.push(match decision(&decided.decision) {
            Some(sentence) => Event::shown(place, judged(view, reader, decided, sentence)?),
            None => Event::left_out(place),
        });
    }
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let place = position.of("readings.corrected");
    for corrected in timeline::corrected_before(view, &display, patient.key, &place, most)? {
        // All of one instant is one row.
        let place = Place::of(corrected.at, "readings.corrected", "");
        events.push(match corrected.signals.is_empty() {
            true => Event::left_out(place),
            false => Event::shown(place, put_right(corrected)),
        });
    }
    Ok(events)
}

fn decision(name: &str) -> Option<Key> {
    Some(match name {
        "released" => Key("event-released"),
        "discarded" => Key("event-discarded"),
        "withdrawn" => Key("event-withdrawn"),
        _ => return None,
    })
}

fn judged(
    view: &mut View<'_>,
    reader: &mut Reader<'_>,
    decided: Decided,
    sentence: Key,
) -> Result<Entry, Fault> {
    let actor = decided.by.as_deref().map(|actor| reader.hand(view, actor)).transpose()?;
    let (signal, reason) = (decided.signal, decided.reason.clone());
    let entry = Entry::new(format!("reading.{}", decided.decision), What::Readings, move |w| {
        let text = match signal {
            Some(signal) => format!("{}: {}", w.say(sentence), w.signal(&signal)),
            None => w.say(sentence),
        };
        match why_set_aside(&reason) {
            Some(why) => format!("{text} · {}", w.say(why)),
            None => text,
        }
    });
    let entry = entry.icon("archive").by(actor).with("item", decided.id).with("reason", decided.reason);
    Ok(entry.with("signal", signal.map(Signal::name)))
}

fn put_right(corrected: Corrected) -> Entry {
    let Corrected { signals, more, .. } = corrected;
    let counts: serde_json::Map<String, serde_json::Value> =
        signals.iter().map(|(signal, count)| ((*signal).to_owned(), (*count).into())).collect();
    let entry = Entry::new("reading.corrected", What::Readings, move |w| {
        let named = |(name, count): (&&str, &usize)| {
            let signal = Signal::ALL.iter().find(|signal| signal.name() == *name);
            let signal = signal.map_or_else(|| (*name).to_owned(), |signal| w.signal(signal));
            format!("{signal} ({count}{})", if more { "+" } else { "" })
        };
        let signals: Vec<String> = signals.iter().map(named).collect();
        w.one("event-source-corrected", "signals", signals.join(", "))
    });
    entry.with("readings", counts).with("more", more)
}
