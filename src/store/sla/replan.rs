//! Clocks that were started on a wall clock that ran ahead.

use diesel::prelude::*;

use super::{ALERT, Row, save};
use crate::db::conn::held;
use crate::db::error::Result;
use crate::db::schema::sla_timers::dsl as t;
use crate::db::turn::locks::Lock;
use crate::db::tx::Tx;
use crate::health::clock::Back;
use domain::AlertId;

/// Moves back the clocks of an alert that were started in the future, and their pauses. The caller holds the alert.
/// Returns how many.
///
/// # Errors
/// Database errors.
pub fn replan(tx: &mut Tx<'_>, alert: AlertId, back: Back) -> Result<usize> {
    tx.lock(Lock::Clocks(alert));
    let now = tx.now();
    let ahead = t::sla_timers
        .filter(
            t::kind
                .eq(ALERT)
                .and(t::subject.eq(alert.to_string()))
                .and(t::started_at.gt(back.after(now).micros())),
        )
        .order(t::id);
    let (rows, mut count): (Vec<Row>, usize) = (held!(tx, Row, ahead), 0);
    for row in rows {
        let id = row.id.clone();
        if let Ok(mut clock) = row.read(tx) {
            let timer = &mut clock.record.timer;
            let back = back.of(timer.started_at, now);
            timer.started_at = timer.started_at.minus(back);
            for pause in &mut timer.pauses {
                pause.from = pause.from.minus(back);
                pause.to = pause.to.map(|to| to.minus(back));
            }
            save(tx, &mut clock)?;
            count += 1;
        }
        // Whatever is left of the difference, it began before now; one that cannot be read is set aside when due.
        diesel::update(t::sla_timers.find(id)).set(t::started_at.eq(now.micros())).execute(tx.conn)?;
    }
    Ok(count)
}
