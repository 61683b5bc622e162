//! One alert for one viewer now, and what they do with it.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::web::{Form, Path};
use serde::Deserialize;

use super::finding::{self, RuleNames, tongue};
use super::queue::{shown_level, shown_state};
use crate::alerts::cases::Case;
use crate::alerts::view::alert::{self, Act, ActKind, Evidence, Finding, Judged, Outcome};
use crate::escalation::view::progress::Standing;
use crate::http::fault::Fault;
use crate::pages::shell::back;
use crate::pages::visit::{Answer, Look, Room, Visit, masked};
use crate::pages::{Choice, Masked};
use crate::people::auth::permit_display;
use crate::people::page::names::People;
use crate::sla::view::clocks::SlaClocks;
use crate::{Code, Section};
use domain::alerts::Act as Deed;
use domain::line::{self, NotALine};
use domain::{AlertId, Can, Outcome as Ended, Role, Signal, UserId};
use store::alerts::moves;
use store::alerts::moves::Elsewhere;
use store::alerts::{self, ActRow};
use store::escalation::{self, paging};
use store::patients::audience::{Requested, Visible};
use store::people::users;
use store::privacy::accesses::What;
use store::{Ask, View, devices, patients};

/// `/alerts/{id}`, or what is below its heading.
pub(crate) async fn show(visit: Visit, id: Path<Requested<AlertId>>, request: HttpRequest) -> Answer {
    let id = *id;
    let (id, patient) = visit.alert(id).await.map_err(|fault| fault.of(&request))?;
    let look = visit.look(patient).await?;
    visit
        .page(Section::Queue, move |room| {
            let view = room.read(|view| fill(view, room, id, look))?;
            Ok(if room.is_part { alert::part(&room.shell, &view) } else { alert::page(&room.shell, &view) })
        })
        .await
}

fn fill(view: &mut View<'_>, room: &Room, alert: Visible<AlertId>, look: Look) -> Result<alert::View, Fault> {
    let mut cases = room.cases();
    let (id, case) = (alert.id(), cases.get(view, alert)?);
    let patient = patients::get(view, &room.viewer.audience, case.patient)?;
    let mut people = People::default();
    let phone = patient.identity.and_then(|who| who.phone).map(String::from);
    let phone = phone.filter(|_| room.viewer.may(Can::SeeContacts));
    if phone.is_some() {
        room.sight.saw(case.patient, What::Contacts);
    }
    let may_act = room.viewer.may(Can::ActOnAlerts);
    let may_answer = may_act || alerts::was_called(view, id, case.owner, room.viewer.id)?;
    // Whom a policy calls, and by when, tells how grave it is.
    let (progress, sla) = match case.judged() {
        Ok(_) => (
            crate::escalation::page::progress::of_alert(view, room, id, case.patient_key)?,
            crate::sla::page::clocks::of_alert(view, room, id)?,
        ),
        Err(_hidden) => (None, SlaClocks::default()),
    };
    let escalates = progress.as_ref().is_some_and(|progress| progress.standing != Standing::Done);
    let waits = matches!(case.state, domain::AlertState::Open);
    let acts = story(view, room, &case, &mut people)?;
    let last = acts.iter().rev().find(|act| !matches!(act.what, ActKind::Raised(_) | ActKind::Level(_)));
    let given_back = last
        .filter(|act| waits && case.owner.is_none() && matches!(act.what, ActKind::GivenBack(_)))
        .map(|act| act.what.words(room.words()));
    Ok(alert::View {
        alert: id,
        patient: case.patient,
        name: people.patient(view, room, case.patient)?,
        phone,
        judged: case.judged().ok().map(|judged| Judged {
            signal: judged.signal,
            rule: judged.rule.clone(),
            rule_version: judged.rule_version,
            level: shown_level(judged.shown),
            peak: shown_level(judged.peak),
        }),
        state: shown_state(case.state),
        started_at: case.started_at,
        ended_at: case.ended_at,
        due: progress
            .as_ref()
            .filter(|_| waits)
            .and_then(|progress| progress.next.as_ref())
            .map(|next| next.at),
        owner: people.owner(view, case.holder(room.now), room.viewer.id)?,
        claimed_until: case.claimed_until.filter(|until| *until > room.now),
        snoozed: people.snoozed(view, case.snooze)?,
        worn_out: case.worn_out,
        outcome: case.outcome.map(shown_outcome),
        retrospective: case.retrospective,
        nobody_reached: progress
            .as_ref()
            .is_some_and(|progress| progress.standing == Standing::NobodyReached),
        progress,
        sla,
        finding: finding(view, room, &case, look, &mut people)?,
        acts,
        files: super::attachments::fill(view, room, &case, &mut people)?,
        given_back,
        uncalled: crate::escalation::page::progress::uncalled(view, room, case.patient_key, escalates)?,
        may_act,
        may_answer,
        colleagues: if may_answer { colleagues(view, room)? } else { Vec::new() },
    })
}

const fn shown_outcome(outcome: Ended) -> Outcome {
    match outcome {
        Ended::TrueAlarm => Outcome::True,
        Ended::FalseAlarm => Outcome::FalseAlarm,
        Ended::Duplicate => Outcome::Duplicate,
        Ended::Retracted => Outcome::Retracted,
        Ended::ConsentRevoked => Outcome::ConsentRevoked,
        Ended::Other => Outcome::Other,
    }
}

fn finding(
    view: &mut View<'_>,
    room: &Room,
    case: &Case,
    look: Look,
    people: &mut People,
) -> Result<Finding, Fault> {
    let hidden = |code| Finding::Hidden(Masked { code, since: None });
    match look {
        Look::Masked(masked) => return Ok(Finding::Hidden(masked)),
        Look::Unrecorded => return Ok(hidden(Code::Audit)),
        Look::Open | Look::NotYours => {}
    }
    let judged = match case.judged_or_fault() {
        Ok(judged) => judged,
        Err(fault) => return masked(fault).map(Finding::Hidden),
    };
    let w = room.words();
    if case.moved_at.is_some() {
        let text = finding::moved(view, w, judged)?;
        return Ok(Finding::Shown { headline: None, text, readings: Vec::new() });
    }
    if room.viewer.role != Role::Clinician {
        let names = RuleNames::load(view, w.lang)?;
        let finding_text = finding::finding(view, room, case, &names)?;
        let latest = finding_text.latest.map(|latest| {
            let value = w.value(&latest.signal, &latest.value);
            let again =
                if latest.suspect { format!(" · {}", w.say("reading-suspect")) } else { String::new() };
            let (unit, ago) = (w.unit(&latest.signal), w.ago(&latest.at));
            format!(" · {} {value} {unit} · {ago}{again}", w.say("queue-now"))
        });
        return Ok(Finding::Shown {
            headline: None,
            text: finding_text.sentence + &latest.unwrap_or_default(),
            readings: Vec::new(),
        });
    }
    let permit = match permit_display(view, &room.state, &room.viewer, case.patient_key) {
        Ok(permit) => permit,
        Err(fault) => return masked(fault).map(Finding::Hidden),
    };
    let Some(found) = judged.finding(view, &permit)? else { return Ok(hidden(Code::Revoked)) };
    let headline = Some(finding::headline(w, judged.signal, &found));
    let spoken = found.spoken();
    let mut readings = Vec::new();
    for sample in spoken.readings {
        let (Some(signal), Ok(())) = (Signal::from_name(&found.signal), permit.covers(sample.at.micros()))
        else {
            continue;
        };
        let device = match devices::get(view, sample.device_id) {
            Ok(_known) => people.device(view, sample.device_id)?,
            Err(_gone) => String::new(),
        };
        readings.push(Evidence { signal, at: sample.at, value: sample.value, device });
    }
    Ok(Finding::Shown { headline, text: tongue(w, spoken.pt, spoken.en), readings })
}

/// What happened, oldest first: levels as judgement saw them, acts as people did them.
fn story(view: &mut View<'_>, room: &Room, case: &Case, people: &mut People) -> Result<Vec<Act>, Fault> {
    let judged = case.judged().ok();
    let levels = judged.into_iter().flat_map(|judged| judged.levels.iter().enumerate());
    let mut story: Vec<Act> = levels
        .map(|(place, step)| {
            let level = shown_level(step.level);
            let what = if place == 0 { ActKind::Raised(level) } else { ActKind::Level(level) };
            Act { at: step.at, who: None, what, note: None }
        })
        .collect();
    for mut row in alerts::acts(view, case.id)? {
        // A note may say what was found.
        row.note = row.note.filter(|_| judged.is_some());
        story.extend(deed(view, room, row, people)?);
    }
    story.extend(elsewhere(view, room, case, people)?);
    story.sort_by_key(|act| act.at);
    Ok(story)
}

/// What people did about the alerts that the same readings raised while they stood with another patient. Of that patient
/// nothing is shown, and no note: it is about them.
fn elsewhere(view: &mut View<'_>, room: &Room, case: &Case, people: &mut People) -> Result<Vec<Act>, Fault> {
    let mut story = Vec::new();
    let mut cases = room.cases();
    for Elsewhere { alert, left_at } in moves::raised_elsewhere(view, case.id)? {
        let case_there = cases.of(view, &alert)?;
        cases.show([&case_there]);
        for row in alerts::acts(view, case_there.id)? {
            let by_hand = row.at <= left_at && !matches!(row.act.as_str(), "moved" | "returned");
            let act = deed(view, room, ActRow { note: None, ..row }, people)?.filter(|_| by_hand);
            story.extend(act.map(|act| Act { what: ActKind::Elsewhere(Box::new(act.what)), ..act }));
        }
    }
    Ok(story)
}

fn deed(view: &mut View<'_>, room: &Room, row: ActRow, people: &mut People) -> Result<Option<Act>, Fault> {
    let whom = row.whom.map(|whom| people.user(view, whom)).transpose()?;
    let Some(what) = ActKind::from_name(&row.act, whom) else { return Ok(None) };
    // A note is the acting person's own words about a patient: for those who act.
    let note = row.note.filter(|_| room.viewer.may(Can::ActOnAlerts));
    Ok(Some(Act { at: row.at, who: people.hand(view, room, &row.actor)?, what, note }))
}

fn colleagues(view: &mut View<'_>, room: &Room) -> Result<Vec<Choice>, Fault> {
    let page = users::page(view, &Ask { limit: store::db::page::MOST, ..Ask::default() })?;
    let able = page.items.into_iter().filter(|user| {
        let stands = user.disabled_at.is_none() && user.held.is_none();
        user.id != room.viewer.id && stands && Can::AnswerCalls.held_by(user.role)
    });
    let (away, w) = (paging::away(view, room.now)?, room.words());
    Ok(able
        .filter_map(|user| {
            let name = String::from(user.identity?.name);
            let label = match away.get(&user.id) {
                Some(until) => w.two("alert-away", "name", name, "time", w.at(until)),
                None => name,
            };
            Some(Choice { value: user.id.to_string(), label })
        })
        .collect())
}

/// What the forms of an alert send.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sent {
    reason: String,
    outcome: String,
    minutes: String,
    to: String,
    seen: String,
    back: String,
}

impl Sent {
    fn deed(&self, name: &str, now: domain::Instant) -> Result<Deed, Fault> {
        Ok(match name {
            "claim" => Deed::Claim,
            "ack" => Deed::Ack,
            "unack" => Deed::Unack,
            "snooze" => {
                let minutes: u64 =
                    self.minutes.parse().map_err(|_number| Fault::invalid("minutes", "how long"))?;
                let span = Duration::from_secs(minutes.clamp(1, 24 * 60) * 60);
                Deed::Snooze { until: now.plus(span) }
            }
            "resolve" => {
                let outcome = Ended::from_name(&self.outcome);
                Deed::Resolve { outcome: outcome.ok_or_else(|| Fault::invalid("outcome", "how it ended"))? }
            }
            "reassign" => {
                let to: UserId = self.to.parse().map_err(|_id| Fault::invalid("to", "to whom"))?;
                Deed::Reassign { to }
            }
            _ => return Err(Code::NotFound.into()),
        })
    }

    /// The reason; those who end, silence or hand over give one.
    fn note(&self, deed: Deed) -> Result<Option<&str>, Fault> {
        let note = self.reason.trim();
        let wanted = !matches!(deed, Deed::Claim | Deed::Ack | Deed::Unack);
        let length = note.chars().count();
        if wanted && length < 3 || length > 500 {
            return Err(Fault::new(Code::ReasonMissing).with("field", "reason"));
        }
        if !line::is_plain(note) {
            return Err(Fault::invalid("unseen", &NotALine::Unseen.to_string()));
        }
        Ok((!note.is_empty()).then_some(note))
    }
}

/// POST `/alerts/{id}/{claim|ack|unack|snooze|resolve|reassign|escalate}`.
pub(crate) async fn act(visit: Visit, path: Path<(Requested<AlertId>, String)>, sent: Form<Sent>) -> Answer {
    let (id, name) = path.into_inner();
    visit
        .act(move |room| {
            let asked = back(&sent.back);
            let next = if asked == "/" { format!("/alerts/{id}") } else { asked.to_owned() };
            if name == "escalate" {
                if !room.viewer.may(Can::ActOnAlerts) {
                    return Err(Code::Role.into());
                }
                let seen = domain::Instant::parse(&sent.seen);
                let seen = seen.ok_or_else(|| Fault::invalid("seen", "what was shown"))?;
                room.write(|tx| {
                    let alert = room.viewer.audience.alert(tx, id)?;
                    Ok(escalation::force(tx, alert.id(), seen)?)
                })?;
                return Ok(next);
            }
            let deed = sent.deed(&name, room.now)?;
            let note = sent.note(deed)?;
            let done = room.write(|tx| {
                let alert = room.viewer.audience.alert(tx, id)?;
                Ok(alerts::acted(tx, alert.id(), room.viewer.id, deed, note)?)
            });
            done.map_err(|fault| named_owner(room, fault))?;
            Ok(next)
        })
        .await
}

/// A claimed alert says who has it, one that goes to somebody who is away says who that is: by name, and until when.
fn named_owner(room: &Room, fault: Fault) -> Fault {
    let text = |name: &str| fault.more.get(name).and_then(serde_json::Value::as_str);
    let owner = text("owner").or(text("to")).and_then(|id| id.parse().ok());
    let Some(owner) = owner.filter(|_| matches!(fault.code, Code::Claimed | Code::Absent)) else {
        return fault;
    };
    let until = text("until").and_then(domain::Instant::parse);
    let fault = match until {
        Some(until) if fault.code == Code::Absent => fault.with("until_clock", room.words().at(&until)),
        Some(until) => fault.with("until_clock", room.words().clock(&until)),
        None => fault,
    };
    match room.read(|view| People::default().user(view, owner)) {
        Ok(name) => fault.with("owner_name", name),
        Err(_unknown) => fault,
    }
}
