//! The `consent.*` leaves against the events: each leaf's sealed body names its event, and each event that can
//! still be attributed has its leaf.

use std::collections::HashMap;

use diesel::dsl::count_star;
use diesel::prelude::*;
use serde::Deserialize;

use crate::audit::tag::tag;
use crate::audit::verify::Break;
use crate::audit::{Digest, Entry, EntryType};
use crate::domain::{Instant, PatientId};
use crate::store::conn::on;
use crate::store::error::{Error, Result};
use crate::store::schema::{audit_bodies as bodies, consent_events as events, subject_keys};
use crate::store::seal::{Broken, Place};
use crate::store::{Class, Subject, View, patients};

/// Counts the leaves of each patient.
pub(super) struct Consents {
    leaves: HashMap<i64, i64>,
    /// Whether somebody was erased: then a body may be gone.
    erased: bool,
}

/// As much of a body as is held against the event.
#[derive(Deserialize)]
struct Said {
    event: String,
    giver: String,
    measured_from: i64,
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
}

impl Consents {
    pub fn new(view: &mut View<'_>) -> Result<Self> {
        let destroyed: i64 = subject_keys::table
            .filter(subject_keys::class.eq(Class::Audit.code()).and(subject_keys::destroyed_at.is_not_null()))
            .select(count_star())
            .first(view.conn)?;
        Ok(Self { leaves: HashMap::new(), erased: destroyed > 0 })
    }

    /// Holds one `consent.*` entry against its event.
    pub fn see(
        &mut self,
        view: &mut View<'_>,
        index: Option<u64>,
        kind: &str,
        bytes: &[u8],
    ) -> Result<Option<Break>> {
        let broken = |what: String| Ok(Some(Break { index, what }));
        let Ok(entry) = Entry::read(bytes) else { return broken("the entry cannot be read".to_owned()) };
        let Some(hash) = entry.body.map(|body| body.hash) else {
            return broken(format!("a {kind} without a body"));
        };
        let body: Option<(String, Vec<u8>)> = bodies::table
            .find(hash.0.as_slice())
            .select((bodies::subject, bodies::sealed))
            .first(view.conn)
            .optional()?;
        let (subject, sealed) = match body {
            Some(body) => body,
            None if self.erased => return Ok(None),
            None => return broken(format!("the body of this {kind} is missing")),
        };
        if Digest::of(&sealed) != hash {
            return broken(format!("the body of this {kind} was altered"));
        }
        let patient: Option<PatientId> = subject.strip_prefix("patient:").and_then(|id| id.parse().ok());
        let Some(patient) = patient else { return broken("its body is nobody's".to_owned()) };
        let key = match view.key(Subject::Patient(patient), Class::Audit) {
            Ok(key) => key,
            Err(Error::Sealed(Broken::KeyDestroyed)) => return Ok(None),
            Err(error) => return Err(error),
        };
        if entry.subject != Some(tag(key.tag_mac(), entry.nonce, entry.kind)) {
            return broken("its body is another person's".to_owned());
        }
        let id = entry.id.to_string();
        let said: Said = view.open_json(Place::new("audit_bodies", "sealed", &id), &sealed)?;
        let Some(stored) = stored(view, &said.event)? else {
            return broken(format!("consent event {} is missing", said.event));
        };
        if !agrees(&entry, &said, &stored) || patients::id_of(view, stored.patient_key)? != patient {
            return broken(format!("consent event {} is not what the log says", said.event));
        }
        *self.leaves.entry(stored.patient_key).or_default() += 1;
        Ok(None)
    }

    /// Whether there are events that no leaf speaks of.
    pub fn end(&self, view: &mut View<'_>) -> Result<Option<Break>> {
        let counts: Vec<(i64, i64)> = on!(&mut *view.conn, |c| events::table
            .group_by(events::patient_key)
            .select((events::patient_key, count_star()))
            .load(c))?;
        for (patient, stored) in counts {
            let seen = self.leaves.get(&patient).copied().unwrap_or(0);
            if seen == stored {
                continue;
            }
            let id = patients::id_of(view, patient)?;
            if let Err(Error::Sealed(Broken::KeyDestroyed)) = view.key(Subject::Patient(id), Class::Audit) {
                continue;
            }
            let what = format!("patient {id} has {stored} consent events; the log speaks of {seen}");
            return Ok(Some(Break { index: None, what }));
        }
        Ok(None)
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
    );
    Ok(events::table.find(id).select(columns).first(view.conn).optional()?)
}

fn agrees(entry: &Entry, said: &Said, stored: &Stored) -> bool {
    EntryType::from_name(&format!("consent.{}", stored.action)) == Some(entry.kind)
        && entry.purpose.as_deref() == Some(stored.purpose.as_str())
        && entry.epoch == u64::try_from(stored.epoch).ok()
        && entry.at.millis() == Instant::from_micros(stored.at).millis()
        && entry.term.map(|term| term.0.to_vec()) == stored.term
        && Some(said.measured_from) == stored.measured_from
        && said.giver == stored.giver
}
