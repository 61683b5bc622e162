//! Clocks that were started on a time that lies ahead now.

use diesel::prelude::*;

use super::{Row, keep};
use crate::store::clock::Back;
use crate::store::conn::held;
use crate::store::error::Result;
use crate::store::schema::sla_timers::dsl as t;
use crate::store::tx::Tx;

/// Clocks taken at once.
const BATCH: i64 = 500;

/// Brings every clock that was started in the future back, its pauses with it. Says how many.
///
/// # Errors
/// Database errors.
pub fn replan(tx: &mut Tx<'_>, back: Back) -> Result<usize> {
    let (now, mut count) = (tx.now(), 0);
    loop {
        let ahead =
            t::sla_timers.filter(t::started_at.gt(back.after(now).micros())).order(t::id).limit(BATCH);
        let rows: Vec<Row> = held!(tx, Row, ahead, skip_locked);
        if rows.is_empty() {
            return Ok(count);
        }
        for row in rows {
            let id = row.id.clone();
            if let Ok(mut promise) = row.read(tx) {
                let timer = &mut promise.record.timer;
                let back = back.of(timer.started_at, now);
                timer.started_at = timer.started_at.minus(back);
                for pause in &mut timer.pauses {
                    pause.from = pause.from.minus(back);
                    pause.to = pause.to.map(|to| to.minus(back));
                }
                keep(tx, &mut promise)?;
                count += 1;
            }
            // Whatever is left of the difference, it began before now; one that cannot be read is set aside when due.
            diesel::update(t::sla_timers.find(id)).set(t::started_at.eq(now.micros())).execute(tx.conn)?;
        }
    }
}
