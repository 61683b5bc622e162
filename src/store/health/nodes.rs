//! The numbers (0 to 15) of the nodes on one database; a receipt names its node by it. A node keeps its number by
//! reporting; one that falls silent loses it, and its devices count as disconnected.

use std::time::Duration;

use diesel::data_types::PgTimestamp;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use crate::db::conn::on;
use crate::db::error::{Error, Result};
use crate::db::migrate;
use crate::db::schema::{devices, nodes};
use crate::{Conn, Store, Tx, View};
use domain::time::APART;
use domain::{Clock, Instant};

/// Slots there are.
pub(crate) const SLOTS: i16 = 16;
/// A node that has not reported for this long is gone.
pub(crate) const GONE_AFTER: Duration = Duration::from_secs(60);

/// A node as it makes itself known.
#[derive(Debug, Clone)]
pub struct Node {
    /// This process.
    pub id: String,
    /// The machine and the data directory, which one process at a time holds.
    pub home: String,
    /// The number it was told to have; none: any that is free.
    pub number: Option<u8>,
}

/// What this node's own clock shows beside the database's.
#[derive(Debug, Clone, Copy)]
pub struct Clocks {
    /// This machine's clock, at the moment during the question that brings it nearest to the database's: only that much
    /// difference is proven.
    pub ours: Instant,
    /// The database's clock, the only one that the nodes on one database share. On SQLite it is this machine's.
    pub database: Instant,
}

impl Clocks {
    /// Asks the database for its time, and makes `clock` follow it.
    ///
    /// # Errors
    /// Database errors.
    pub fn compare(view: &mut View<'_>, clock: &Clock) -> Result<Self> {
        let question = Question::put(clock);
        let Conn::Pg(conn) = &mut *view.conn else {
            return Ok(Self { ours: question.ours, database: question.ours });
        };
        let said = diesel::select(clock_timestamp()).get_result(conn)?;
        Ok(question.answered(clock, said))
    }

    /// As [`Clocks::compare`], right after a database was opened and before anybody was told the time.
    ///
    /// # Errors
    /// Database errors.
    pub fn set(store: &Store, clock: &Clock) -> Result<Self> {
        store.read(|view| Self::compare(view, clock))
    }

    /// Both show the same.
    #[cfg(any(test, feature = "testing"))]
    pub const fn agree(at: Instant) -> Self {
        Self { ours: at, database: at }
    }

    /// By how many microseconds ours is ahead; negative: behind.
    const fn ahead(self) -> i64 {
        self.ours.micros().saturating_sub(self.database.micros())
    }

    /// By how many milliseconds ours is ahead; negative: behind.
    #[must_use]
    pub const fn off_ms(self) -> i64 {
        self.ahead() / 1_000
    }
}

diesel::define_sql_function! {
    /// PostgreSQL's time of this moment, also within a transaction.
    fn clock_timestamp() -> Timestamptz;
}

/// 2000-01-01 in microseconds since 1970: from where PostgreSQL counts.
const EPOCH: i64 = 946_684_800_000_000;

/// What a clock showed when the database was asked for its time.
struct Question {
    ours: Instant,
    asked: Duration,
}

impl Question {
    /// Asks from now on.
    fn put(clock: &Clock) -> Self {
        Self { ours: clock.own(), asked: clock.steady() }
    }

    /// The answer has just come: `clock` follows it.
    fn answered(self, clock: &Clock, said: PgTimestamp) -> Clocks {
        let database = Instant::from_micros(said.0.saturating_add(EPOCH));
        let took = clock.steady().saturating_sub(self.asked);
        clock.follow(database, took);
        Clocks { ours: nearest(self.ours, took, database), database }
    }
}

/// The reading of our clock nearest to the answer, given that it showed `ours` when it was asked and the answer took
/// this long.
fn nearest(ours: Instant, took: Duration, answer: Instant) -> Instant {
    answer.clamp(ours, ours.plus(took))
}

/// How many milliseconds our clock is off from the database's, if the node `id` should stand aside for it: another node
/// lives and agrees with the database. A node that is alone goes on, for then the database may be wrong.
///
/// # Errors
/// Database errors.
pub fn astray(view: &mut View<'_>, id: &str, clocks: Clocks) -> Result<Option<i64>> {
    let most = micros(APART);
    if clocks.ahead().abs() <= most {
        return Ok(None);
    }
    let database = clocks.database;
    let lives = nodes::seen_at.between(database.minus(GONE_AFTER).micros(), database.plus(APART).micros());
    let agrees = nodes::ahead_by.between(-most, most);
    let right = nodes::table.filter(nodes::id.ne(id).and(lives).and(agrees)).count();
    Ok((right.get_result::<i64>(view.conn)? > 0).then_some(clocks.off_ms()))
}

/// Takes a number for a node that starts. The number of a former process of the same home is freed first: a data
/// directory has one holder.
///
/// # Errors
/// As [`take`].
pub fn begin(tx: &mut Tx<'_>, node: &Node, clocks: Clocks) -> Result<u8> {
    let former = nodes::table.filter(nodes::home.eq(&node.home).and(nodes::home.ne("")));
    let former: Vec<i16> = diesel::delete(former).returning(nodes::slot).get_results(tx.conn)?;
    former.iter().try_for_each(|slot| offline(tx, *slot))?;
    take(tx, node, clocks)
}

/// Takes a slot for a node: the one it was told to have, else the first that is free. Run it with
/// [`crate::Store::keep_house`]. A node that lost its slot while it runs gives back nobody's: on a machine of the same
/// name another node may have the same home, and each would take the other's for ever.
///
/// # Errors
/// [`Error::Schema`]: the schema is being changed or was; [`Error::Held`] naming who has the number;
/// [`Error::Conflict`] when all are in use; database errors.
pub fn take(tx: &mut Tx<'_>, node: &Node, clocks: Clocks) -> Result<u8> {
    migrate::lock(tx)?;
    let database = clocks.database;
    bury(tx, database)?;
    let slots = match node.number {
        Some(number) => i16::from(number)..i16::from(number) + 1,
        None => 0..SLOTS,
    };
    for slot in slots {
        let row = (
            nodes::slot.eq(slot),
            nodes::id.eq(&node.id),
            nodes::home.eq(&node.home),
            nodes::seen_at.eq(database.micros()),
            nodes::ahead_by.eq(clocks.ahead()),
        );
        let taken = on!(&mut *tx.conn, |c| diesel::insert_into(nodes::table)
            .values(row)
            .on_conflict_do_nothing()
            .execute(c))?;
        if taken == 1 {
            return u8::try_from(slot).map_err(|_range| Error::corrupt("nodes.slot"));
        }
    }
    Err(match node.number {
        Some(number) => taken_by(tx, number, database)?,
        None => {
            Error::Conflict("all 16 node slots are in use: stop a node, or wait a minute after one was lost")
        }
    })
}

/// The node that has the number another one asks for.
fn taken_by(tx: &mut Tx<'_>, number: u8, database: Instant) -> Result<Error> {
    let row = nodes::table.find(i16::from(number)).select((nodes::home, nodes::seen_at));
    let (home, seen_at): (String, i64) = row.get_result(tx.conn)?;
    let home =
        if home.is_empty() { "a node of an older program".to_owned() } else { format!("the node of {home}") };
    let ago = database.since(Instant::from_micros(seen_at)).as_secs();
    Ok(Error::Held(format!(
        "node number {number} is held by {home}, which spoke {ago} s ago: give this node another --node, or none (it \
         takes a free number); if that node is gone for good, its number is free a minute after it last spoke"
    )))
}

/// Reports that the node lives, and frees the numbers of silent nodes. Returns how many; `None`: another node has the
/// number by now.
///
/// # Errors
/// Database errors.
pub fn beat(tx: &mut Tx<'_>, slot: u8, id: &str, clocks: Clocks) -> Result<Option<usize>> {
    let database = clocks.database;
    let mine = nodes::table.filter(nodes::slot.eq(i16::from(slot)).and(nodes::id.eq(id)));
    let row = (nodes::seen_at.eq(database.micros()), nodes::ahead_by.eq(clocks.ahead()));
    if diesel::update(mine).set(row).execute(tx.conn)? == 0 {
        return Ok(None);
    }
    bury(tx, database).map(Some)
}

/// Locks the number until the transaction ends; a node that wants it waits. Rows that name the node by its number are
/// written under this lock, so that no two nodes ever write under one number.
///
/// # Errors
/// [`Error::Unseated`]: the node was silent, and its slot was given away; database errors.
pub fn keep_seat(tx: &mut Tx<'_>, slot: u8, id: &str) -> Result<()> {
    // On SQLite there is one process.
    let Conn::Pg(conn) = &mut *tx.conn else { return Ok(()) };
    let mine = nodes::table.filter(nodes::slot.eq(i16::from(slot)).and(nodes::id.eq(id)));
    // A key-share lock, so that the node itself can still report that it lives.
    let held: Option<i16> = mine.select(nodes::slot).for_key_share().get_result(conn).optional()?;
    held.map(drop).ok_or(Error::Unseated)
}

/// As [`keep_seat`], and asks for the time as well: the machine may have been suspended since the last answer. The server
/// ends a transaction that is silent for five seconds, so what this proves is no older at the commit.
///
/// # Errors
/// As [`keep_seat`]; [`Error::Unseated`] too when this clock is off and another node's is right.
pub fn hold_and_prove(tx: &mut Tx<'_>, slot: u8, id: &str, clock: &Clock) -> Result<Proven> {
    let question = Question::put(clock);
    let Conn::Pg(conn) = &mut *tx.conn else { return Ok(Proven(clock.now())) };
    let mine = nodes::table.filter(nodes::slot.eq(i16::from(slot)).and(nodes::id.eq(id)));
    let held = mine.select((nodes::slot, clock_timestamp())).for_key_share();
    let held: Option<(i16, PgTimestamp)> = held.get_result(conn).optional()?;
    let (_slot, said) = held.ok_or(Error::Unseated)?;
    let clocks = question.answered(clock, said);
    Proven::of(tx, id, clock, clocks)
}

/// Asks for the time, for a decision that is final.
///
/// # Errors
/// [`Error::Unseated`] when this clock is off and another node's is right; database errors.
pub fn prove(view: &mut View<'_>, id: &str, clock: &Clock) -> Result<Proven> {
    let clocks = Clocks::compare(view, clock)?;
    Proven::of(view, id, clock, clocks)
}

/// An instant confirmed by the database. A decision that depends on the time and is final for the one it concerns (a
/// reading before a grant, an expired token) is made with one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proven(Instant);

impl Proven {
    fn of(view: &mut View<'_>, id: &str, clock: &Clock, clocks: Clocks) -> Result<Self> {
        match astray(view, id, clocks)? {
            Some(_by_ms) => Err(Error::Unseated),
            None => Ok(Self(clock.now())),
        }
    }

    /// The instant.
    #[must_use]
    pub const fn at(self) -> Instant {
        self.0
    }
}

fn micros(d: Duration) -> i64 {
    i64::try_from(d.as_micros()).unwrap_or(i64::MAX)
}

#[derive(QueryableByName)]
struct Serving {
    #[diesel(sql_type = Nullable<Text>)]
    named: Option<String>,
}

/// The nodes that serve from a database, of whatever schema version, but the one of `home`: their numbers and homes in
/// one line; empty: none.
///
/// # Errors
/// Database errors.
pub(crate) fn others(conn: &mut PgConnection, home: &str) -> Result<String> {
    // An older schema may have no such table, or no such column in it.
    let there = "SELECT to_regclass('nodes')::TEXT AS named";
    let there: Serving = diesel::sql_query(there).get_result(conn)?;
    if there.named.is_none() {
        return Ok(String::new());
    }
    let serving: Serving = diesel::sql_query(
        "SELECT string_agg(CONCAT(slot, ' (' || NULLIF(to_jsonb(n) ->> 'home', '') || ')'), ', ' ORDER BY slot) AS named \
         FROM nodes n WHERE seen_at > (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT - $1 \
         AND COALESCE(to_jsonb(n) ->> 'home', '') <> $2",
    )
    .bind::<BigInt, _>(micros(GONE_AFTER))
    .bind::<Text, _>(home)
    .get_result(conn)?;
    Ok(serving.named.unwrap_or_default())
}

/// Gives the slot back; the node's devices are no longer connected.
///
/// # Errors
/// Database errors.
pub fn leave(tx: &mut Tx<'_>, slot: u8, id: &str) -> Result<()> {
    let mine = nodes::table.filter(nodes::slot.eq(i16::from(slot)).and(nodes::id.eq(id)));
    if diesel::delete(mine).execute(tx.conn)? == 1 {
        offline(tx, i16::from(slot))?;
    }
    Ok(())
}

/// Nodes that are silent by the database's clock, or reported in its future: that was written on a wrong clock.
fn bury(tx: &mut Tx<'_>, database: Instant) -> Result<usize> {
    let silent = nodes::seen_at.lt(database.minus(GONE_AFTER).micros());
    let gone = nodes::table.filter(silent.or(nodes::seen_at.gt(database.plus(GONE_AFTER).micros())));
    let slots: Vec<i16> = diesel::delete(gone).returning(nodes::slot).get_results(tx.conn)?;
    slots.iter().try_for_each(|slot| offline(tx, *slot))?;
    Ok(slots.len())
}

fn offline(tx: &mut Tx<'_>, slot: i16) -> Result<()> {
    let online = devices::table.filter(devices::online.eq(true).and(devices::node.eq(slot)));
    diesel::update(online).set(devices::online.eq(false)).execute(tx.conn)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Urgency;
    use crate::testing::{NOW, stores};

    /// Our clock beside the database's.
    const fn clocks(ours: Instant, database: Instant) -> Clocks {
        Clocks { ours, database }
    }

    fn node(id: &str) -> Node {
        Node { id: id.to_owned(), home: format!("machine:/{id}"), number: None }
    }

    #[test]
    fn a_silent_node_loses_its_slot_after_a_minute_and_not_before() {
        for store in stores() {
            let at = |seconds| NOW.plus(Duration::from_secs(seconds));
            let take = |id: &str, now| {
                store.keep_house(Urgency::Urgent, "test", now, |tx| take(tx, &node(id), Clocks::agree(now)))
            };
            let beat = |id: &str, slot, now| {
                store
                    .keep_house(Urgency::Urgent, "test", now, |tx| beat(tx, slot, id, Clocks::agree(now)))
                    .unwrap()
            };
            assert_eq!(take("a", at(0)).unwrap(), 0);
            assert_eq!(take("b", at(0)).unwrap(), 1);
            assert_eq!(beat("b", 1, at(50)), Some(0));
            assert_eq!(take("c", at(55)).unwrap(), 2);
            assert_eq!(take("d", at(61)).unwrap(), 0);
            assert_eq!(beat("a", 0, at(62)), None, "another has it");
            assert_eq!(take("a", at(62)).unwrap(), 3, "it recovers under a number that is free");
            store.keep_house(Urgency::Urgent, "test", at(63), |tx| leave(tx, 1, "b")).unwrap();
            assert_eq!(take("e", at(63)).unwrap(), 1);
            for n in 4..16 {
                assert_eq!(take(&format!("n{n}"), at(64)).unwrap(), n);
            }
            assert!(matches!(take("z", at(64)), Err(Error::Conflict(_))));
        }
    }

    #[test]
    fn a_number_that_a_live_node_holds_is_refused_by_its_name_and_given_back_to_its_own_home() {
        for store in stores() {
            let at = |seconds| NOW.plus(Duration::from_secs(seconds));
            let take = |node: &Node, now| {
                store.keep_house(Urgency::Urgent, "test", now, |tx| begin(tx, node, Clocks::agree(now)))
            };
            let asks = |id: &str| Node { number: Some(3), ..node(id) };
            assert_eq!(take(&asks("a"), at(0)).unwrap(), 3);
            let said = take(&asks("b"), at(20)).unwrap_err().to_string();
            assert!(said.contains("node number 3 is held by the node of machine:/a"), "{said}");
            assert!(said.contains("20 s ago"), "{said}");
            // The former process of its own data directory is dead: the directory has one holder.
            let again = Node { id: "a2".into(), ..asks("a") };
            assert_eq!(take(&again, at(21)).unwrap(), 3);
            assert_eq!(take(&node("c"), at(22)).unwrap(), 0);
            // Another machine of the same name and path takes it for its own. The first finds another, and both stay.
            let twin = Node { id: "twin".into(), number: None, ..node("c") };
            assert_eq!(take(&twin, at(23)).unwrap(), 0);
            let house = |f: &dyn Fn(&mut Tx<'_>) -> Result<Option<u8>>| {
                store.keep_house(Urgency::Urgent, "test", at(24), |tx| f(tx)).unwrap()
            };
            let beat = |id: &'static str, slot| {
                house(&|tx| Ok(beat(tx, slot, id, Clocks::agree(at(24)))?.map(|_buried| slot)))
            };
            assert_eq!(beat("c", 0), None);
            assert_eq!(house(&|tx| super::take(tx, &node("c"), Clocks::agree(at(24))).map(Some)), Some(1));
            assert_eq!((beat("twin", 0), beat("c", 1)), (Some(0), Some(1)));
        }
    }

    #[test]
    fn a_node_on_a_wrong_clock_stands_aside_while_another_agrees_with_the_database() {
        for store in stores() {
            let at = |seconds| NOW.plus(Duration::from_secs(seconds));
            let hour = Duration::from_secs(3_600);
            let off = |id: &str, ours, database| {
                store.read(|view| astray(view, id, clocks(ours, database))).unwrap()
            };
            let take = |id: &str, ours, database| {
                store
                    .keep_house(Urgency::Urgent, "test", ours, |tx| {
                        take(tx, &node(id), clocks(ours, database))
                    })
                    .unwrap()
            };
            let beat = |id: &str, slot, ours, database| {
                store
                    .keep_house(Urgency::Urgent, "test", ours, |tx| {
                        beat(tx, slot, id, clocks(ours, database))
                    })
                    .unwrap()
            };
            // Alone, its clock is as good as the database's.
            assert_eq!(off("ahead", at(0).plus(hour), at(0)), None);
            assert_eq!(take("ahead", at(0).plus(hour), at(0)), 0);
            assert_eq!(off("right", at(1), at(1)), None, "one that agrees never stands aside");
            assert_eq!(take("right", at(1), at(1)), 1);
            assert_eq!(off("ahead", at(2).plus(hour), at(2)), Some(3_600_000));
            assert_eq!(off("ahead", at(2).minus(hour), at(2)), Some(-3_600_000));
            assert_eq!(off("ahead", at(2).plus(APART), at(2)), None, "so much may be between nodes");
            // Whatever its clock shows, it buries nobody: the database's clock says who is silent.
            assert_eq!(beat("ahead", 0, at(3).plus(hour), at(3)), Some(0));
            assert_eq!(beat("right", 1, at(4), at(4)), Some(0));
            assert_eq!(off("ahead", at(70).plus(hour), at(70)), None, "who agreed is gone");
        }
    }

    #[test]
    fn an_answer_that_took_long_proves_no_difference_that_it_may_have_made_itself() {
        let after = |seconds| NOW.plus(Duration::from_secs(seconds));
        let off = |answer: Instant| {
            Clocks { ours: nearest(NOW, Duration::from_secs(8), answer), database: answer }.off_ms()
        };
        assert_eq!(off(NOW), 0);
        assert_eq!(off(after(8)), 0);
        assert_eq!(off(after(33)), -25_000, "25 s behind, and not 33");
        assert_eq!(off(NOW.minus(Duration::from_secs(25))), 25_000);
    }

    #[test]
    fn a_heartbeat_of_the_future_keeps_no_slot() {
        for store in stores() {
            let hour = NOW.plus(Duration::from_secs(3_600));
            let take = |id: &str, database| {
                store
                    .keep_house(Urgency::Urgent, "test", NOW, |tx| take(tx, &node(id), clocks(NOW, database)))
                    .unwrap()
            };
            // As a program before this one did, which wrote what its own clock showed.
            assert_eq!(take("former", hour), 0);
            assert_eq!(take("right", NOW), 0);
        }
    }
}
