//! Sign-in slows down after failures, per account and per address, and never locks anybody out: a stranger
//! who guesses costs the true owner at most half a minute. Buckets are blind: no e-mail, no address is kept.

use std::time::Duration;

use diesel::prelude::*;
use diesel::upsert::excluded;

use super::conn::on;
use super::error::Result;
use super::schema::throttles;
use super::{Act, Tx, View};
use crate::domain::Instant;

/// The longest wait.
pub const LONGEST: Duration = Duration::from_secs(30);
/// Failures older than this are forgotten.
pub const FORGET: Duration = Duration::from_secs(900);

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket<'a> {
    /// An account, by its e-mail in normal form, whether it exists or not.
    Account(&'a str),
    /// The address that asks.
    Address(&'a str),
}

impl Bucket<'_> {
    /// Failures that cost nothing yet: people mistype, and many people share an address.
    const fn free(self) -> i64 {
        match self {
            Self::Account(_) => 3,
            Self::Address(_) => 20,
        }
    }

    fn blind(self, view: &mut View<'_>) -> Result<Vec<u8>> {
        match self {
            Self::Account(email) => view.blind("throttles.account", email),
            Self::Address(address) => view.blind("throttles.address", address),
        }
    }
}

/// How long this account and this address must wait before they may try.
///
/// # Errors
/// Database errors.
pub fn wait(view: &mut View<'_>, buckets: &[Bucket<'_>], now: Instant) -> Result<Duration> {
    let mut longest = Duration::ZERO;
    for bucket in buckets {
        let blind = bucket.blind(view)?;
        let until: Option<i64> =
            throttles::table.find(blind).select(throttles::until_at).get_result(view.conn).optional()?;
        longest = longest.max(until.map_or(Duration::ZERO, |until| Instant::from_micros(until).since(now)));
    }
    Ok(longest)
}

/// Counts a failed sign-in and writes it to the log; the waits double from one second.
///
/// # Errors
/// Database errors.
pub fn failed(tx: &mut Tx<'_>, buckets: &[Bucket<'_>]) -> Result<()> {
    let now = tx.now();
    for bucket in buckets {
        let blind = bucket.blind(tx)?;
        let stale = throttles::updated_at.lt(now.minus(FORGET).micros());
        diesel::delete(throttles::table.find(&blind).filter(stale)).execute(tx.conn)?;
        let row = (
            throttles::bucket.eq(&blind),
            throttles::failures.eq(1_i64),
            throttles::until_at.eq(now.micros()),
            throttles::updated_at.eq(now.micros()),
        );
        let failures: i64 = on!(&mut *tx.conn, |conn| diesel::insert_into(throttles::table)
            .values(row)
            .on_conflict(throttles::bucket)
            .do_update()
            .set((
                throttles::failures.eq(throttles::failures + 1),
                throttles::updated_at.eq(excluded(throttles::updated_at)),
            ))
            .returning(throttles::failures)
            .get_result(conn))?;
        diesel::update(throttles::table.find(&blind))
            .set(throttles::until_at.eq(now.plus(delay(failures - bucket.free())).micros()))
            .execute(tx.conn)?;
    }
    tx.audit(&Act::new("auth.fail").decided(false))
}

/// One second for the first failure beyond the free ones, then twice as long each time.
fn delay(beyond: i64) -> Duration {
    match u32::try_from(beyond) {
        Ok(0) | Err(_) => Duration::ZERO,
        Ok(beyond) => LONGEST.min(Duration::from_secs(1_u64 << (beyond - 1).min(5))),
    }
}

/// Forgets an account's failures once its owner has signed in; those of the address stay.
///
/// # Errors
/// Database errors.
pub fn succeeded(tx: &mut Tx<'_>, email: &str) -> Result<()> {
    let blind = Bucket::Account(email).blind(tx)?;
    diesel::delete(throttles::table.find(blind)).execute(tx.conn)?;
    Ok(())
}

/// Forgets what is too old to count.
///
/// # Errors
/// Database errors.
pub fn prune(tx: &mut Tx<'_>) -> Result<usize> {
    let before = tx.now().minus(FORGET).micros();
    Ok(diesel::delete(throttles::table.filter(throttles::updated_at.lt(before))).execute(tx.conn)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Actor;
    use crate::store::testing::{NOW, stores};

    const MARIA: Bucket<'_> = Bucket::Account("maria@exemplo.br");
    const STRANGER: Bucket<'_> = Bucket::Address("203.0.113.7");

    #[test]
    fn waits_double_to_half_a_minute_and_are_forgotten() {
        for store in stores() {
            let fail =
                || store.write(Actor::System("auth"), NOW, |tx| failed(tx, &[MARIA, STRANGER])).unwrap();
            let waits = |bucket, now| store.read(|view| wait(view, &[bucket], now)).unwrap().as_secs();
            let seen: Vec<u64> = (0..10)
                .map(|_| {
                    fail();
                    waits(MARIA, NOW)
                })
                .collect();
            assert_eq!(seen, [0, 0, 0, 1, 2, 4, 8, 16, 30, 30]);
            assert_eq!(waits(STRANGER, NOW), 0);
            assert_eq!(waits(MARIA, NOW.plus(LONGEST)), 0);
            let later = NOW.plus(FORGET).plus(Duration::from_secs(1));
            store.write(Actor::System("auth"), later, |tx| failed(tx, &[MARIA])).unwrap();
            assert_eq!(waits(MARIA, later), 0);
        }
    }

    #[test]
    fn who_signs_in_is_forgiven_and_the_address_is_not() {
        for store in stores() {
            for _ in 0..21 {
                store.write(Actor::System("auth"), NOW, |tx| failed(tx, &[MARIA, STRANGER])).unwrap();
            }
            store
                .keep_house(crate::store::Urgency::Urgent, "auth", NOW, |tx| {
                    succeeded(tx, "maria@exemplo.br")
                })
                .unwrap();
            assert_eq!(store.read(|view| wait(view, &[MARIA], NOW)).unwrap(), Duration::ZERO);
            assert_eq!(
                store.read(|view| wait(view, &[MARIA, STRANGER], NOW)).unwrap(),
                Duration::from_secs(1)
            );
        }
    }
}
