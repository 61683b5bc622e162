//! Escalations that were planned on a clock that ran ahead.

use diesel::prelude::*;

use super::{ALERT, Row, advanced};
use crate::db::conn::held;
use crate::db::error::Result;
use crate::db::schema::escalations;
use crate::db::turn::locks::Lock;
use crate::db::tx::Tx;
use crate::health::clock::Back;
use domain::{AlertId, Instant};

/// Moves back the escalation of an alert that was changed in the future: its next step, and since when it waits. The
/// caller holds the alert. Returns how many.
///
/// # Errors
/// Database errors.
pub fn replan(tx: &mut Tx<'_>, alert: AlertId, back: Back) -> Result<usize> {
    tx.lock(Lock::Escalation(alert));
    let now = tx.now();
    let ahead = escalations::table
        .filter(escalations::kind.eq(ALERT).and(escalations::subject.eq(alert.to_string())))
        .filter(escalations::updated_at.gt(back.after(now).micros()).and(escalations::spoiled.is_null()))
        .order(escalations::id);
    let (rows, mut count): (Vec<Row>, usize) = (held!(tx, Row, ahead), 0);
    for row in rows {
        let (id, started) = (row.id.clone(), row.started_at.min(now.micros()));
        let by = back.of(Instant::from_micros(row.updated_at), now);
        let Ok(escalation) = row.open() else {
            // A row that cannot be read is set aside when it is due.
            diesel::update(escalations::table.find(id))
                .set(escalations::updated_at.eq(now.micros()))
                .execute(tx.conn)?;
            continue;
        };
        let mut run = escalation.run;
        run.next_at = run.next_at.map(|at| at.minus(by));
        run.stepped_at = run.stepped_at.minus(by);
        run.fence += 1;
        diesel::update(escalations::table.find(&id))
            .set((advanced::changing(&run, now)?, escalations::started_at.eq(started)))
            .execute(tx.conn)?;
        count += 1;
    }
    Ok(count)
}
