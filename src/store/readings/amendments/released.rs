//! Identities at which a clinician put a value in force before anything was committed, as when an impossible value was
//! released: that value came first (DESIGN §4). What the device says there later is another value, not the one that was
//! corrected.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::in_force::amended;
use super::{By, COLUMNS, Generation, Raw, opened};
use crate::View;
use crate::db::conn::on;
use crate::db::error::Result;
use crate::db::schema::amendments::dsl;
use crate::readings::chunks::rows::Series;
use crate::readings::chunks::span::Span;
use crate::readings::journal::row::{Row, StoredReading};
use crate::readings::series::parts::AT_ONCE;

/// The identities of those rows (ascending by instant) that came after a clinician had put another value in force
/// there. Nothing is opened unless an amendment stands at a row.
pub(in crate::readings) fn before(
    view: &mut View<'_>,
    series: Series,
    rows: &[(Row, StoredReading)],
) -> Result<BTreeSet<(i64, i64)>> {
    let (Some((first, _)), Some((last, _))) = (rows.first(), rows.last()) else { return Ok(BTreeSet::new()) };
    let amended = amended(view.conn, series, Span { from: first.at, to: last.at.saturating_add(1) })?;
    let met: Vec<&(Row, StoredReading)> =
        rows.iter().filter(|(row, _)| amended.contains(&(row.at, row.device_key))).collect();
    let mut out = BTreeSet::new();
    for met in met.chunks(usize::try_from(AT_ONCE).unwrap_or(usize::MAX)) {
        let generations = generations(view, series, met)?;
        let after = met.iter().filter(|(row, ours)| {
            let mut of =
                generations.iter().filter(|(at, one)| (*at, one.device_key) == (row.at, row.device_key));
            let is_released = of.clone().any(|(_, one)| came_before(one, row));
            is_released
                && !of.any(|(_, one)| one.reading.is_some_and(|known| known.says_the_same(&ours.reading)))
        });
        out.extend(after.map(|(row, _)| (row.at, row.device_key)));
    }
    Ok(out)
}

fn came_before(generation: &Generation, row: &Row) -> bool {
    let by_clinician = matches!(generation.by, By::Clinician(_));
    by_clinician && generation.reading.is_some() && generation.amended_at.secs() < row.message().second()
}

fn generations(
    view: &mut View<'_>,
    series: Series,
    of: &[&(Row, StoredReading)],
) -> Result<Vec<(i64, Generation)>> {
    let instants: Vec<i64> = of.iter().map(|(row, _)| row.at).collect();
    let query = dsl::amendments
        .filter(dsl::patient_key.eq(series.patient_key).and(dsl::signal.eq(series.signal.code())))
        .filter(dsl::at.eq_any(instants))
        .select(COLUMNS);
    let raw: Vec<Raw> = on!(&mut *view.conn, |c| query.load(c))?;
    raw.into_iter().map(|raw| Ok((raw.0, opened(view, series, raw)?))).collect()
}
