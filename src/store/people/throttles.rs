//! Sign-in slows down after failures and never locks anybody out. What is counted is an account as tried from one
//! network: a stranger elsewhere costs its owner nothing. A browser in which the owner signed in before has a count of
//! its own, also beside a stranger. Only who has failed themselves feels how often an account is tried from everywhere.
//! Buckets are blind: no e-mail, no address is stored.

use std::time::Duration;

use diesel::prelude::*;
use diesel::upsert::excluded;

use crate::db::conn::on;
use crate::db::error::Result;
use crate::db::prune::oldest;
use crate::db::schema::{sign_in_networks as homes, throttles};
use crate::{Act, Tx, View};
use domain::Instant;

/// The longest wait.
pub const LONGEST: Duration = Duration::from_secs(30);
/// Failures older than this are forgotten.
pub(crate) const FORGET: Duration = Duration::from_secs(900);
/// A network in which an account has not signed in for so long is not its own any more.
pub(crate) const HOME: Duration = Duration::from_secs(90 * 86_400);

/// The origin of an attempt, as far as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried<'a> {
    /// The account, by its e-mail in normal form, whether it exists or not.
    pub account: &'a str,
    /// The network that asks; empty: not known.
    pub network: &'a str,
    /// The browser, where it has shown that this account signed in there before.
    pub browser: Option<&'a str>,
}

/// One count.
#[derive(Debug, Clone)]
struct Bucket {
    blind: Vec<u8>,
    /// Failures that cost nothing yet: people mistype, and many people share an address.
    free: i64,
}

impl Tried<'_> {
    fn bucket(label: &str, text: &str, free: i64, view: &mut View<'_>) -> Result<Bucket> {
        Ok(Bucket { blind: view.blind(label, text)?, free })
    }

    /// What this attempt adds to and waits for.
    fn own(self, view: &mut View<'_>) -> Result<Vec<Bucket>> {
        if let Some(browser) = self.browser {
            let pair = format!("{}\0{browser}", self.account);
            return Ok(vec![Self::bucket("throttles.browser", &pair, 5, view)?]);
        }
        let pair = format!("{}\0{}", self.account, self.network);
        Ok(vec![
            Self::bucket("throttles.pair", &pair, 3, view)?,
            Self::bucket("throttles.network", self.network, 20, view)?,
        ])
    }

    /// The network, as one where the account signed in; `None`: not known.
    fn home(self, view: &mut View<'_>) -> Result<Option<Vec<u8>>> {
        if self.network.is_empty() {
            return Ok(None);
        }
        view.blind("throttles.home", &format!("{}\0{}", self.account, self.network)).map(Some)
    }

    /// How often the account is tried from everywhere.
    fn everywhere(self, view: &mut View<'_>) -> Result<Bucket> {
        Self::bucket("throttles.account", self.account, 100, view)
    }
}

/// How long they must wait before they may try.
///
/// # Errors
/// Database errors.
pub fn wait(view: &mut View<'_>, tried: Tried<'_>, now: Instant) -> Result<Duration> {
    let mut counts = tried.own(view)?;
    let failed_here = match counts.first() {
        Some(pair) if tried.browser.is_none() => {
            let row = throttles::table.find(&pair.blind).select(throttles::failures);
            row.get_result::<i64>(view.conn).optional()?.unwrap_or(0) > 0
        }
        _ => false,
    };
    if failed_here {
        counts.push(tried.everywhere(view)?);
    }
    let mut longest = Duration::ZERO;
    for count in counts {
        let row = throttles::table.find(&count.blind).select(throttles::until_at);
        let until: Option<i64> = row.get_result(view.conn).optional()?;
        longest = longest.max(until.map_or(Duration::ZERO, |until| Instant::from_micros(until).since(now)));
    }
    Ok(longest)
}

/// Counts a failed sign-in and writes it to the log; the waits double from one second.
///
/// # Errors
/// Database errors.
pub fn failed(tx: &mut Tx<'_>, tried: Tried<'_>) -> Result<()> {
    let now = tx.now();
    let mut counts = tried.own(tx)?;
    counts.push(tried.everywhere(tx)?);
    // One order for all: two nodes that count at once wait for one another and never in a ring.
    counts.sort_by(|one, other| one.blind.cmp(&other.blind));
    for Bucket { blind, free } in counts {
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
            .set(throttles::until_at.eq(now.plus(delay(failures - free)).micros()))
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

/// Whether the account signed in from this network lately: then a queue of strangers is not theirs.
///
/// # Errors
/// Database errors.
pub fn is_home(view: &mut View<'_>, tried: Tried<'_>) -> Result<bool> {
    let Some(network) = tried.home(view)? else { return Ok(false) };
    let row = homes::table.find(&network).select(homes::at).get_result::<i64>(view.conn);
    Ok(row.optional()?.is_some())
}

/// Forgets the failures of who has signed in, here and as counted from everywhere; those of the network stay. The
/// network is theirs from now on.
///
/// # Errors
/// Database errors.
pub fn succeeded(tx: &mut Tx<'_>, tried: Tried<'_>) -> Result<()> {
    let mut gone: Vec<Vec<u8>> = tried.own(tx)?.into_iter().take(1).map(|count| count.blind).collect();
    gone.push(tried.everywhere(tx)?.blind);
    diesel::delete(throttles::table.filter(throttles::bucket.eq_any(gone))).execute(tx.conn)?;
    let Some(network) = tried.home(tx)? else { return Ok(()) };
    let at = homes::at.eq(tx.now().micros());
    on!(&mut *tx.conn, |conn| diesel::insert_into(homes::table)
        .values((homes::network.eq(&network), at))
        .on_conflict(homes::network)
        .do_update()
        .set(homes::at.eq(excluded(homes::at)))
        .execute(conn))?;
    Ok(())
}

/// What a browser keeps of a sign-in: that this account signed in there, shown by a tag that only this house makes.
///
/// # Errors
/// The system key is missing.
pub fn known_browser(view: &mut View<'_>, account: &str, chance: &str) -> Result<String> {
    let tag = view.blind("throttles.known", &format!("{account}\0{chance}"))?;
    Ok(format!("{chance}.{}", hex::encode(tag)))
}

/// Forgets what is too old to count.
///
/// # Errors
/// Database errors.
pub fn prune(tx: &mut Tx<'_>) -> Result<usize> {
    let before = tx.now().minus(FORGET).micros();
    let left = tx.now().minus(HOME).micros();
    let counts = oldest!(tx, throttles, throttles::updated_at.lt(before), throttles::updated_at);
    Ok(counts + oldest!(tx, homes, homes::at.lt(left), homes::at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Actor;
    use crate::testing::{NOW, stores};

    const MARIA: Tried<'_> = Tried { account: "maria@exemplo.br", network: "203.0.113.7", browser: None };
    const AT_HOME: Tried<'_> = Tried { network: "198.51.100.1", ..MARIA };
    const KNOWN: Tried<'_> = Tried { browser: Some("a"), ..MARIA };

    fn fail(store: &crate::Store, tried: Tried<'_>, times: usize) {
        for _ in 0..times {
            store.write(Actor::System("auth"), NOW, |tx| failed(tx, tried)).unwrap();
        }
    }

    fn waits(store: &crate::Store, tried: Tried<'_>, now: Instant) -> u64 {
        store.read(|view| wait(view, tried, now)).unwrap().as_secs()
    }

    #[test]
    fn waits_double_to_half_a_minute_and_are_forgotten() {
        for store in stores() {
            let seen: Vec<u64> = (0..10)
                .map(|_| {
                    fail(&store, MARIA, 1);
                    waits(&store, MARIA, NOW)
                })
                .collect();
            assert_eq!(seen, [0, 0, 0, 1, 2, 4, 8, 16, 30, 30]);
            assert_eq!(waits(&store, Tried { account: "ana@exemplo.br", ..MARIA }, NOW), 0);
            assert_eq!(waits(&store, MARIA, NOW.plus(LONGEST)), 0);
            let later = NOW.plus(FORGET).plus(Duration::from_secs(1));
            store.write(Actor::System("auth"), later, |tx| failed(tx, MARIA)).unwrap();
            assert_eq!(waits(&store, MARIA, later), 0);
        }
    }

    #[test]
    fn a_stranger_elsewhere_costs_the_owner_nothing_and_beside_them_only_until_the_browser_is_known() {
        for store in stores() {
            fail(&store, MARIA, 15);
            assert_eq!(waits(&store, MARIA, NOW), 30);
            assert_eq!((waits(&store, AT_HOME, NOW), waits(&store, KNOWN, NOW)), (0, 0));
            // A known browser is no way to guess on.
            fail(&store, KNOWN, 6);
            assert_eq!(waits(&store, KNOWN, NOW), 1);
        }
    }

    #[test]
    fn many_strangers_slow_down_who_failed_once_and_not_who_comes_with_the_right_password() {
        for store in stores() {
            for n in 0..110 {
                fail(&store, Tried { network: &format!("192.0.2.{n}"), ..MARIA }, 1);
            }
            assert_eq!(waits(&store, AT_HOME, NOW), 0);
            fail(&store, AT_HOME, 1);
            assert_eq!(waits(&store, AT_HOME, NOW), 30);
        }
    }

    #[test]
    fn who_signs_in_is_forgiven_and_the_network_is_not() {
        for store in stores() {
            fail(&store, MARIA, 21);
            let done = |tx: &mut Tx<'_>| succeeded(tx, MARIA);
            store.keep_house(crate::Urgency::Urgent, "auth", NOW, done).unwrap();
            assert_eq!(waits(&store, MARIA, NOW), 1);
        }
    }

    #[test]
    fn a_network_is_known_for_the_account_that_signed_in_there_until_it_stays_away() {
        for store in stores() {
            let ana = Tried { account: "ana@exemplo.br", ..MARIA };
            let knows = |tried| store.read(|view| is_home(view, tried)).unwrap();
            assert!(!knows(MARIA));
            for _ in 0..2 {
                store.keep_house(crate::Urgency::Patient, "auth", NOW, |tx| succeeded(tx, MARIA)).unwrap();
            }
            let nowhere = Tried { network: "", ..MARIA };
            store.keep_house(crate::Urgency::Patient, "auth", NOW, |tx| succeeded(tx, nowhere)).unwrap();
            assert_eq!([MARIA, KNOWN, ana, AT_HOME, nowhere].map(knows), [true, true, false, false, false]);
            let later = NOW.plus(HOME).plus(Duration::from_secs(1));
            store.keep_house(crate::Urgency::Patient, "auth", later, prune).unwrap();
            assert!(!knows(MARIA));
        }
    }
}
