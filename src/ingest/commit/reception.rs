//! The instant that stands for the reception of a message without instants of its own: its own, unless MQTT says that
//! the message was sent before.

use std::collections::HashMap;
use std::time::Duration;

use crate::admit::Admitted;
use domain::{DeviceId, Instant};
use store::readings::{first_reception, remember_reception};
use store::{Result, Tx};

/// Two messages of one device that were read from the socket within this time never share an instant.
const APART: Duration = Duration::from_secs(1);

/// The last instants that were given, by device.
#[derive(Default)]
pub(crate) struct Receptions {
    last: HashMap<DeviceId, Instant>,
    second: i64,
}

impl Receptions {
    /// A commit begins at `now`: what is long ago is in nobody's way.
    pub(crate) fn begin(&mut self, now: Instant) {
        if now.secs() != self.second {
            self.second = now.secs();
            self.last.retain(|_, last| now.since(*last) < APART);
        }
    }

    /// The instant of an unstamped message whose readings reach `spread` microseconds beyond it.
    ///
    /// A resend keeps the first reception's. Everything else is measured anew: what came in one wake-up of the
    /// connection is a microsecond apart, so that the same bytes twice are two readings. QoS 0 is never sent again.
    ///
    /// # Errors
    /// Database errors.
    pub(crate) fn of(
        &mut self,
        tx: &mut Tx<'_>,
        message: &Admitted,
        device_key: i64,
        spread: i64,
    ) -> Result<Instant> {
        let Some(packet_id) = message.packet_id else { return Ok(self.next(message, spread)) };
        let sha256 = message.sha256();
        if message.resent
            && let Some(first) = first_reception(tx, device_key, &sha256, packet_id, message.received_at)?
        {
            return Ok(first);
        }
        let at = self.next(message, spread);
        remember_reception(tx, device_key, &sha256, packet_id, at)?;
        Ok(at)
    }

    fn next(&mut self, message: &Admitted, spread: i64) -> Instant {
        let received = message.received_at;
        // A last instant far ahead is of a clock that stepped back since.
        let crowded =
            self.last.get(&message.device).filter(|last| **last >= received && last.since(received) < APART);
        let at = crowded.map_or(received, |last| Instant::from_micros(last.micros().saturating_add(1)));
        self.last.insert(message.device, Instant::from_micros(at.micros().saturating_add(spread)));
        at
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use mqtt::gateway::{Delivery, Protocol, Reply};

    use super::*;
    use store::Urgency;
    use store::testing::{NOW, stores};

    /// A message of one device: bytes, packet identifier, whether MQTT says that it is sent again, and when it came.
    fn message(text: &'static str, packet_id: Option<u16>, resent: bool, at: Instant) -> Admitted {
        Admitted::from(Delivery {
            device: uuid::Uuid::from_u128(1),
            session: 1,
            packet_id,
            qos: u8::from(packet_id.is_some()),
            resent,
            content_type: None,
            payload: Bytes::from_static(text.as_bytes()),
            received_at: at.micros(),
            protocol: Protocol::V5,
            reply: Reply::unheard(),
        })
    }

    #[test]
    fn only_what_mqtt_sends_again_keeps_its_first_instant() {
        let after = |micros: i64| Instant::from_micros(NOW.micros() + micros);
        for store in stores() {
            let mut receptions = Receptions::default();
            let mut of = |text, packet_id, resent, micros| {
                let message = message(text, packet_id, resent, after(micros));
                let done = store.keep_house(Urgency::Patient, "test", message.received_at, |tx| {
                    receptions.of(tx, &message, 1, 0)
                });
                done.unwrap().micros() - NOW.micros()
            };
            let beat = r#"{"heart_rate":130}"#;
            // Read from the socket at once, with the same bytes.
            assert_eq!([1, 2, 3].map(|id| of(beat, Some(id), false, 0)), [0, 1, 2]);
            // The identifier is free after its acknowledgement, and the wearer still has 130.
            assert_eq!(of(beat, Some(1), false, 1_000_000), 1_000_000);
            // The second fall is not the first.
            let [alert, pain] = [r#"{"consciousness":"A"}"#, r#"{"consciousness":"P"}"#];
            let fell = [(alert, 4), (pain, 5), (alert, 6), (pain, 7)];
            assert_eq!(
                fell.map(|(text, id)| of(text, Some(id), false, 2_000_000 + i64::from(id))),
                [2_000_004, 2_000_005, 2_000_006, 2_000_007]
            );
            // After a lost connection: what came before finds its own, what did not come is new.
            assert_eq!(of(beat, Some(2), true, 9_000_000), 1);
            assert_eq!(of(pain, Some(7), true, 9_000_000), 2_000_007);
            assert_eq!(of(pain, Some(8), true, 9_000_000), 9_000_000);
            // QoS 0 is never sent again.
            assert_eq!([0, 0].map(|_| of(beat, None, true, 12_000_000)), [12_000_000, 12_000_001]);
        }
    }
}
