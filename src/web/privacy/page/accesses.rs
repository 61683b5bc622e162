//! `/accesses`: who saw whose data, and the reveals of who a person is, for the DPO and auditors.

use actix_web::web::{Form, Path, Query};
use serde::Deserialize;

use crate::http::fault::Fault;
use crate::pages::shell::{address, role_word};
use crate::pages::visit::{Answer, Room, Visit};
use crate::people::page::names::{People, reference};
use crate::people::sign_in;
use crate::privacy::pseudonyms;
use crate::privacy::view::accesses::{self as pages, Person, Request, Row};
use crate::{Code, Section};
use domain::{Can, Cns, Cpf, PatientId, PatientIdentity, RevealId, UserId};
use store::patients::audience::{Requested, Visible};
use store::privacy::accesses::{self, NotedAccess, What};
use store::privacy::reveals::{self, Reveal};
use store::{Act, View, patients};

/// Looks on a page.
const SHOWN: i64 = 100;
/// Requests on a page.
const REQUESTS: i64 = 20;

/// `?before=`: the looks before a place.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    before: Option<i64>,
}

/// `/accesses`: everybody's.
pub(crate) async fn list(visit: Visit, asked: Query<Asked>) -> Answer {
    visit
        .page(Section::Audit, move |room| {
            let view = room.read(|view| fill(view, room, None, asked.before))?;
            Ok(pages::page(&room.shell, &view))
        })
        .await
}

/// `/patients/{id}/accesses`: one person's.
pub(crate) async fn of_patient(visit: Visit, id: Path<Requested<PatientId>>, asked: Query<Asked>) -> Answer {
    visit
        .page(Section::Audit, move |room| {
            let view = room.read(|view| {
                let patient = room.viewer.visible(view, *id)?;
                fill(view, room, Some(patient), asked.before)
            })?;
            Ok(pages::page(&room.shell, &view))
        })
        .await
}

fn fill(
    view: &mut View<'_>,
    room: &Room,
    person: Option<Visible<PatientId>>,
    before: Option<i64>,
) -> Result<pages::View, Fault> {
    let decides = room.viewer.may(Can::ApproveReveals);
    let (looks, person) = match person {
        Some(patient) => {
            room.sight.saw(patient.id(), What::Looks);
            let id = pseudonyms::shown(view, &room.viewer, patient.id())?;
            let person = Person { id, reference: reference(&id.to_string()), known: None };
            (accesses::of_patient(view, patient.key(), before, SHOWN)?, Some(person))
        }
        None => (accesses::newest(view, &room.viewer.audience, room.viewer.actor(), before, SHOWN)?, None),
    };
    let place = match &person {
        Some(person) => format!("/patients/{}/accesses", person.id),
        None => "/accesses".to_owned(),
    };
    let last = looks.last().filter(|_| i64::try_from(looks.len()).is_ok_and(|n| n == SHOWN));
    let older = last.map(|look| address(&place, &[("before", &look.id.to_string())]));
    let mut people = People::default();
    let mut rows = Vec::with_capacity(looks.len());
    for look in looks {
        rows.push(row(view, room, &mut people, look, person.is_none())?);
    }
    let own = (!decides).then_some(room.viewer.id);
    let mut requests = Vec::new();
    for reveal in reveals::newest(view, &room.viewer.audience, own, REQUESTS, room.now)? {
        requests.push(request(view, room, &mut people, reveal)?);
    }
    Ok(pages::View { person, rows, older, requests, decides, refused: None, asked: false })
}

fn row(
    view: &mut View<'_>,
    room: &Room,
    people: &mut People,
    look: NotedAccess,
    names_patient: bool,
) -> Result<Row, Fault> {
    let patient = match names_patient {
        true => {
            let id = patients::id_of(view, look.patient_key)?;
            room.sight.saw(id, What::Looks);
            Some(known(view, room, id)?)
        }
        false => None,
    };
    let who = look.viewer.map(|user| somebody(view, room, people, user)).transpose()?;
    Ok(Row {
        at: look.at,
        patient,
        who,
        role: look.role.map(role_word),
        what: look.what,
        refused: look.refused,
        listed: look.listed,
    })
}

/// A patient as this reader knows them.
fn known(view: &mut View<'_>, room: &Room, id: PatientId) -> Result<(PatientId, String), Fault> {
    let id = pseudonyms::shown(view, &room.viewer, id)?;
    Ok((id, reference(&id.to_string())))
}

/// Who looked: a colleague's name for the DPO, who answers for it to the person; for auditors how they know them.
fn somebody(view: &mut View<'_>, room: &Room, people: &mut People, user: UserId) -> Result<String, Fault> {
    if room.viewer.may(Can::ApproveReveals) {
        return people.hand_of(view, room, user);
    }
    Ok(reference(&pseudonyms::shown(view, &room.viewer, PatientId(user.0))?.to_string()))
}

fn request(view: &mut View<'_>, room: &Room, people: &mut People, reveal: Reveal) -> Result<Request, Fault> {
    room.sight.saw(reveal.patient, What::Looks);
    Ok(Request {
        id: reveal.id,
        patient: known(view, room, reveal.patient)?,
        who: somebody(view, room, people, reveal.asker)?,
        reason: reveal.reason,
        at: reveal.asked_at,
        state: reveal.state,
        own: reveal.asker == room.viewer.id,
    })
}

/// What a reveal sends.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sent {
    person: String,
    reason: String,
}

/// POST `/accesses`: a DPO knows who a person is and sees who looked at them; an auditor's request goes to a DPO.
pub(crate) async fn reveal(visit: Visit, sent: Form<Sent>) -> Answer {
    visit
        .page(Section::Audit, move |room| {
            let decides = room.viewer.may(Can::ApproveReveals);
            let done = named(room, sent.person.trim()).and_then(|patient| {
                let id = patient.id();
                if decides {
                    let who = at_once(room, id, &sent.reason);
                    return Ok((patient, Some(pseudonyms::revealed(&room.sight, id, who)?)));
                }
                room.write(|tx| Ok(reveals::ask(tx, id, &sent.reason)?))?;
                Ok((patient, None))
            });
            let view = match done {
                Ok((patient, who)) => shown(room, patient, who.as_ref())?,
                Err(fault) if fault.code == Code::StepUp => return Err(fault),
                Err(fault) => {
                    let view = room.read(|view| fill(view, room, None, None))?;
                    pages::View { refused: Some(fault.code), ..view }
                }
            };
            Ok(pages::page(&room.shell, &view))
        })
        .await
}

fn at_once(room: &Room, id: PatientId, reason: &str) -> Result<PatientIdentity, Fault> {
    sign_in::stepped_up(&room.state, &room.viewer, room.now)?;
    room.write(|tx| Ok(reveals::at_once(tx, id, reason)?))
}

/// The looks at one person, with who they are where it was just revealed; else their request is on its way.
fn shown(
    room: &Room,
    patient: Visible<PatientId>,
    who: Option<&PatientIdentity>,
) -> Result<pages::View, Fault> {
    let mut view = room.read(|view| fill(view, room, Some(patient), None))?;
    view.asked = who.is_none();
    if let (Some(person), Some(who)) = (&mut view.person, who) {
        person.known = Some((who.name.as_str().to_owned(), room.words().date(who.birth_date)));
    }
    Ok(view)
}

/// Whom a reader means: by a pseudonym or an id; a DPO also by the CPF or CNS that a request bears. A search in vain is in
/// the log.
fn named(room: &Room, person: &str) -> Result<Visible<PatientId>, Fault> {
    let audience = &room.viewer.audience;
    let found = room.read(|view| {
        if let Ok(requested) = person.parse() {
            return Ok(Some(room.viewer.visible(view, requested)?));
        }
        if !room.viewer.may(Can::ApproveReveals) {
            return Err(Fault::invalid("person", "a pseudonym"));
        }
        let found = match (person.parse::<Cpf>(), person.parse::<Cns>()) {
            (Ok(cpf), _) => patients::find_by_cpf(view, audience, &cpf)?,
            (_, Ok(cns)) => patients::find_by_cns(view, audience, &cns)?,
            _neither => return Err(Fault::invalid("person", "a pseudonym, a CPF or a CNS")),
        };
        Ok(found.map(|found| audience.patient(view, found.id)).transpose()?)
    })?;
    if found.is_none() {
        let vain = Act::new("access.search").decided(false).code(Code::NotFound.name());
        room.write(|tx| Ok(tx.audit(&vain)?))?;
    }
    found.ok_or_else(|| Code::NotFound.into())
}

/// POST `/reveals/{id}/{approve|refuse|open}`.
pub(crate) async fn act(visit: Visit, path: Path<(Requested<RevealId>, String)>) -> Answer {
    let (id, name) = path.into_inner();
    visit
        .page(Section::Audit, move |room| {
            let stepped_up = || sign_in::stepped_up(&room.state, &room.viewer, room.now);
            let view = match name.as_str() {
                "approve" | "refuse" => {
                    room.viewer.must(Can::ApproveReveals)?;
                    stepped_up()?;
                    room.write(|tx| {
                        let id = room.viewer.audience.reveal(tx, id)?.id();
                        Ok(reveals::decide(tx, id, name == "approve")?)
                    })?;
                    room.read(|view| fill(view, room, None, None))?
                }
                "open" => {
                    let (reveal, patient) = room.read(|view| {
                        let id = room.viewer.audience.reveal(view, id)?.id();
                        let reveal = reveals::get(view, id, room.now)?;
                        let patient = room.viewer.audience.patient(view, reveal.patient)?;
                        Ok((reveal, patient))
                    })?;
                    let opened =
                        stepped_up().and_then(|()| room.write(|tx| Ok(reveals::open(tx, reveal.id)?)));
                    let (_, who) = pseudonyms::revealed(&room.sight, reveal.patient, opened)?;
                    shown(room, patient, Some(&who))?
                }
                _ => return Err(Code::NotFound.into()),
            };
            Ok(pages::page(&room.shell, &view))
        })
        .await
}
