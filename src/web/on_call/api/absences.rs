//! Who is away, over all schedules, now and later: noted with whoever stands in, seen, changed, taken back. Of one's own,
//! by everybody who takes calls; of others, by whoever keeps the schedules.

use actix_web::http::StatusCode;
use actix_web::web::{Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::changes::asked_again;
use super::schedules::Between;
use crate::Code;
use crate::http::api::{Answer, Body, Call, List, Reply};
use crate::http::fault::Fault;
use crate::people::auth::Viewer;
use domain::on_call::{Cover, doubts_of};
use domain::time::civil::Window;
use domain::{AbsenceId, Can, Instant, UserId};
use store::on_call::absences::{self, Left, StoredAbsence};
use store::people::users;
use store::{Subject, Tx};

/// The widest window that is looked at at once.
const WIDEST: std::time::Duration = std::time::Duration::from_secs(400 * 86_400);

/// A turn in a schedule.
#[derive(Serialize, ToSchema)]
#[schema(as = ScheduleTurn)]
pub(crate) struct Turn {
    schedule: String,
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
}

impl From<(String, Window)> for Turn {
    fn from((schedule, Window { from, to }): (String, Window)) -> Self {
        Self { schedule, from, to }
    }
}

/// Somebody stands in for a turn, or for a part of one.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AbsenceCover)]
pub(crate) struct StandsIn {
    schedule: String,
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
    #[schema(value_type = String)]
    user_id: UserId,
}

impl From<Cover> for StandsIn {
    fn from(Cover { schedule, from, to, by }: Cover) -> Self {
        Self { schedule, from, to, user_id: by }
    }
}

/// An absence.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAbsence)]
pub(crate) struct Absent {
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
    /// Who stands in; what is not named here stays without anybody, unless somebody else is on call beside.
    #[serde(default)]
    cover: Vec<StandsIn>,
    /// Meant as it is: a window far away or long is not asked again.
    #[serde(default)]
    sure: bool,
}

/// When somebody is away after all.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AbsenceSpan)]
pub(crate) struct Span {
    /// What has begun keeps its beginning.
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
    /// Meant as it is: a window far away or long is not asked again.
    #[serde(default)]
    sure: bool,
}

/// Somebody who is away.
#[derive(Serialize, ToSchema)]
#[schema(as = HeldAbsence)]
pub(crate) struct Shown {
    #[schema(value_type = String)]
    id: AbsenceId,
    #[schema(value_type = String)]
    user_id: UserId,
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
    /// Who stands in.
    cover: Vec<StandsIn>,
    /// Since when the house knows: an override that was confirmed after that goes before it. What a change added is
    /// known since the change.
    #[schema(value_type = String)]
    known_at: Instant,
    /// Who noted it.
    noted_by: String,
}

impl From<StoredAbsence> for Shown {
    fn from(StoredAbsence { id, absence, noted_by, .. }: StoredAbsence) -> Self {
        let Window { from, to } = absence.window;
        let cover = absence.covers.into_iter().map(StandsIn::from).collect();
        Self { id, user_id: absence.user, from, to, cover, known_at: absence.known_at, noted_by }
    }
}

/// What an absence leaves behind.
#[derive(Serialize, ToSchema)]
#[schema(as = Absence)]
pub(crate) struct AbsenceShown {
    #[schema(value_type = String)]
    id: AbsenceId,
    /// The schedules in which they have turns in that time.
    schedules: Vec<String>,
    /// Where nobody is on call who would be if they were there, also where that was so before: fill it.
    uncovered: Vec<Turn>,
}

impl From<Left> for AbsenceShown {
    fn from(Left { id, schedules, uncovered }: Left) -> Self {
        Self { id, schedules, uncovered: uncovered.into_iter().map(Turn::from).collect() }
    }
}

/// A window that is looked at at once.
///
/// # Errors
/// `E_INVALID`.
pub(crate) fn narrow(from: Instant, to: Instant) -> Result<Window, Fault> {
    let fits = from < to && to.since(from) <= WIDEST;
    if fits {
        Ok(Window { from, to })
    } else {
        Err(Fault::invalid("to", "after `from`, by 400 days at the most"))
    }
}

/// A time in which somebody may be away: of 400 days at the most, and over within as many from now, sure or not.
///
/// # Errors
/// `E_INVALID`.
pub(crate) fn bounded(from: Instant, to: Instant, now: Instant) -> Result<Window, Fault> {
    let within = narrow(from, to)?;
    if to > now.plus(absences::FURTHEST) {
        return Err(Fault::invalid("ahead", "an absence ends within 400 days from now: look at its year"));
    }
    Ok(within)
}

/// Whether somebody may say this of a person's absence. Who notes their own puts nobody else on call.
///
/// # Errors
/// `E_ROLE`.
pub(crate) fn may_speak(viewer: &Viewer, of: UserId, covers: &[Cover]) -> Result<(), Fault> {
    let reason = match (viewer.id == of, covers.is_empty()) {
        _ if viewer.may(Can::ManageSchedules) => return Ok(()),
        (true, true) => return Ok(()),
        (true, false) => "whoever keeps the schedules says who stands in: offer your turns as swaps",
        (false, _) => "whoever keeps the schedules says who is away; you say it of yourself",
    };
    Err(Fault::new(Code::Role).with("reason", reason))
}

/// What became of an absence of a person's (but for one that is changed). Another of theirs that lies in that time is named.
///
/// # Errors
/// As they came; `E_CONFLICT` with `absence`, `from` and `to` of the one that stands.
pub(crate) fn named<T>(
    tx: &mut Tx<'_>,
    user: UserId,
    within: Window,
    but: Option<AbsenceId>,
    done: store::Result<T>,
) -> Result<T, Fault> {
    let fault = match done {
        Ok(done) => return Ok(done),
        Err(error) => Fault::from(error),
    };
    let ahead = Window { from: within.from.max(tx.now()), ..within };
    if fault.code != Code::Conflict {
        return Err(fault);
    }
    let Some(stands) = absences::overlapping(tx, user, ahead, but)? else { return Err(fault) };
    let Window { from, to } = stands.absence.window;
    let fault = fault.with("field", "absence").with("absence", stands.id.to_string());
    Err(fault.with("from", from.rfc3339()).with("to", to.rfc3339()))
}

/// A person's turns in every schedule in a window of at most 400 days, as they are planned now.
#[utoipa::path(get, path = "/api/v1/users/{id}/turns", tag = "schedules", params(("id" = String, Path), Between), responses((status = 200, body = List<Turn>), (status = 404)))]
pub(crate) async fn turns(call: Call, id: Path<UserId>, asked: Query<Between>) -> Answer {
    call.run(move |desk| {
        let within = narrow(asked.from, asked.to)?;
        let turns = desk.read(|view| {
            users::get(view, *id)?;
            Ok(absences::turns_of(view, *id, within, desk.now)?)
        })?;
        Reply::ok(&List::whole(turns.into_iter().map(Turn::from).collect::<Vec<_>>()))
    })
    .await
}

/// Everybody who is away now or later, by when it ends.
#[utoipa::path(get, path = "/api/v1/absences", tag = "schedules", responses((status = 200, body = List<Shown>)))]
pub(crate) async fn list(call: Call) -> Answer {
    call.run(|desk| {
        let absences = desk.read(|view| Ok(absences::list(view, desk.now)?))?;
        Reply::ok(&List::whole(absences.into_iter().map(Shown::from).collect::<Vec<_>>()))
    })
    .await
}

/// Notes that a person is away, in every schedule, also of later days, with whoever stands in. It answers with what nobody
/// covers. What is to begin before now begins now, with whoever stands in then. A window far away or long is `E_DOUBT`, until
/// it is confirmed with `sure`; one that meets another absence of theirs is `E_CONFLICT` with its id (`absence`), `from` and `to`.
/// One that ends more than 400 days from now, or of somebody who takes no calls or has left, is refused. Of one's own, whoever
/// takes calls may say it without stand-ins, and the managers hear of it; of others', the absent person and whoever stands in do.
#[utoipa::path(post, path = "/api/v1/users/{id}/absences", tag = "schedules", params(("id" = String, Path)), request_body = Absent, responses((status = 201, body = AbsenceShown), (status = 403), (status = 404), (status = 409), (status = 422)))]
pub(crate) async fn absent(call: Call, id: Path<UserId>, body: Body<Absent>) -> Answer {
    call.run(move |desk| {
        let Absent { from, to, cover, sure } = body.value;
        let covers: Vec<Cover> = cover
            .into_iter()
            .map(|StandsIn { schedule, from, to, user_id }| Cover { schedule, from, to, by: user_id })
            .collect();
        may_speak(&desk.viewer, *id, &covers)?;
        let within = bounded(from, to, desk.now)?;
        if !sure {
            asked_again(&doubts_of(within, desk.now))?;
        }
        desk.create(&body.bytes, |tx| {
            users::get(tx, *id)?;
            let left = absences::note(tx, *id, within, &covers);
            let left = named(tx, *id, within, None, left)?;
            Ok((Subject::User(*id), StatusCode::CREATED, AbsenceShown::from(left)))
        })
    })
    .await
}

/// Another beginning or end of an absence that is not over. What has begun keeps its beginning.
#[utoipa::path(put, path = "/api/v1/absences/{id}", tag = "schedules", params(("id" = String, Path)), request_body = Span, responses((status = 200, body = AbsenceShown), (status = 403), (status = 404), (status = 409), (status = 422)))]
pub(crate) async fn change(call: Call, id: Path<AbsenceId>, body: Body<Span>) -> Answer {
    call.run(move |desk| {
        let Span { from, to, sure } = body.value;
        let within = bounded(from, to, desk.now)?;
        let left = desk.write(|tx| {
            let user = absences::get(tx, *id)?.absence.user;
            may_speak(&desk.viewer, user, &[])?;
            if !sure {
                asked_again(&doubts_of(within, desk.now))?;
            }
            let left = absences::change(tx, *id, within);
            named(tx, user, within, Some(*id), left)
        })?;
        Reply::ok(&AbsenceShown::from(left))
    })
    .await
}

/// Takes an absence back: what has begun ends now, and whoever stood in stands in no more.
#[utoipa::path(delete, path = "/api/v1/absences/{id}", tag = "schedules", params(("id" = String, Path)), responses((status = 204), (status = 403), (status = 404), (status = 409)))]
pub(crate) async fn take_back(call: Call, id: Path<AbsenceId>) -> Answer {
    call.run(move |desk| {
        desk.write(|tx| {
            may_speak(&desk.viewer, absences::get(tx, *id)?.absence.user, &[])?;
            Ok(absences::take_back(tx, *id)?)
        })?;
        Ok(Reply::none())
    })
    .await
}
