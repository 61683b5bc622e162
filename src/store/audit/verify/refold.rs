//! Folds the consent events again: the rows that decisions are made from must equal the fold.

use consent::{Applied, Event, Record, apply};
use diesel::prelude::*;

use super::consents::Consents;
use crate::consents::ledger;
use crate::db::error::{Error, Result};
use crate::db::schema::{consent_events as events, consents as rows};
use crate::{View, patients};
use audit::verify::Break;

#[derive(Queryable)]
struct Stored {
    id: String,
    purpose: String,
    action: String,
    epoch: i64,
    at: i64,
    term: Option<Vec<u8>>,
    measured_from: Option<i64>,
    valid_until: Option<i64>,
    event: String,
}

/// Folds every patient's events and compares the result with their rows. A break is placed at the last entry that
/// `consents` saw for that patient and purpose.
pub(in crate::audit) fn refold(view: &mut View<'_>, consents: &Consents) -> Result<Option<Break>> {
    let mut people: Vec<i64> = events::table.select(events::patient_key).distinct().load(view.conn)?;
    let with_rows: Vec<i64> = rows::table.select(rows::patient_key).distinct().load(view.conn)?;
    people.extend(with_rows);
    people.sort_unstable();
    people.dedup();
    for key in people {
        if let Some((purpose, what)) = patient(view, key)? {
            return Ok(Some(Break { index: consents.last(key, &purpose), what }));
        }
    }
    Ok(None)
}

/// The purpose in which a patient's row is not the fold, and what is wrong.
fn patient(view: &mut View<'_>, key: i64) -> Result<Option<(String, String)>> {
    let rows: Vec<Stored> = events::table
        .filter(events::patient_key.eq(key))
        .order((events::purpose, events::epoch))
        .select((
            events::id,
            events::purpose,
            events::action,
            events::epoch,
            events::at,
            events::term_sha256,
            events::measured_from,
            events::valid_until,
            events::event,
        ))
        .load(view.conn)?;
    let mut folded: Vec<Record> = Vec::new();
    for row in rows {
        let known = folded.iter().position(|record| record.purpose.as_str() == row.purpose);
        let before = known.and_then(|place| folded.get(place));
        let Some(record) = next(before, &row) else {
            let what = format!("consent event {} does not follow from those before it", row.id);
            return Ok(Some((row.purpose, what)));
        };
        match known.and_then(|place| folded.get_mut(place)) {
            Some(place) => *place = record,
            None => folded.push(record),
        }
    }
    let person =
        |view: &mut View<'_>| patients::id_of(view, key).map_or(key.to_string(), |id| id.to_string());
    let stored = match ledger::stored(view, key) {
        Ok(ledger) => ledger,
        Err(Error::Corrupt(what)) => {
            let what = format!("the consents of patient {} cannot be read: {what}", person(view));
            return Ok(Some((String::new(), what)));
        }
        Err(error) => return Err(error),
    };
    let differs = |record: &&Record| !folded.contains(record);
    let lost = |record: &&Record| !stored.records().contains(record);
    let found = stored.records().iter().find(differs).or_else(|| folded.iter().find(lost));
    Ok(found.map(|record| {
        let purpose = record.purpose.as_str();
        let what =
            format!("the consent of patient {} for {purpose} is not what their events lead to", person(view));
        (purpose.to_owned(), what)
    }))
}

/// The record after one event, when its row says what the event led to.
fn next(before: Option<&Record>, row: &Stored) -> Option<Record> {
    let event: Event = serde_json::from_str(&row.event).ok()?;
    let Ok(Applied::Changed(record)) = apply(before, &event) else { return None };
    let agrees = event.at == row.at
        && event.purpose.as_str() == row.purpose
        && event.act.action().as_str() == row.action
        && record.epoch == row.epoch
        && record.term_sha256.as_ref().map(<[u8; 32]>::as_slice) == row.term.as_deref()
        && Some(record.measured_from) == row.measured_from
        && record.valid_until == row.valid_until;
    agrees.then_some(record)
}
