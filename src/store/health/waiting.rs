//! What waits in the tables, for the status page: counts and ages only. A count walks the rows
//! that it counts: it costs as much as there waits.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::db::error::Result;
use crate::db::schema::{commands, messages};
use crate::{Conn, View};
use domain::Instant;

/// As far as readings are counted: a look stays cheap.
pub const COUNTED: i64 = 100_000;

/// How much waits, and since when the oldest of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Queue {
    /// Rows.
    pub depth: i64,
    /// When the oldest was written.
    pub since: Option<Instant>,
}

/// What waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waiting {
    /// Messages that no provider was handed yet.
    pub outbox: Queue,
    /// Commands that no device acknowledged yet.
    pub commands: Queue,
    /// Readings of the journal that are old enough to be folded into chunks, counted up to [`COUNTED`].
    pub unrolled: i64,
    /// Bytes of the database, where it can say so.
    pub bytes: Option<i64>,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Looks. Readings measured before `closed` should be in chunks by now.
///
/// # Errors
/// Database errors.
pub fn look(view: &mut View<'_>, closed: Instant) -> Result<Waiting> {
    let conn = &mut *view.conn;
    let queue = |(depth, since): (i64, Option<i64>)| Queue { depth, since: since.map(Instant::from_micros) };
    let count = diesel::dsl::count_star;
    let outbox = messages::table
        .filter(messages::state.eq("due").and(messages::spoiled.is_null()))
        .select((count(), diesel::dsl::min(messages::created_at)))
        .get_result(conn)?;
    let commands = commands::table
        .filter(commands::acknowledged_at.is_null().and(commands::refused_at.is_null()))
        .filter(commands::cancelled_at.is_null())
        .filter(commands::expires_at.gt(closed.micros()))
        .select((count(), diesel::dsl::min(commands::created_at)))
        .get_result(conn)?;
    let unrolled = diesel::sql_query(format!(
        "SELECT COUNT(*) AS number FROM (SELECT 1 FROM readings WHERE at < {} LIMIT {COUNTED}) AS closed",
        closed.micros()
    ));
    let unrolled: Number = unrolled.get_result(conn)?;
    let bytes = match conn {
        Conn::Pg(_) => "SELECT pg_database_size(current_database()) AS number",
        Conn::Sqlite(_) => {
            "SELECT page_count * page_size AS number FROM pragma_page_count(), pragma_page_size()"
        }
    };
    let bytes: Number = diesel::sql_query(bytes).get_result(conn)?;
    Ok(Waiting {
        outbox: queue(outbox),
        commands: queue(commands),
        unrolled: unrolled.number,
        bytes: Some(bytes.number),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, stores};
    use crate::{Actor, devices};
    use domain::DeviceIdentity;

    #[test]
    fn a_command_waits_until_its_device_has_it() {
        for store in stores() {
            let identity = DeviceIdentity { label: "a".into(), model: "a".into(), serial: None };
            let (device, command) = store
                .write(Actor::System("test"), NOW, |tx| {
                    let device = devices::insert(tx, &identity)?.id;
                    let id = devices::commands::insert(
                        tx,
                        device,
                        &serde_json::json!({}),
                        NOW.plus(devices::commands::LASTS),
                    )?;
                    Ok((device, id))
                })
                .unwrap();
            let before = store.read(|view| look(view, NOW)).unwrap();
            assert_eq!(before.commands, Queue { depth: 1, since: Some(NOW) });
            assert!(before.bytes.is_some_and(|bytes| bytes > 0) && before.unrolled == 0);
            let taken = store.keep_house(crate::Urgency::Patient, "test", NOW, |tx| {
                devices::commands::acknowledge(tx, device, command)
            });
            taken.unwrap();
            assert_eq!(store.read(|view| look(view, NOW)).unwrap().commands, Queue::default());
        }
    }
}
