//! Payloads without an instant of their own: one that MQTT sends again keeps the instant of its first reception
//! (DESIGN §4).

use std::time::Duration;

use diesel::prelude::*;

use crate::Tx;
use crate::db::conn::on;
use crate::db::error::Result;
use crate::db::prune::oldest;
use crate::db::schema::unstamped::{self, dsl};
use domain::Instant;

/// How long a reception is remembered.
pub const REMEMBERED: Duration = Duration::from_secs(600);

/// When a message that MQTT says was sent before came first: the same bytes under the same packet identifier within
/// ten minutes. `None`: its first sending did not arrive, so this one is it.
///
/// A resend carries the identifier of the first sending (MQTT 5 §4.4), so that of several messages with the same bytes
/// each finds its own.
///
/// # Errors
/// Database errors.
pub fn first_reception(
    tx: &mut Tx<'_>,
    device_key: i64,
    payload_sha256: &[u8; 32],
    packet_id: u16,
    now: Instant,
) -> Result<Option<Instant>> {
    let index = index(tx, payload_sha256, packet_id)?;
    let known: Option<i64> =
        dsl::unstamped.find((device_key, index.as_slice())).select(dsl::at).first(tx.conn).optional()?;
    Ok(known.map(Instant::from_micros).filter(|first| now.since(*first) < REMEMBERED))
}

/// Remembers when a message came; the identifier is free again after its acknowledgement, so the latest stands.
///
/// # Errors
/// Database errors.
pub fn remember_reception(
    tx: &mut Tx<'_>,
    device_key: i64,
    payload_sha256: &[u8; 32],
    packet_id: u16,
    at: Instant,
) -> Result<()> {
    let index = index(tx, payload_sha256, packet_id)?;
    let values =
        (dsl::device_key.eq(device_key), dsl::payload_index.eq(index.as_slice()), dsl::at.eq(at.micros()));
    on!(&mut *tx.conn, |c| {
        diesel::insert_into(dsl::unstamped)
            .values(values)
            .on_conflict((dsl::device_key, dsl::payload_index))
            .do_update()
            .set(dsl::at.eq(at.micros()))
            .execute(c)?
    });
    Ok(())
}

/// Keyed: a short payload could be guessed from a plain hash.
fn index(tx: &mut Tx<'_>, payload_sha256: &[u8; 32], packet_id: u16) -> Result<Vec<u8>> {
    let text = format!("{}:{packet_id}", hex::encode(payload_sha256));
    tx.blind("unstamped.payload", &text)
}

/// Forgets payloads that are too old to be repeated. Returns how many.
///
/// # Errors
/// Database errors.
pub fn prune(tx: &mut Tx<'_>, now: Instant) -> Result<usize> {
    Ok(oldest!(tx, unstamped, unstamped::at.le(now.minus(REMEMBERED).micros()), unstamped::at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Urgency;
    use crate::readings::testing::{Clinic, NOON};

    #[test]
    fn a_resend_finds_its_own_first_reception_for_ten_minutes() {
        for clinic in Clinic::each() {
            let after = |seconds| Instant::from_secs(NOON.secs() + seconds);
            let keep = |packet_id, at| {
                let appended = clinic.store.keep_house(Urgency::Patient, "test", at, |tx| {
                    remember_reception(tx, 1, &[7; 32], packet_id, at)
                });
                appended.unwrap();
            };
            let ask = |packet_id, now| {
                let asked = clinic.store.keep_house(Urgency::Patient, "test", now, |tx| {
                    first_reception(tx, 1, &[7; 32], packet_id, now)
                });
                asked.unwrap()
            };
            keep(1, after(0));
            keep(2, after(1));
            assert_eq!((ask(1, after(9)), ask(2, after(9))), (Some(after(0)), Some(after(1))));
            assert_eq!(ask(3, after(9)), None, "its first sending never arrived");
            keep(1, after(10));
            assert_eq!(ask(1, after(11)), Some(after(10)), "the identifier was used again");
            assert_eq!(ask(1, after(610)), None, "too late to be a resend");
            let pruned =
                |now| clinic.store.keep_house(Urgency::Patient, "test", now, |tx| prune(tx, now)).unwrap();
            assert_eq!((pruned(after(600)), pruned(after(601)), pruned(after(610))), (0, 1, 1));
        }
    }
}
