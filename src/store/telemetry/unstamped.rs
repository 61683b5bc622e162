//! Payloads without an instant of their own: a repetition keeps the instant of its first reception (DESIGN §4).

use std::time::Duration;

use diesel::prelude::*;

use crate::domain::Instant;
use crate::store::Tx;
use crate::store::conn::on;
use crate::store::error::Result;
use crate::store::schema::unstamped::dsl;

/// How long a payload is remembered.
pub const REMEMBERED: Duration = Duration::from_secs(600);

/// When this payload was first received: `now`, unless the device sent the same bytes within ten minutes, in
/// the same session or marked as a duplicate.
///
/// # Errors
/// Database errors.
pub fn first_reception(
    tx: &mut Tx<'_>,
    device_key: i64,
    payload_sha256: &[u8; 32],
    session: i64,
    dup: bool,
    now: Instant,
) -> Result<Instant> {
    // Keyed: a short payload could be guessed from a plain hash.
    let index = tx.blind("unstamped.payload", &hex::encode(payload_sha256))?;
    let known: Option<(i64, i64)> = dsl::unstamped
        .find((device_key, index.as_slice()))
        .select((dsl::session, dsl::at))
        .first(tx.conn)
        .optional()?;
    if let Some((before, at)) = known {
        let at = Instant::from_micros(at);
        if now.since(at) < REMEMBERED && (dup || before == session) {
            return Ok(at);
        }
    }
    let values = (
        dsl::device_key.eq(device_key),
        dsl::payload_index.eq(index.as_slice()),
        dsl::session.eq(session),
        dsl::at.eq(now.micros()),
    );
    on!(&mut *tx.conn, |c| {
        diesel::insert_into(dsl::unstamped)
            .values(values)
            .on_conflict((dsl::device_key, dsl::payload_index))
            .do_update()
            .set((dsl::session.eq(session), dsl::at.eq(now.micros())))
            .execute(c)?
    });
    Ok(now)
}

/// Forgets payloads that are too old to be repeated. Returns how many.
///
/// # Errors
/// Database errors.
pub fn prune(tx: &mut Tx<'_>, now: Instant) -> Result<usize> {
    let old = dsl::unstamped.filter(dsl::at.le(now.minus(REMEMBERED).micros()));
    Ok(diesel::delete(old).execute(tx.conn)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Urgency;
    use crate::store::telemetry::testing::{Clinic, NOON};

    #[test]
    fn a_repeated_payload_keeps_its_first_instant_for_ten_minutes() {
        for clinic in Clinic::each() {
            let after = |seconds| Instant::from_secs(NOON.secs() + seconds);
            let ask = |session, dup, now| {
                let asked = clinic.store.keep_house(Urgency::Patient, "test", now, |tx| {
                    first_reception(tx, 1, &[7; 32], session, dup, now)
                });
                asked.unwrap()
            };
            assert_eq!(ask(1, false, after(0)), after(0));
            assert_eq!(ask(1, false, after(9)), after(0), "the same session");
            assert_eq!(ask(2, true, after(10)), after(0), "another session, marked as a duplicate");
            assert_eq!(ask(2, false, after(11)), after(11), "another session measures anew");
            assert_eq!(ask(2, true, after(11 + 600)), after(611), "too late to be a repetition");
            let pruned =
                |now| clinic.store.keep_house(Urgency::Patient, "test", now, |tx| prune(tx, now)).unwrap();
            assert_eq!((pruned(after(1_210)), pruned(after(1_211))), (0, 1));
        }
    }
}
