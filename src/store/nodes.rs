//! The slots of the nodes on one database, 0 to 15: a receipt names its node by it. A node keeps its slot by
//! saying so; one that fell silent loses it, and its devices count as gone.

use std::time::Duration;

use diesel::prelude::*;

use super::Tx;
use super::conn::on;
use super::error::{Error, Result};
use super::schema::{devices, nodes};

/// Slots there are.
pub const SLOTS: i16 = 16;
/// A node that did not speak for so long is gone.
pub const GONE_AFTER: Duration = Duration::from_secs(60);

/// Takes the first free slot for the node `id`. Run it with [`super::Store::keep_house`].
///
/// # Errors
/// [`Error::Conflict`] when all are in use; database errors.
pub fn take(tx: &mut Tx<'_>, id: &str) -> Result<u8> {
    bury(tx)?;
    for slot in 0..SLOTS {
        let row = (nodes::slot.eq(slot), nodes::id.eq(id), nodes::seen_at.eq(tx.now().micros()));
        let taken = on!(&mut *tx.conn, |c| diesel::insert_into(nodes::table)
            .values(row)
            .on_conflict_do_nothing()
            .execute(c))?;
        if taken == 1 {
            return u8::try_from(slot).map_err(|_range| Error::Corrupt("nodes.slot"));
        }
    }
    Err(Error::Conflict("all 16 node slots are in use: stop a node, or wait a minute after one was lost"))
}

/// Says that the node lives, and buries those that do not. Says how many.
///
/// # Errors
/// [`Error::Conflict`] when the slot is another's by now; database errors.
pub fn beat(tx: &mut Tx<'_>, slot: u8, id: &str) -> Result<usize> {
    let mine = nodes::table.filter(nodes::slot.eq(i16::from(slot)).and(nodes::id.eq(id)));
    let beaten = diesel::update(mine).set(nodes::seen_at.eq(tx.now().micros())).execute(tx.conn)?;
    if beaten == 0 {
        return Err(Error::Conflict(
            "another node has this node's slot: this node was silent too long, restart it",
        ));
    }
    bury(tx)
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

fn bury(tx: &mut Tx<'_>) -> Result<usize> {
    let gone = nodes::table.filter(nodes::seen_at.lt(tx.now().minus(GONE_AFTER).micros()));
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
    use crate::store::Urgency;
    use crate::store::testing::{NOW, stores};

    #[test]
    fn a_silent_node_loses_its_slot_after_a_minute_and_not_before() {
        for store in stores() {
            let at = |seconds| NOW.plus(Duration::from_secs(seconds));
            let take = |id: &str, now| store.keep_house(Urgency::Urgent, "test", now, |tx| take(tx, id));
            let beat =
                |id: &str, slot, now| store.keep_house(Urgency::Urgent, "test", now, |tx| beat(tx, slot, id));
            assert_eq!(take("a", at(0)).unwrap(), 0);
            assert_eq!(take("b", at(0)).unwrap(), 1);
            assert_eq!(beat("b", 1, at(50)).unwrap(), 0);
            assert_eq!(take("c", at(55)).unwrap(), 2);
            assert_eq!(take("d", at(61)).unwrap(), 0);
            assert!(matches!(beat("a", 0, at(62)), Err(Error::Conflict(_))));
            store.keep_house(Urgency::Urgent, "test", at(63), |tx| leave(tx, 1, "b")).unwrap();
            assert_eq!(take("e", at(63)).unwrap(), 1);
            for n in 3..16 {
                assert_eq!(take("n", at(64)).unwrap(), n);
            }
            assert!(matches!(take("z", at(64)), Err(Error::Conflict(_))));
        }
    }
}
