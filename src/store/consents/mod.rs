//! Consent as acts. Each act writes its event, the row it leads to, its entry in the log and the notices to everyone
//! who holds a copy, in one transaction.

use consent::{Act as Choice, Applied, Basis, Code, Event, Giver, Purpose, Record, Records, Rejected};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::db::error::InRow;
use super::db::error::{Error, Result};
use super::db::page::{Ask, Cursor, Page};
use super::db::schema::consent_events as events;
use super::db::turn;
use super::db::tx::Touched;
use super::devices::moves;
use super::keys::seal::Place;
use super::keys::{Class, Subject};
use super::kpis::facts::{append, staff};
use super::patients::audience::Visible;
use super::patients::keyed::Keyed;
use super::privacy::withdrawals::{self, Withdrawal};
use super::{Act, Tx, View, patients};

pub mod basis;
mod ends;
pub mod ledger;
pub mod permits;
pub(crate) mod subjects;
pub(crate) mod supersessions;
pub mod terms;
pub mod timeline;
use audit::Digest;
use domain::kpis::{Dimension, Fact, Kind};
use domain::{ConsentId, Instant, PatientId};
pub(crate) use ends::supersede;
pub use ends::{any_due, end_due};

/// Who acts, and what proves it (compliance reference §2.4): gesture, screen, second factor.
#[derive(Debug, Clone)]
pub struct Hand {
    /// Who acted.
    pub giver: Giver,
    /// Proof of the act; sealed.
    pub evidence: Option<serde_json::Value>,
}

impl From<Giver> for Hand {
    fn from(giver: Giver) -> Self {
        Self { giver, evidence: None }
    }
}

/// The sealed body of a `consent.*` entry: the whole act, with what was accepted and how far it reaches. With the
/// term's text it is the evidence of art. 8 §2 LGPD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsentBody {
    /// The event's id.
    pub event: ConsentId,
    /// The event: a grant with its term, scope, period and reach back in time.
    pub act: Event,
    /// Where the row then began, in microseconds.
    pub measured_from: i64,
    /// SHA-256 of the sealed proof of the act, as it is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Digest>,
}

/// The result of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The event that led to the present row.
    pub id: ConsentId,
    /// The present row.
    pub record: Record,
    /// Whether this act changed the row; a second revocation does not.
    pub changed: bool,
}

/// One event of a patient's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The id.
    pub id: ConsentId,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// The epoch it led to.
    pub epoch: i64,
    /// Who acted ([`super::Actor::name`]).
    pub actor: Option<String>,
}

/// Grants consent to the text whose hash the screen sent back.
///
/// # Errors
/// `E_NOT_ASKED` for a purpose that nobody asks; [`Error::Rejected`] with `E_STALE_TERM` when that text is not current,
/// or as [`consent::apply`] says.
pub fn grant(
    tx: &mut Tx<'_>,
    patient: PatientId,
    purpose: Purpose,
    grant: consent::Grant,
    by: &Hand,
) -> Result<Outcome> {
    asked(purpose)?;
    let hash = hex::encode(grant.term_sha256);
    if !terms::current(tx, purpose)?.iter().any(|term| term.text_sha256 == hash) {
        let key = patients::key_of(tx, patient)?;
        let from = ledger::of(tx, key)?.record(purpose).map(|record| record.state);
        let action = consent::Action::Granted;
        return Err(Rejected { code: Code::StaleTerm, purpose, action, from }.into());
    }
    act(tx, patient, purpose, Choice::Granted(grant), by)
}

/// Refuses consent.
///
/// # Errors
/// `E_NOT_ASKED` for a purpose that nobody asks; [`Error::Rejected`] as [`consent::apply`] says.
pub fn refuse(tx: &mut Tx<'_>, patient: PatientId, purpose: Purpose, by: &Hand) -> Result<Outcome> {
    asked(purpose)?;
    act(tx, patient, purpose, Choice::Refused, by)
}

/// Rejects an answer for a purpose that nobody is asked about, for no code would honour it. A purpose that the law
/// prohibits goes on, and is rejected as such.
fn asked(purpose: Purpose) -> Result<()> {
    if purpose.is_asked() || purpose.default_basis().is_none() {
        return Ok(());
    }
    let what = "nobody is asked for this purpose: nothing here acts on an answer to it";
    Err(Error::Refused { code: "E_NOT_ASKED", what })
}

/// Revokes consent, also for a purpose that is no longer asked about. A second revocation changes nothing and returns
/// the same row.
///
/// # Errors
/// [`Error::Rejected`] as [`consent::apply`] says.
pub fn revoke(tx: &mut Tx<'_>, patient: PatientId, purpose: Purpose, by: &Hand) -> Result<Outcome> {
    act(tx, patient, purpose, Choice::Revoked, by)
}

/// Applies any act of the state machine to one patient's consent.
///
/// # Errors
/// [`Error::Rejected`] as [`consent::apply`] says; [`Error::NotFound`]; database errors.
pub fn act(
    tx: &mut Tx<'_>,
    patient: PatientId,
    purpose: Purpose,
    choice: Choice,
    by: &Hand,
) -> Result<Outcome> {
    // The whole turn, before any other lock: a revocation waits for what is in flight and for nothing that comes after.
    // Row locks alone do not give that, since those who share a row pass by whoever waits to change it.
    turn::take(tx)?;
    let key = patients::key_of(tx, patient)?;
    let whose = Keyed { key, id: patient };
    // A newer term may have superseded this grant although the marking has not reached it yet: mark it first, so that
    // the act finds the true state.
    if let Some(heavier) = supersessions::over(tx, key, purpose)? {
        change(tx, whose, purpose, Choice::Superseded(heavier), &Giver::System.into())?;
    }
    let outcome = change(tx, whose, purpose, choice, by)?;
    if outcome.changed {
        basis::settle(tx, key)?;
    }
    Ok(outcome)
}

/// Writes the event and the row it leads to. What depends on them follows in [`basis::settle`].
fn change(
    tx: &mut Tx<'_>,
    whose: Keyed<PatientId>,
    purpose: Purpose,
    choice: Choice,
    by: &Hand,
) -> Result<Outcome> {
    let Keyed { key, id: patient } = whose;
    let before = ledger::lock(tx, key, purpose)?;
    let event = Event::new(purpose, tx.now().micros(), choice).by(by.giver);
    let record = match consent::apply(before.as_ref(), &event)? {
        Applied::Changed(record) => record,
        Applied::Unchanged => {
            let record = before.ok_or(Error::corrupt("a consent that never was"))?;
            tx.unchanged();
            return Ok(Outcome { id: last_event(tx, key, &record)?, record, changed: false });
        }
    };
    ledger::put(tx, key, &record)?;
    let (id, evidence) = append_event(tx, whose, &event, &record, by)?;
    let body = ConsentBody { event: id, act: event.clone(), measured_from: record.measured_from, evidence };
    let body = serde_json::to_value(body).map_err(|_shape| Error::corrupt("a consent event"))?;
    let name = record.purpose.as_str();
    let entry = Act::new(kind(&event)).patient(patient).purpose(name).basis(Basis::Consent.as_str());
    let entry = entry.epoch(record.epoch).body(body);
    match &record.term_sha256 {
        Some(hash) => tx.audit(&entry.term(hash))?,
        None => tx.audit(&entry)?,
    }
    let fact = Fact::new(fact_kind(&event), id, record.epoch, tx.now()).of(Some(patient)).by(staff(tx));
    append(tx, fact.with(Dimension::Purpose, name).with(Dimension::Giver, by.giver.as_str()));
    tx.signal("consent.changed", patient)?;
    tx.touch(Touched::Patient(key));
    if record.state == consent::State::Revoked {
        withdrawals::note(tx, &Withdrawal::Consent { patient, purpose })?;
    }
    if record.state == consent::State::Granted && purpose == Purpose::TelemetryCollect {
        moves::permitted(tx, key, Instant::from_micros(record.measured_from))?;
    }
    Ok(Outcome { id, record, changed: true })
}

/// Logs an act that was rejected. Its own transaction was rolled back and the attempt must still be on record: run this
/// in a separate one.
///
/// # Errors
/// Database errors.
pub fn rejected(tx: &mut Tx<'_>, patient: PatientId, rejected: &Rejected) -> Result<()> {
    let article = rejected.code.basis_text();
    let body = serde_json::json!({ "action": rejected.action, "from": rejected.from, "article": article });
    let entry = Act::new("decision.deny").patient(patient).purpose(rejected.purpose.as_str()).decided(false);
    tx.audit(&entry.code(rejected.code.as_str()).body(body))
}

const fn kind(event: &Event) -> &'static str {
    match event.act {
        Choice::Offered(_) => "consent.offered",
        Choice::Granted(_) => "consent.granted",
        Choice::Refused => "consent.refused",
        Choice::Revoked => "consent.revoked",
        Choice::Expired => "consent.expired",
        Choice::Superseded(_) => "consent.superseded",
        Choice::Suspended => "consent.suspended",
        Choice::Resumed => "consent.resumed",
    }
}

const fn fact_kind(event: &Event) -> Kind {
    match event.act {
        Choice::Offered(_) => Kind::ConsentOffered,
        Choice::Granted(_) => Kind::ConsentGranted,
        Choice::Refused => Kind::ConsentRefused,
        Choice::Revoked => Kind::ConsentRevoked,
        Choice::Expired => Kind::ConsentExpired,
        Choice::Superseded(_) => Kind::ConsentSuperseded,
        Choice::Suspended => Kind::ConsentSuspended,
        Choice::Resumed => Kind::ConsentResumed,
    }
}

fn append_event(
    tx: &mut Tx<'_>,
    whose: Keyed<PatientId>,
    event: &Event,
    record: &Record,
    by: &Hand,
) -> Result<(ConsentId, Option<Digest>)> {
    let id = ConsentId::new(tx.now());
    let text = id.to_string();
    let place = Place::new("consent_events", "evidence", &text);
    let evidence = match &by.evidence {
        Some(proof) => Some(tx.seal_json(Subject::Patient(whose.id), Class::Identity, place, proof)?),
        None => None,
    };
    let json = serde_json::to_string(event).map_err(|_shape| Error::corrupt("a consent event"))?;
    diesel::insert_into(events::table)
        .values((
            events::id.eq(&text),
            events::patient_key.eq(whose.key),
            events::purpose.eq(event.purpose.as_str()),
            events::action.eq(event.act.action().as_str()),
            events::epoch.eq(record.epoch),
            events::at.eq(event.at),
            events::term_sha256.eq(record.term_sha256.as_ref().map(<[u8; 32]>::as_slice)),
            events::measured_from.eq(Some(record.measured_from)),
            events::valid_until.eq(record.valid_until),
            events::basis.eq(Basis::Consent.as_str()),
            events::actor_kind.eq(by.giver.as_str()),
            events::actor_id.eq(Some(tx.actor().name())),
            events::event.eq(json),
            events::evidence.eq(&evidence),
        ))
        .execute(tx.conn)?;
    Ok((id, evidence.as_deref().map(Digest::of)))
}

fn last_event(view: &mut View<'_>, key: i64, record: &Record) -> Result<ConsentId> {
    let purpose = events::purpose.eq(record.purpose.as_str());
    let row =
        events::table.filter(events::patient_key.eq(key).and(purpose).and(events::epoch.eq(record.epoch)));
    let id: String = row.select(events::id).get_result(view.conn)?;
    id.parse().map_err(|_not_an_id| Error::corrupt("consent_events.id").in_row(&id))
}

type Row = (String, i64, i64, Option<String>, String);

fn read(row: Row) -> Result<Entry> {
    let id = row.0.clone();
    parse(row).in_row(id)
}

fn parse((id, at, epoch, actor, json): Row) -> Result<Entry> {
    let event: Event =
        serde_json::from_str(&json).map_err(|_shape| Error::corrupt("consent_events.event"))?;
    if event.at != at {
        return Err(Error::corrupt("consent_events.at"));
    }
    Ok(Entry {
        id: id.parse().map_err(|_not_an_id| Error::corrupt("consent_events.id"))?,
        event,
        epoch,
        actor,
    })
}

const COLUMNS: (events::id, events::at, events::epoch, events::actor_id, events::event) =
    (events::id, events::at, events::epoch, events::actor_id, events::event);

/// A patient's consent history, oldest first.
///
/// # Errors
/// Database errors.
pub fn history(view: &mut View<'_>, patient: Visible<PatientId>, ask: &Ask) -> Result<Page<Entry>> {
    let Cursor { at, id } = &ask.after;
    let rows: Vec<Row> = events::table
        .filter(events::patient_key.eq(patient.key()))
        .filter(events::at.ge(at).and(events::at.gt(at).or(events::id.gt(id))))
        .order((events::at, events::id))
        .limit(ask.reach())
        .select(COLUMNS)
        .load(view.conn)?;
    Page::of(rows, ask, |row| Cursor { at: row.1, id: row.0.clone() }).try_map(read)
}

/// Every event of a patient in the order of acceptance; folding them gives the rows.
///
/// # Errors
/// Database errors.
#[cfg(test)]
pub(crate) fn events(view: &mut View<'_>, patient_key: i64) -> Result<Vec<Event>> {
    let rows: Vec<Row> = events::table
        .filter(events::patient_key.eq(patient_key))
        .order((events::purpose, events::epoch))
        .select(COLUMNS)
        .load(view.conn)?;
    rows.into_iter().map(|row| Ok(read(row)?.event)).collect()
}

/// The proof of an act; `None` when none was stored.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Sealed`] after an erasure; database errors.
#[cfg(test)]
pub(crate) fn evidence(view: &mut View<'_>, id: ConsentId) -> Result<Option<serde_json::Value>> {
    let text = id.to_string();
    let row = events::table.find(&text).select(events::evidence).get_result(view.conn).optional()?;
    let sealed: Option<Vec<u8>> = row.ok_or(Error::NotFound("consent event"))?;
    sealed.map(|blob| view.open_json(Place::new("consent_events", "evidence", &text), &blob)).transpose()
}
