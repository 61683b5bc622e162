//! What a device says of itself, as people and programs are shown it: its battery, whichever way it was reported, and its
//! last words on its `status` topic.

use serde_json::Value;

use domain::{DeviceId, Instant, Line};
use store::devices::status;
use store::{Result, View};

/// Most characters shown of what a device says.
const LONGEST: usize = 120;

/// What a device says of itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Word {
    /// Percent, and when.
    pub battery: Option<(f64, Option<Instant>)>,
    /// Its last words, on one line, and when.
    pub status: Option<(String, Option<Instant>)>,
}

impl Word {
    /// Looks.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) fn of(view: &mut View<'_>, id: DeviceId, key: i64) -> Result<Self> {
        let status = status::last(view, id)?;
        let charged = status::charged(view, id, key)?.map(|charge| (charge.percent, Some(charge.at)));
        let document = status.as_ref().and_then(|(status, _)| serde_json::from_slice::<Value>(status).ok());
        let battery = document.as_ref().and_then(|document| document.get("battery")).and_then(Value::as_f64);
        let battery = battery.zip(status.as_ref().map(|(_, at)| *at));
        let newest =
            charged.into_iter().chain(battery).filter(|(percent, _)| (0.0..=100.0).contains(percent));
        Ok(Self {
            battery: newest.max_by_key(|(_, at)| *at),
            status: status.and_then(|(status, at)| Some((words(&status, document.as_ref())?, at))),
        })
    }
}

/// The words in a status: a plain text, or the `status` or `state` of a document. A battery alone is no word.
fn words(status: &[u8], document: Option<&Value>) -> Option<String> {
    let text = match document {
        None => std::str::from_utf8(status).ok()?,
        Some(Value::String(text)) => text,
        Some(document) => document.get("status").or_else(|| document.get("state"))?.as_str()?,
    };
    (!text.trim().is_empty()).then(|| Line::<LONGEST>::mended(text).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::DeviceIdentity;
    use store::devices::status::Charge;
    use store::testing::{NOW, stores};
    use store::{Actor, Urgency, devices};

    #[test]
    fn a_battery_is_shown_whichever_way_it_was_told_and_a_will_in_its_words() {
        let hour = |n: u64| NOW.plus(std::time::Duration::from_secs(3_600 * n));
        for store in stores() {
            let identity = DeviceIdentity { label: "a".into(), model: "b".into(), serial: None };
            let device = store.write(Actor::Operator, NOW, |tx| devices::insert(tx, &identity)).unwrap();
            let word = || store.read(|view| Word::of(view, device.id, device.key)).unwrap();
            assert_eq!(word(), Word::default());
            let says = |at, text: &[u8]| {
                store
                    .keep_house(Urgency::Urgent, "edge", at, |tx| status::report(tx, device.id, text))
                    .unwrap();
            };
            says(hour(1), b"{\"battery\":80}");
            assert_eq!(word(), Word { battery: Some((80.0, Some(hour(1)))), status: None });
            let charge = Charge { at: hour(2), percent: 7.0 };
            let measured = |tx: &mut store::Tx<'_>| status::charge(tx, device.id, device.key, charge);
            store.keep_house(Urgency::Urgent, "ingest", hour(2), measured).unwrap();
            says(hour(3), "off\u{202e}line\n".as_bytes());
            let status = Some(("off line".to_owned(), Some(hour(3))));
            assert_eq!(word(), Word { battery: Some((7.0, Some(hour(2)))), status });
            says(hour(4), b"{\"battery\":55,\"status\":\"online\"}");
            let status = Some(("online".to_owned(), Some(hour(4))));
            assert_eq!(word(), Word { battery: Some((55.0, Some(hour(4)))), status });
        }
    }
}
