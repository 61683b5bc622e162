//! Which series there are, and about where each ends: so that a look for the newest reading never walks the journal
//! for a signal that nobody has, nor for one that ended long ago.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use diesel::prelude::*;

use crate::db::error::Result;
use crate::db::schema::measured::dsl;
use crate::readings::journal::row::Row;
use crate::{Tx, View};
use domain::{Instant, Signal};

/// A series' newest reading is less than this behind the noted instant's end (microseconds): so often is it noted.
const GRAIN: i64 = 120_000_000;
/// Series remembered as noted; beyond, all are forgotten and noted again.
const REMEMBERED: usize = 100_000;

/// What was noted by this process, so that it is not written again. Forgotten when a commit fails.
#[derive(Default)]
pub(crate) struct Noted(RefCell<HashMap<(i64, i16), i64>>);

impl Noted {
    pub(crate) fn forget(&self) {
        self.0.borrow_mut().clear();
    }

    /// Notes where the series of these rows end now.
    pub(crate) fn note(&self, tx: &mut Tx<'_>, rows: &[Row]) -> Result<()> {
        let mut known = self.0.borrow_mut();
        let mut ends: BTreeMap<(i64, i16), i64> = BTreeMap::new();
        for row in rows {
            let series = (row.patient_key, row.signal);
            if known.get(&series).is_none_or(|at| row.at >= at.saturating_add(GRAIN)) {
                let end = ends.entry(series).or_insert(row.at);
                *end = row.at.max(*end);
            }
        }
        if known.len() + ends.len() > REMEMBERED {
            known.clear();
        }
        let ends: Vec<((i64, i16), i64)> = ends.into_iter().collect();
        for some in ends.chunks(500) {
            write_down(tx, some)?;
        }
        known.extend(ends);
        Ok(())
    }
}

fn write_down(tx: &mut Tx<'_>, ends: &[((i64, i16), i64)]) -> Result<()> {
    let mut sql = "INSERT INTO measured (patient_key, signal, at) VALUES ".to_owned();
    for (place, ((patient, signal), at)) in ends.iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        // Numbers only.
        let _infallible = write!(sql, "{comma}({patient},{signal},{at})");
    }
    sql.push_str(
        " ON CONFLICT (patient_key, signal) DO UPDATE SET at = excluded.at WHERE excluded.at > measured.at",
    );
    diesel::sql_query(sql).execute(tx.conn)?;
    Ok(())
}

/// Notes that a patient has a series, whose readings did not all come through the journal.
pub(crate) fn note(tx: &mut Tx<'_>, patient_key: i64, signal: Signal, at: Instant) -> Result<()> {
    write_down(tx, &[((patient_key, signal.code()), at.micros())])
}

/// The stretch of the journal that holds a series' newest reading, unless it was rolled: from inclusive, to
/// exclusive, by signal. A signal that the patient never had is absent.
pub(crate) fn ends(view: &mut View<'_>, patient_key: i64) -> Result<HashMap<i16, (i64, i64)>> {
    let rows: Vec<(i16, i64)> = dsl::measured
        .filter(dsl::patient_key.eq(patient_key))
        .select((dsl::signal, dsl::at))
        .load(view.conn)?;
    Ok(rows.into_iter().map(|(signal, at)| (signal, (at, at.saturating_add(GRAIN)))).collect())
}

/// Which signals a patient has readings of.
///
/// # Errors
/// Database errors.
pub(crate) fn signals_of(view: &mut View<'_>, patient_key: i64) -> Result<Vec<Signal>> {
    let mut codes: Vec<i16> = ends(view, patient_key)?.into_keys().collect();
    codes.sort_unstable();
    Ok(codes.into_iter().filter_map(Signal::from_code).collect())
}
