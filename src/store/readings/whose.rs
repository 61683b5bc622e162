//! Whose the readings of a span were before, and which of them are another person's now, by the amendments in clear.
//! Only readings that went through quarantine changed hands; what its source withdrew did not.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};

use super::chunks::rows::Series;
use super::chunks::span::Span;
use crate::View;
use crate::db::error::Result;
use domain::Instant;

/// Readings that are looked at for who had them before.
const MOST: i64 = 2_048;

/// Whether a reading of the span was the patient's and is another's, or nobody's, now.
///
/// # Errors
/// Database errors.
pub(crate) fn has_left(view: &mut View<'_>, series: Series, span: Span) -> Result<bool> {
    let rows = format!(
        "SELECT 1 FROM amendments a WHERE {} AND NOT a.stands AND NOT EXISTS (SELECT 1 FROM amendments b \
         WHERE b.patient_key = a.patient_key AND b.signal = a.signal AND b.at = a.at \
         AND b.device_key = a.device_key AND b.generation > a.generation)",
        moved(series, span)
    );
    any(view, &rows)
}

/// Whether a reading of the span was given to the patient, be it back, and stands.
///
/// # Errors
/// Database errors.
pub(crate) fn has_come(view: &mut View<'_>, series: Series, span: Span) -> Result<bool> {
    let rows = format!("SELECT 1 FROM amendments a WHERE {} AND a.stands", moved(series, span));
    any(view, &rows)
}

#[derive(QueryableByName)]
struct Left {
    #[diesel(sql_type = BigInt)]
    patient_key: i64,
    #[diesel(sql_type = BigInt)]
    left_at: i64,
}

/// Who else had the readings of the span that were given to the patient and stand, and when the last of them left.
///
/// # Errors
/// Database errors.
pub(crate) fn before(view: &mut View<'_>, series: Series, span: Span) -> Result<BTreeMap<i64, Instant>> {
    let sql = format!(
        "SELECT b.patient_key AS patient_key, b.amended_at AS left_at \
         FROM (SELECT a.device_key, a.at FROM amendments a WHERE {} AND a.stands ORDER BY a.at LIMIT {MOST}) g \
         JOIN amendments b ON b.device_key = g.device_key AND b.at = g.at \
         WHERE b.signal = {} AND b.patient_key <> {} AND NOT b.stands AND b.item IS NOT NULL",
        moved(series, span),
        series.signal.code(),
        series.patient_key,
    );
    let mut before = BTreeMap::new();
    for Left { patient_key, left_at } in diesel::sql_query(sql).load(view.conn)? {
        let last = before.entry(patient_key).or_insert(Instant::MIN);
        *last = Instant::from_micros(left_at).max(*last);
    }
    Ok(before)
}

#[derive(QueryableByName)]
struct Any {
    #[diesel(sql_type = Bool)]
    found: bool,
}

fn any(view: &mut View<'_>, rows: &str) -> Result<bool> {
    let sql = format!("SELECT EXISTS ({rows}) AS found");
    Ok(diesel::sql_query(sql).get_result::<Any>(view.conn)?.found)
}

/// The amendments of a span by which readings changed hands.
fn moved(Series { patient_key, signal }: Series, Span { from, to }: Span) -> String {
    format!(
        "a.patient_key = {patient_key} AND a.signal = {} AND a.at >= {from} AND a.at < {to} AND a.item IS NOT NULL",
        signal.code()
    )
}
