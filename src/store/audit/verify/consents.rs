//! Checks the `consent.*` entries against the events: the sealed body of each entry is its event, and each event that
//! can still be attributed has its entry.

use std::collections::HashMap;

use diesel::dsl::count_star;
use diesel::prelude::*;

use super::bodies::StoredBody;
use super::tally;
use crate::consents::ConsentBody;
use crate::db::conn::on;
use crate::db::error::Result;
use crate::db::schema::consent_events as events;
use crate::keys::seal::Place;
use crate::{Subject, View, patients};
use audit::verify::Break;
use audit::{Digest, Entry, EntryType};
use domain::Instant;

/// Counts the entries of each patient, and keeps the last one of each purpose.
#[derive(Default)]
pub(in crate::audit) struct Consents {
    leaves: HashMap<i64, i64>,
    last: HashMap<(i64, String), Option<u64>>,
}

#[derive(Queryable)]
struct Stored {
    patient_key: i64,
    purpose: String,
    action: String,
    epoch: i64,
    at: i64,
    term: Option<Vec<u8>>,
    measured_from: Option<i64>,
    giver: String,
    event: String,
    evidence: Option<Vec<u8>>,
}

impl Consents {
    /// The place of the last entry about a patient's consent to a purpose.
    pub(crate) fn last(&self, patient_key: i64, purpose: &str) -> Option<u64> {
        self.last.get(&(patient_key, purpose.to_owned())).copied().flatten()
    }

    /// Checks one `consent.*` entry, whose body is `sealed`, against its event.
    pub(crate) fn see(
        &mut self,
        view: &mut View<'_>,
        index: Option<u64>,
        entry: &Entry,
        body: Option<StoredBody>,
    ) -> Result<Option<Break>> {
        let broken = |what: String| Ok(Some(Break { index, what }));
        let (patient, sealed) = match body {
            Some(StoredBody::Whole(Subject::Patient(patient), sealed)) => (patient, sealed),
            Some(StoredBody::Gone) => return Ok(None),
            Some(StoredBody::Changed(what)) => return broken(what),
            Some(StoredBody::Whole(..)) => return broken("its body is no patient's".to_owned()),
            None => return broken(format!("a {} without a body", entry.kind)),
        };
        let id = entry.id.to_string();
        let recorded: ConsentBody = view.open_json(Place::new("audit_bodies", "bytes", &id), &sealed)?;
        let Some(stored) = stored(view, &recorded.event.to_string())? else {
            return broken(format!("consent event {} is missing", recorded.event));
        };
        if !agrees(entry, &recorded, &stored) || patients::id_of(view, stored.patient_key)? != patient {
            return broken(format!("consent event {} is not what the log says", recorded.event));
        }
        *self.leaves.entry(stored.patient_key).or_default() += 1;
        self.last.insert((stored.patient_key, stored.purpose), index);
        Ok(None)
    }

    /// Checks that no event is without an entry.
    pub(crate) fn end(&self, view: &mut View<'_>) -> Result<Option<Break>> {
        let counts: Vec<(i64, i64)> = on!(&mut *view.conn, |c| events::table
            .group_by(events::patient_key)
            .select((events::patient_key, count_star()))
            .load(c))?;
        tally::differs(view, counts, &self.leaves, |patient, stored, recorded| {
            format!("patient {patient} has {stored} consent events; the log speaks of {recorded}")
        })
    }
}

fn stored(view: &mut View<'_>, id: &str) -> Result<Option<Stored>> {
    let columns = (
        events::patient_key,
        events::purpose,
        events::action,
        events::epoch,
        events::at,
        events::term_sha256,
        events::measured_from,
        events::actor_kind,
        events::event,
        events::evidence,
    );
    Ok(events::table.find(id).select(columns).get_result(view.conn).optional()?)
}

fn agrees(entry: &Entry, recorded: &ConsentBody, stored: &Stored) -> bool {
    EntryType::from_name(&format!("consent.{}", stored.action)) == Some(entry.kind)
        && entry.purpose.as_deref() == Some(stored.purpose.as_str())
        && entry.epoch == u64::try_from(stored.epoch).ok()
        && entry.at.millis() == Instant::from_micros(stored.at).millis()
        && entry.term.map(|term| term.0.to_vec()) == stored.term
        && Some(recorded.measured_from) == stored.measured_from
        && recorded.act.giver.as_str() == stored.giver
        && serde_json::from_str(&stored.event).is_ok_and(|event: consent::Event| event == recorded.act)
        && recorded.evidence == stored.evidence.as_deref().map(Digest::of)
}
