//! Consents of one patient, purpose by purpose, and the acts on them: the text is shown, its hash comes back.

use actix_web::web::{Form, Path};
use consent::{
    Channel, Context, Denied, Giver, Grant, Ledger, Purpose, Reach, Record, Request, State as Stands, Verdict,
};
use serde::Deserialize;

use crate::consents::view::{Consents, Effect, Line, State, Term};
use crate::http::fault::Fault;
use crate::pages::shell::back;
use crate::pages::visit::{Answer, Room, Visit};
use crate::privacy::pseudonyms;
use crate::{Code, Lang};
use domain::{Can, Instant, PatientId, Role};
use store::consents::{self, Hand};
use store::consents::{ledger, terms};
use store::patients::audience::{Requested, Visible};
use store::privacy::accesses::What;
use store::{View, patients};

/// Where each purpose stands that code of this program asks for before it acts, when it was answered or has a text to
/// grant. A switch without code behind it is not shown.
///
/// # Errors
/// Store faults.
pub(crate) fn fill(view: &mut View<'_>, room: &Room, patient: Visible<PatientId>) -> Result<Consents, Fault> {
    let (patient, key) = (patient.id(), patient.key());
    room.sight.saw(patient, What::Consents);
    let ledger = ledger::of(view, key)?;
    let mut lines = Vec::new();
    for purpose in Purpose::ASKED {
        let record = ledger.records().iter().find(|record| record.purpose == *purpose);
        let term = current(view, *purpose, room.words().lang)?;
        if record.is_none() && term.is_none() {
            continue;
        }
        let effect = Effect::of(*purpose, &judged(view, room, key, &ledger, *purpose)?);
        lines.push(line(view, *purpose, record, term, effect)?);
    }
    Ok(Consents {
        patient: pseudonyms::shown(view, &room.viewer, patient)?,
        lines,
        may_grant: room.viewer.may(Can::AssistConsent),
        may_revoke: room.viewer.may(Can::RevokeConsent),
        own: room.viewer.role == Role::Patient,
    })
}

/// What the house may do by itself for a purpose now, if whoever is to be reached can be.
fn judged(
    view: &mut View<'_>,
    room: &Room,
    key: i64,
    records: &Ledger,
    purpose: Purpose,
) -> Result<Result<Verdict, Denied>, Fault> {
    let subject = patients::subject(view, key, room.now)?;
    let context = as_shown(room.now.micros());
    let bases = &room.state.bases;
    Ok(consent::judge(purpose, &Request { bases, records, subject: &subject, context: &context }))
}

/// The house by itself, and whoever is to be reached can be.
pub(crate) fn as_shown(now: i64) -> Context<'static> {
    let reach = Reach::To {
        channel: Channel::Sms,
        opted_in: true,
        template_allowed: true,
        quiet_hours: false,
        red: true,
    };
    Context { reach, ..Context::system(now) }
}

fn current(view: &mut View<'_>, purpose: Purpose, lang: Lang) -> Result<Option<Term>, Fault> {
    let texts = terms::current(view, purpose)?;
    let mine = texts.iter().find(|text| text.lang.as_str() == lang.tag()).or_else(|| texts.first());
    Ok(mine.map(|text| Term {
        version: text.version.clone(),
        text: text.text.clone(),
        sha256: text.text_sha256.clone(),
    }))
}

fn line(
    view: &mut View<'_>,
    purpose: Purpose,
    record: Option<&Record>,
    term: Option<Term>,
    effect: Effect,
) -> Result<Line, Fault> {
    let accepted = match record.and_then(|record| record.term_sha256) {
        Some(hash) => terms::by_hash(view, &hash)?.map(|text| text.version),
        None => None,
    };
    Ok(Line {
        purpose: purpose.as_str().to_owned(),
        state: record.map_or(State::None, |record| shown(record.state)),
        at: record.map(|record| Instant::from_micros(record.since)),
        epoch: record.map_or(0, |record| u64::try_from(record.epoch).unwrap_or(0)),
        accepted,
        effect,
        term,
    })
}

const fn shown(state: Stands) -> State {
    match state {
        Stands::Offered => State::Offered,
        Stands::Granted => State::Granted,
        Stands::Refused => State::Refused,
        Stands::Revoked => State::Revoked,
        Stands::Expired => State::Expired,
        Stands::Stale => State::Stale,
        Stands::Suspended => State::Suspended,
    }
}

/// What the forms send.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sent {
    purpose: String,
    action: String,
    term_sha256: String,
    assisted: String,
    back: String,
}

/// POST `/patients/{id}/consents`: `action` is `grant`, `refuse` or `revoke`.
pub(crate) async fn act(visit: Visit, id: Path<Requested<PatientId>>, sent: Form<Sent>) -> Answer {
    let (asked, patient) = (*id, visit.visible(*id).await?);
    visit
        .act(move |room| {
            let revokes = sent.action == "revoke";
            room.viewer.must(if revokes { Can::RevokeConsent } else { Can::AssistConsent })?;
            carry_out(room, patient.id(), &sent)?;
            let to = back(&sent.back);
            let home = if room.viewer.role == Role::Patient {
                "/me".to_owned()
            } else {
                format!("/patients/{asked}")
            };
            let page = if to == "/" { home } else { to.to_owned() };
            Ok(format!("{}#consents", page.split('#').next().unwrap_or_default()))
        })
        .await
}

fn carry_out(room: &Room, patient: PatientId, sent: &Sent) -> Result<(), Fault> {
    let purpose = Purpose::parse(&sent.purpose).ok_or(Code::UnknownPurpose)?;
    let assisted = room.viewer.role != Role::Patient;
    let evidence = serde_json::json!({
        "by": room.viewer.role.name(), "assisted": assisted, "screen": "dashboard", "read_aloud": !sent.assisted.is_empty(),
    });
    let hand = Hand { giver: Giver::Subject, evidence: Some(evidence) };
    let choice = match sent.action.as_str() {
        "grant" if assisted && sent.assisted.is_empty() => {
            return Err(Fault::invalid("assisted", "the term was read to the patient, who answered"));
        }
        "grant" => Choice::Grant(hash(&sent.term_sha256)?),
        "refuse" => Choice::Refuse,
        "revoke" => Choice::Revoke,
        _ => return Err(Fault::invalid("action", "grant, refuse or revoke")),
    };
    room.write(|tx| {
        match choice {
            Choice::Grant(sha256) => consents::grant(tx, patient, purpose, Grant::of(sha256), &hand)?,
            Choice::Refuse => consents::refuse(tx, patient, purpose, &hand)?,
            Choice::Revoke => consents::revoke(tx, patient, purpose, &hand)?,
        };
        Ok(())
    })
}

enum Choice {
    Grant([u8; 32]),
    Refuse,
    Revoke,
}

fn hash(text: &str) -> Result<[u8; 32], Fault> {
    let mut sha256 = [0_u8; 32];
    let read = hex::decode_to_slice(text, &mut sha256);
    read.map_err(|_not_hex| Fault::invalid("term_sha256", "the hash of the text that was shown"))?;
    Ok(sha256)
}
