//! Climbs that were planned on a time that lies ahead now.

use diesel::prelude::*;

use super::{Row, climbed};
use crate::domain::Instant;
use crate::store::clock::Back;
use crate::store::conn::held;
use crate::store::error::Result;
use crate::store::schema::escalations;
use crate::store::tx::Tx;

/// Climbs taken at once.
const BATCH: i64 = 500;

/// Brings every climb that was changed in the future back: its next step, and since when it waits. Says how many.
///
/// # Errors
/// Database errors.
pub fn replan(tx: &mut Tx<'_>, back: Back) -> Result<usize> {
    let (now, mut count) = (tx.now(), 0);
    loop {
        let ahead = escalations::table
            .filter(escalations::updated_at.gt(back.after(now).micros()).and(escalations::spoiled.is_null()))
            .order(escalations::id)
            .limit(BATCH);
        let rows: Vec<Row> = held!(tx, Row, ahead, skip_locked);
        if rows.is_empty() {
            return Ok(count);
        }
        for row in rows {
            let (id, started) = (row.id.clone(), row.started_at.min(now.micros()));
            let by = back.of(Instant::from_micros(row.updated_at), now);
            let Ok(climb) = row.open() else {
                // It cannot be read: it is set aside when it is due.
                diesel::update(escalations::table.find(id))
                    .set(escalations::updated_at.eq(now.micros()))
                    .execute(tx.conn)?;
                continue;
            };
            let mut run = climb.run;
            run.next_at = run.next_at.map(|at| at.minus(by));
            run.stepped_at = run.stepped_at.minus(by);
            run.fence += 1;
            diesel::update(escalations::table.find(&id))
                .set((climbed::changing(&run, now)?, escalations::started_at.eq(started)))
                .execute(tx.conn)?;
            count += 1;
        }
    }
}
