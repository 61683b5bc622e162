//! Changes of single windows of a schedule: overrides and temporary schedules, seen, written, taken back. A place in
//! the list means something in one version only, so a change names the version that was seen.

use actix_web::http::StatusCode;
use actix_web::web::Path;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::schedules::{Published, published, seen_version};
use crate::Code;
use crate::http::api::{Answer, Body, Call, IfMatch, List, Reply};
use crate::http::fault::Fault;
use domain::on_call::{Change, Doubt, Override, Temporary};
use domain::{Instant, UserId};
use store::on_call::{self, changes};
use store::versions::Version;
use store::{Tx, View};

/// A change of a window: `add` alone, `remove` alone, or both for one in place of the other.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ScheduleOverride)]
pub(crate) struct Changed {
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
    /// Who comes.
    #[schema(value_type = Option<String>)]
    add: Option<UserId>,
    /// Who goes.
    #[schema(value_type = Option<String>)]
    remove: Option<UserId>,
    /// Meant as it is: what is doubtful is not asked again.
    #[serde(default)]
    sure: bool,
}

/// An override in force.
#[derive(Serialize, ToSchema)]
#[schema(as = HeldOverride)]
pub(crate) struct HeldOverride {
    /// Its place in this version.
    place: usize,
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
    /// Who comes.
    #[schema(value_type = Option<String>)]
    add: Option<UserId>,
    /// Who goes.
    #[schema(value_type = Option<String>)]
    remove: Option<UserId>,
}

/// A temporary schedule in force.
#[derive(Serialize, ToSchema)]
#[schema(as = HeldTemporary)]
pub(crate) struct HeldTemporary {
    /// Its place in this version.
    place: usize,
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
    shifts: Vec<Own>,
}

/// A window with shifts of its own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TemporarySchedule)]
pub(crate) struct Instead {
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
    shifts: Vec<Own>,
    /// Meant as it is: what is doubtful is not asked again.
    #[serde(default)]
    sure: bool,
}

/// A shift of a temporary schedule.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TemporaryShift)]
pub(crate) struct Own {
    #[schema(value_type = String)]
    user_id: UserId,
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
}

/// Who comes and who goes.
pub(crate) const fn names(change: Change) -> (Option<UserId>, Option<UserId>) {
    match change {
        Change::Add(comes) => (Some(comes), None),
        Change::Remove(gone) => (None, Some(gone)),
        Change::Replace(gone, comes) => (Some(comes), Some(gone)),
    }
}

/// What the two names of an override mean.
pub(crate) fn change(add: Option<UserId>, remove: Option<UserId>) -> Result<Change, Fault> {
    match (add, remove) {
        (Some(comes), Some(gone)) => Ok(Change::Replace(gone, comes)),
        (Some(comes), None) => Ok(Change::Add(comes)),
        (None, Some(gone)) => Ok(Change::Remove(gone)),
        (None, None) => Err(Fault::invalid("add", "who comes, who goes, or both")),
    }
}

/// Puts an override in force once somebody is sure of it.
///
/// # Errors
/// `E_DOUBT` names what is hardly meant; as the store says.
pub(crate) fn put_override(
    tx: &mut Tx<'_>,
    id: &str,
    place: Option<usize>,
    mut over: Override,
    seen: u32,
    sure: bool,
) -> Result<(), Fault> {
    let now = tx.now();
    if over.from < over.to && over.to > now {
        let doubts = changes::doubts(tx, id, place, &over, now)?;
        if !sure {
            asked_again(&doubts)?;
        }
        over.meant_at = doubts.iter().any(|doubt| matches!(doubt, Doubt::Absent(_))).then_some(now);
    }
    changes::put_override(tx, id, place, over, seen)?;
    Ok(())
}

/// Puts a temporary schedule in force once somebody is sure of it.
///
/// # Errors
/// As [`put_override`].
pub(crate) fn put_temporary(
    tx: &mut Tx<'_>,
    id: &str,
    place: Option<usize>,
    own: &Temporary,
    seen: u32,
    sure: bool,
) -> Result<(), Fault> {
    if !sure && own.to > tx.now() {
        asked_again(&changes::doubts_of_temporary(own, tx.now()))?;
    }
    changes::put_temporary(tx, id, place, own.clone(), seen)?;
    Ok(())
}

/// Lets nothing pass that is hardly meant.
///
/// # Errors
/// `E_DOUBT`.
pub(crate) fn asked_again(doubts: &[Doubt]) -> Result<(), Fault> {
    if doubts.is_empty() {
        return Ok(());
    }
    let described = doubts.iter().map(|doubt| json!({ "kind": doubt.name(), "user_id": doubt.user() }));
    let described: Vec<serde_json::Value> = described.collect();
    let reason = "say `sure: true` if it is meant";
    Err(Fault::new(Code::Doubt).with("doubts", described).with("reason", reason))
}

/// The version that a change was made from: without a word, the one in force for what is only added.
fn seen(view: &mut View<'_>, id: &str, expected: IfMatch, adds: bool, now: Instant) -> Result<u32, Fault> {
    let current = on_call::get(view, id, now)?.version;
    match expected {
        IfMatch::Absent if adds => Ok(current),
        tag => seen_version(tag.or(i64::from(current))?),
    }
}

fn reply(status: StatusCode, done: &Published) -> Result<Reply, Fault> {
    Ok(Reply::with(status, done)?.at(i64::from(done.version)))
}

/// The overrides of the version in force, in the order in which they are laid on top.
#[utoipa::path(get, path = "/api/v1/schedules/{id}/overrides", tag = "schedules", params(("id" = String, Path)), responses((status = 200, body = List<HeldOverride>), (status = 404)))]
pub(crate) async fn overrides(call: Call, id: Path<String>) -> Answer {
    call.run(move |desk| {
        let Version { version, body, .. } = desk.read(|view| Ok(on_call::get(view, &id, desk.now)?))?;
        let overrides = body.schedule.overrides.into_iter().enumerate().map(|(place, over)| {
            let (add, remove) = names(over.change);
            HeldOverride { place, from: over.from, to: over.to, add, remove }
        });
        Ok(Reply::ok(&List::whole(overrides.collect::<Vec<_>>()))?.at(i64::from(version)))
    })
    .await
}

/// One more override: a new version. It answers with what it leaves open. What is hardly meant (a window far away or
/// long, somebody who goes and is not on call in it, somebody who comes and is away) is `E_DOUBT`, until it is said to be
/// `sure`: then somebody who is away comes all the same.
#[utoipa::path(post, path = "/api/v1/schedules/{id}/overrides", tag = "schedules", params(("id" = String, Path)), request_body = Changed, responses((status = 201, body = Published), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub(crate) async fn override_with(
    call: Call,
    id: Path<String>,
    expected: IfMatch,
    body: Body<Changed>,
) -> Answer {
    written(call, id.into_inner(), None, expected, body.value).await
}

/// Another override at a place. `If-Match` holds the version in which it has that place.
#[utoipa::path(put, path = "/api/v1/schedules/{id}/overrides/{place}", tag = "schedules", params(("id" = String, Path), ("place" = u32, Path), ("if-match" = String, Header)), request_body = Changed, responses((status = 200, body = Published), (status = 404), (status = 409), (status = 412), (status = 422), (status = 428)))]
pub(crate) async fn change_override(
    call: Call,
    path: Path<(String, usize)>,
    expected: IfMatch,
    body: Body<Changed>,
) -> Answer {
    let (id, place) = path.into_inner();
    written(call, id, Some(place), expected, body.value).await
}

async fn written(call: Call, id: String, place: Option<usize>, expected: IfMatch, sent: Changed) -> Answer {
    call.run(move |desk| {
        let Changed { from, to, add, remove, sure } = sent;
        let over = Override { from, to, change: change(add, remove)?, meant_at: None };
        let done = desk.write(|tx| {
            let now = tx.now();
            let seen = seen(tx, &id, expected, place.is_none(), now)?;
            put_override(tx, &id, place, over, seen, sure)?;
            published(tx, &id, now)
        })?;
        reply(if place.is_some() { StatusCode::OK } else { StatusCode::CREATED }, &done)
    })
    .await
}

/// Takes an override back. `If-Match` holds the version in which it has that place.
#[utoipa::path(delete, path = "/api/v1/schedules/{id}/overrides/{place}", tag = "schedules", params(("id" = String, Path), ("place" = u32, Path), ("if-match" = String, Header)), responses((status = 200, body = Published), (status = 404), (status = 412), (status = 428)))]
pub(crate) async fn take_override(call: Call, path: Path<(String, usize)>, expected: IfMatch) -> Answer {
    let (id, place) = path.into_inner();
    call.run(move |desk| {
        let done = desk.write(|tx| {
            let now = tx.now();
            let seen = seen(tx, &id, expected, false, now)?;
            changes::take_override(tx, &id, place, seen)?;
            published(tx, &id, now)
        })?;
        reply(StatusCode::OK, &done)
    })
    .await
}

/// The temporary schedules of the version in force; a later one lies over an earlier one.
#[utoipa::path(get, path = "/api/v1/schedules/{id}/temporaries", tag = "schedules", params(("id" = String, Path)), responses((status = 200, body = List<HeldTemporary>), (status = 404)))]
pub(crate) async fn temporaries(call: Call, id: Path<String>) -> Answer {
    call.run(move |desk| {
        let Version { version, body, .. } = desk.read(|view| Ok(on_call::get(view, &id, desk.now)?))?;
        let temporaries = body.schedule.temporaries.into_iter().enumerate().map(|(place, own)| {
            let shifts =
                own.shifts.into_iter().map(|(user_id, from, to)| Own { user_id, from, to }).collect();
            HeldTemporary { place, from: own.from, to: own.to, shifts }
        });
        Ok(Reply::ok(&List::whole(temporaries.collect::<Vec<_>>()))?.at(i64::from(version)))
    })
    .await
}

/// One more temporary schedule: in its window only its own shifts count. What is hardly meant is asked again.
#[utoipa::path(post, path = "/api/v1/schedules/{id}/temporaries", tag = "schedules", params(("id" = String, Path)), request_body = Instead, responses((status = 201, body = Published), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub(crate) async fn instead(call: Call, id: Path<String>, expected: IfMatch, body: Body<Instead>) -> Answer {
    laid_over(call, id.into_inner(), None, expected, body.value).await
}

/// Another temporary schedule at a place. `If-Match` holds the version in which it has that place.
#[utoipa::path(put, path = "/api/v1/schedules/{id}/temporaries/{place}", tag = "schedules", params(("id" = String, Path), ("place" = u32, Path), ("if-match" = String, Header)), request_body = Instead, responses((status = 200, body = Published), (status = 404), (status = 409), (status = 412), (status = 422), (status = 428)))]
pub(crate) async fn change_temporary(
    call: Call,
    path: Path<(String, usize)>,
    expected: IfMatch,
    body: Body<Instead>,
) -> Answer {
    let (id, place) = path.into_inner();
    laid_over(call, id, Some(place), expected, body.value).await
}

async fn laid_over(call: Call, id: String, place: Option<usize>, expected: IfMatch, sent: Instead) -> Answer {
    call.run(move |desk| {
        let Instead { from, to, shifts, sure } = sent;
        let shifts = shifts.into_iter().map(|own| (own.user_id, own.from, own.to)).collect();
        let own = Temporary { from, to, shifts };
        let done = desk.write(|tx| {
            let now = tx.now();
            let seen = seen(tx, &id, expected, place.is_none(), now)?;
            put_temporary(tx, &id, place, &own, seen, sure)?;
            published(tx, &id, now)
        })?;
        reply(if place.is_some() { StatusCode::OK } else { StatusCode::CREATED }, &done)
    })
    .await
}

/// Takes a temporary schedule back. `If-Match` holds the version in which it has that place.
#[utoipa::path(delete, path = "/api/v1/schedules/{id}/temporaries/{place}", tag = "schedules", params(("id" = String, Path), ("place" = u32, Path), ("if-match" = String, Header)), responses((status = 200, body = Published), (status = 404), (status = 412), (status = 428)))]
pub(crate) async fn take_temporary(call: Call, path: Path<(String, usize)>, expected: IfMatch) -> Answer {
    let (id, place) = path.into_inner();
    call.run(move |desk| {
        let done = desk.write(|tx| {
            let now = tx.now();
            let seen = seen(tx, &id, expected, false, now)?;
            changes::take_temporary(tx, &id, place, seen)?;
            published(tx, &id, now)
        })?;
        reply(StatusCode::OK, &done)
    })
    .await
}
