//! Alerts: the queue, one case, and what people do with it. A finding is shown whole to who may see readings; front
//! line and technicians get the newest value of the alerting signal, managers none.

pub(crate) mod attachments;
pub(crate) mod together;

use actix_web::web::{Path, Query};
use consent::{AlertEscalate, Purpose};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::alerts::cases::{Case, Cases, Judged};
use crate::escalation::api::progress::{Progress, progress};
use crate::http::api::{Answer, Body, Call, Desk, List, MayBody, Paging, Reply};
use crate::http::fault::Fault;
use crate::people::auth::permit_display;
use crate::readings::api::{Names, Shown};
use domain::alerts::Act;
use domain::line::{self, NotALine};
use domain::{AlertId, AlertState, Instant, Level, Outcome, PatientId, Role, Rule, UserId};
use store::alerts;
use store::alerts::lists::Filter;
use store::consents::permits;
use store::patients::audience::{Requested, Visible};
use store::privacy::accesses::What;
use store::{View, escalation, readings};

/// An alert as a viewer may see it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Alert {
    #[schema(value_type = String)]
    id: AlertId,
    #[schema(value_type = String)]
    patient_id: PatientId,
    /// Null without a legal basis to show, as are version, signal, level, peak and finding: `masked` says why.
    rule: Option<String>,
    rule_version: Option<u32>,
    signal: Option<&'static str>,
    level: Option<&'static str>,
    peak: Option<&'static str>,
    state: &'static str,
    #[schema(value_type = String)]
    started_at: Instant,
    #[schema(value_type = Option<String>)]
    ended_at: Option<Instant>,
    #[schema(value_type = String)]
    raised_at: Instant,
    /// Who works on it.
    #[schema(value_type = Option<String>)]
    owner: Option<UserId>,
    outcome: Option<&'static str>,
    /// The silence in force.
    snoozed: Option<Snoozed>,
    retrospective: bool,
    /// Since when its readings are another patient's, or nobody's, because a binding was put right. What people did about it
    /// stays; it is null again once they are back.
    #[schema(value_type = Option<String>)]
    readings_moved_at: Option<Instant>,
    /// Why judgement's part is hidden; null when it is not.
    masked: Option<Hidden>,
    /// Why nobody is called about an unresolved red; null when people are called, and where `masked` says why.
    #[schema(value_type = Option<Uncalled>)]
    uncalled: Option<Uncalled>,
    /// Null without a legal basis, and for who may not see it.
    #[schema(value_type = Option<FindingText>)]
    finding: Option<serde_json::Value>,
    version: i64,
}

/// That an alert calls nobody for a while, because somebody asked for it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Snoozed {
    #[schema(value_type = String)]
    by: UserId,
    #[schema(value_type = String)]
    until: Instant,
}

/// Why nobody is called about an alert.
#[derive(Serialize, ToSchema)]
pub(crate) struct Uncalled {
    /// Such as `E_REVOKED`.
    code: &'static str,
    /// The article of the law.
    basis: &'static str,
    /// The purpose that was refused.
    purpose: &'static str,
}

/// Why the alert stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct FindingText {
    pt: String,
    en: String,
    /// What it rests on; for front line and technicians the newest value alone.
    #[schema(value_type = Vec<Object>)]
    readings: serde_json::Value,
    /// Whether it rests on one value too extreme to be believed alone, or the newest value is such.
    measure_again: bool,
}

/// Why the judgement of an alert is not shown.
#[derive(Serialize, ToSchema)]
#[schema(as = AlertMasked)]
pub(crate) struct Hidden {
    /// Such as `E_REVOKED`.
    code: &'static str,
    /// The rule of law behind it.
    article: Option<&'static str>,
    /// Since when.
    since: Option<String>,
}

impl From<&Fault> for Hidden {
    fn from(fault: &Fault) -> Self {
        let since = fault.more.get("since").and_then(serde_json::Value::as_str).map(str::to_owned);
        Self { code: fault.code.name(), article: fault.code.article(), since }
    }
}

/// Shapes alerts for one viewer.
struct Shape<'a> {
    desk: &'a Desk,
    cases: Cases<'a>,
    names: Names,
    rules: Vec<Rule>,
}

impl<'a> Shape<'a> {
    fn new(desk: &'a Desk) -> Self {
        Self { desk, cases: desk.cases(), names: Names::default(), rules: Rule::seeds() }
    }

    fn of(&mut self, view: &mut View<'_>, case: &Case) -> Result<Alert, Fault> {
        self.cases.show([case]);
        let judged = case.judged().ok();
        let (uncalled, finding) = match judged {
            Some(judged) => (
                self.uncalled(view, case, judged)?,
                self.finding(view, case.patient, case.patient_key, judged)?,
            ),
            None => (None, None),
        };
        Ok(Alert {
            id: case.id,
            patient_id: case.patient,
            rule: judged.map(|judged| judged.rule.clone()),
            rule_version: judged.map(|judged| judged.rule_version),
            signal: judged.map(|judged| judged.signal.name()),
            level: judged.map(|judged| judged.level.name()),
            peak: judged.map(|judged| judged.peak.name()),
            state: case.state.name(),
            started_at: case.started_at,
            ended_at: case.ended_at,
            raised_at: case.raised_at,
            owner: case.owner,
            outcome: case.outcome.map(Outcome::name),
            snoozed: case.snooze.map(|one| Snoozed { by: one.by, until: one.until }),
            retrospective: case.retrospective,
            readings_moved_at: case.moved_at,
            masked: case.judged().err().map(Hidden::from),
            uncalled,
            finding,
            version: case.version,
        })
    }

    fn uncalled(&self, view: &mut View<'_>, case: &Case, judged: &Judged) -> Result<Option<Uncalled>, Fault> {
        let waits = judged.level == Level::Red && case.state != AlertState::Resolved;
        if !waits {
            return Ok(None);
        }
        let denied = permits::look::<AlertEscalate>(view, case.patient_key, self.desk.now)?.err();
        Ok(denied.map(|denied| {
            let (code, purpose) = denied.root();
            let purpose = purpose.unwrap_or(Purpose::AlertEscalate).as_str();
            Uncalled { code: code.as_str(), basis: code.basis_text(), purpose }
        }))
    }

    fn finding(
        &mut self,
        view: &mut View<'_>,
        patient: PatientId,
        key: i64,
        judged: &Judged,
    ) -> Result<Option<serde_json::Value>, Fault> {
        let desk = self.desk;
        // Managers see that an alert stands, and no value.
        let Ok(permit) = permit_display(view, &desk.state, &desk.viewer, key) else { return Ok(None) };
        let finding = match desk.viewer.role {
            Role::Clinician | Role::Patient => judged.finding(view, &permit)?.map(|finding| {
                let mut spoken = finding.spoken();
                spoken.readings.retain(|sample| permit.covers(sample.at.micros()).is_ok());
                serde_json::to_value(spoken)
            }),
            Role::Agent | Role::Technician => {
                let latest = readings::latest(view, &permit, key, &[judged.signal])?;
                let names = &mut self.names;
                let measure_again = latest.iter().any(|stored| stored.reading.flags.is_suspect());
                let shown = latest.iter().map(|stored| Shown::of(view, names, stored));
                let readings = serde_json::to_value(shown.collect::<Result<Vec<_>, _>>()?);
                let (pt, en) = headline(&self.rules, judged);
                Some(readings.and_then(|readings| {
                    serde_json::to_value(FindingText { pt, en, readings, measure_again })
                }))
            }
            _ => None,
        };
        let finding = finding.transpose().map_err(|_shape| Fault::new(crate::Code::Internal))?;
        if finding.as_ref().is_some_and(tells_values) {
            desk.sight.saw(patient, What::Readings);
        }
        Ok(finding)
    }
}

/// Whether a finding holds what was measured.
fn tells_values(finding: &serde_json::Value) -> bool {
    finding.get("readings").and_then(serde_json::Value::as_array).is_none_or(|readings| !readings.is_empty())
}

/// Level and rule by name: no value.
fn headline(rules: &[Rule], judged: &Judged) -> (String, String) {
    let rule = &judged.rule;
    let names = rules.iter().find(|known| known.id == *rule).map(|known| known.name.clone());
    let (pt, en) =
        names.map_or_else(|| (rule.clone(), rule.clone()), |name| (name.pt.into(), name.en.into()));
    let (level_pt, level_en) = match judged.level {
        Level::Red => ("Vermelho", "Red"),
        Level::Yellow => ("Amarelo", "Yellow"),
        Level::Green => ("Verde", "Green"),
    };
    (format!("{level_pt}: {pt}."), format!("{level_en}: {en}."))
}

/// Which alerts.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// How bad it is now: `green`, `yellow` or `red`.
    level: Option<String>,
    /// How bad it was at its worst: `yellow` or `red`.
    peak: Option<String>,
    /// `open`, `acknowledged`, `snoozed`, `resolved`; all by default.
    state: Option<String>,
    /// Only this patient's.
    #[param(value_type = Option<String>)]
    patient_id: Option<Requested<PatientId>>,
    /// At most so many rows.
    limit: Option<usize>,
    /// The `next` of the page before.
    after: Option<String>,
}

fn named<T>(field: &str, text: Option<&str>, from: fn(&str) -> Option<T>) -> Result<Option<T>, Fault> {
    let known = |name| from(name).ok_or_else(|| Fault::invalid(field, "not one of its names"));
    text.map(known).transpose()
}

fn page(desk: &Desk, wanted: &Wanted, patient: Option<Requested<PatientId>>) -> Result<Reply, Fault> {
    let ask = Paging { limit: wanted.limit, after: wanted.after.clone() }.ask()?;
    let level = named("level", wanted.level.as_deref(), Level::from_name)?;
    let peak = named("peak", wanted.peak.as_deref(), Level::from_name)?;
    let state = named("state", wanted.state.as_deref(), AlertState::from_name)?;
    desk.read(|view| {
        let patient = patient.map(|asked| desk.viewer.visible(view, asked)).transpose()?;
        let patient_key = patient.map(Visible::<PatientId>::key);
        let filter = Filter { level, peak, state, patient_key };
        let mut shape = Shape::new(desk);
        let (rows, next) = shape.cases.worst(view, filter, &ask.after, ask.limit)?;
        let items = rows.iter().map(|row| shape.of(view, row)).collect::<Result<Vec<_>, _>>()?;
        Reply::ok(&List { items, next })
    })
}

/// Alerts, the worst first, then the oldest. A page may hold fewer than asked for, even none, although `next` leads on:
/// each call looks through a bounded number of alerts.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "alerts", params(Wanted), responses((status = 200, body = List<Alert>)))]
pub(crate) async fn list(call: Call, wanted: Query<Wanted>) -> Answer {
    call.run(move |desk| page(desk, &wanted, wanted.patient_id)).await
}

/// One patient's alerts.
#[utoipa::path(get, path = "/api/v1/patients/{id}/alerts", tag = "alerts", params(("id" = String, Path), Wanted), responses((status = 200, body = List<Alert>)))]
pub(crate) async fn of_patient(call: Call, id: Path<Requested<PatientId>>, wanted: Query<Wanted>) -> Answer {
    call.run(move |desk| page(desk, &wanted, Some(*id))).await
}

/// One alert.
#[utoipa::path(get, path = "/api/v1/alerts/{id}", tag = "alerts", params(("id" = String, Path)), responses((status = 200, body = Alert), (status = 404)))]
pub(crate) async fn get(call: Call, id: Path<Requested<AlertId>>) -> Answer {
    call.run(move |desk| {
        desk.read(|view| {
            let mut shape = Shape::new(desk);
            let alert = desk.viewer.audience.alert(view, *id)?;
            let case = shape.cases.get(view, alert)?;
            Ok(Reply::ok(&shape.of(view, &case)?)?.at(case.version))
        })
    })
    .await
}

/// Why, in the person's words.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Note {
    note: Option<String>,
}

/// A silence.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Snooze {
    /// Until when; after now.
    #[schema(value_type = String)]
    until: Instant,
    /// Why; a red is silenced for a reason.
    note: Option<String>,
}

/// An end.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resolve {
    /// `true`, `false_alarm`, `duplicate` or `other`.
    #[schema(value_type = String)]
    outcome: Outcome,
    note: Option<String>,
}

/// A hand-over.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reassign {
    /// To whom: somebody who can be called about alerts.
    #[schema(value_type = String)]
    to: UserId,
    note: Option<String>,
}

async fn acted(call: Call, asked: Requested<AlertId>, what: Act, note: Option<String>) -> Answer {
    let is_plain = note.as_deref().is_none_or(line::is_plain);
    call.run(move |desk| {
        if !is_plain {
            return Err(Fault::invalid("note", &NotALine::Unseen.to_string()));
        }
        let stored = desk.write(|tx| {
            let alert = desk.viewer.audience.alert(tx, asked)?;
            Ok(alerts::acted(tx, alert.id(), desk.viewer.id, what, note.as_deref())?)
        })?;
        desk.read(|view| {
            let mut shape = Shape::new(desk);
            let case = shape.cases.of(view, &stored)?;
            Ok(Reply::ok(&shape.of(view, &case)?)?.at(case.version))
        })
    })
    .await
}

/// Takes an alert; somebody else's is `E_CLAIMED` with its `owner`.  One below red is `E_CAPACITY` for who has no
/// room left beside the reserve for red.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/claim", tag = "alerts", params(("id" = String, Path)), request_body = Option<Note>, responses((status = 200, body = Alert), (status = 409, description = "E_CLAIMED, E_STATE")))]
pub(crate) async fn claim(call: Call, id: Path<Requested<AlertId>>, body: MayBody<Note>) -> Answer {
    acted(call, *id, Act::Claim, body.0.and_then(|sent| sent.note)).await
}

/// Answers for an alert.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/ack", tag = "alerts", params(("id" = String, Path)), request_body = Option<Note>, responses((status = 200, body = Alert), (status = 409)))]
pub(crate) async fn ack(call: Call, id: Path<Requested<AlertId>>, body: MayBody<Note>) -> Answer {
    acted(call, *id, Act::Ack, body.0.and_then(|sent| sent.note)).await
}

/// Takes every answer back: the alert waits for a person again, and its escalation pages anew.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/unack", tag = "alerts", params(("id" = String, Path)), request_body = Option<Note>, responses((status = 200, body = Alert), (status = 409)))]
pub(crate) async fn unack(call: Call, id: Path<Requested<AlertId>>, body: MayBody<Note>) -> Answer {
    acted(call, *id, Act::Unack, body.0.and_then(|sent| sent.note)).await
}

/// What the caller saw when they pressed the button.
#[derive(Deserialize, ToSchema)]
#[schema(as = EscalateSeen)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeenAt {
    /// The `stepped_at` that was shown.
    #[schema(value_type = String)]
    seen: Instant,
}

/// Pages the next step now; somebody who was paged since `seen` makes it `E_STALE_STEP`.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/escalate", tag = "alerts", params(("id" = String, Path)), request_body = SeenAt, responses((status = 200, body = Progress), (status = 404), (status = 409, description = "E_STALE_STEP, E_CONFLICT")))]
pub(crate) async fn escalate(call: Call, id: Path<Requested<AlertId>>, body: Body<SeenAt>) -> Answer {
    call.run(move |desk| {
        let alert = desk.write(|tx| {
            let alert = desk.viewer.audience.alert(tx, *id)?;
            escalation::force(tx, alert.id(), body.value.seen)?;
            Ok(alert)
        })?;
        progress(desk, alert)
    })
    .await
}

/// Silences an alert until an instant or a worse level, for 24 hours at the most. For a red that is the limit of all its
/// silences together, a reason is required, and whoever silenced it last does not silence it again.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/snooze", tag = "alerts", params(("id" = String, Path)), request_body = Snooze, responses((status = 200, body = Alert), (status = 403, description = "E_FOUR_EYES"), (status = 409), (status = 422, description = "E_INVALID, E_REASON")))]
pub(crate) async fn snooze(call: Call, id: Path<Requested<AlertId>>, body: Body<Snooze>) -> Answer {
    acted(call, *id, Act::Snooze { until: body.value.until }, body.value.note).await
}

/// Ends an alert with an outcome.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/resolve", tag = "alerts", params(("id" = String, Path)), request_body = Resolve, responses((status = 200, body = Alert), (status = 409)))]
pub(crate) async fn resolve(call: Call, id: Path<Requested<AlertId>>, body: Body<Resolve>) -> Answer {
    acted(call, *id, Act::Resolve { outcome: body.value.outcome }, body.value.note).await
}

/// Hands an alert to somebody else, who is there: one who is away is refused, with until when.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/reassign", tag = "alerts", params(("id" = String, Path)), request_body = Reassign, responses((status = 200, body = Alert), (status = 409, description = "E_ABSENT, E_STATE")))]
pub(crate) async fn reassign(call: Call, id: Path<Requested<AlertId>>, body: Body<Reassign>) -> Answer {
    acted(call, *id, Act::Reassign { to: body.value.to }, body.value.note).await
}
