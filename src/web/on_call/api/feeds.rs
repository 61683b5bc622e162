//! A schedule in other calendars: an address with a secret that shows turns by first name, and how to make and end it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, ETag, EntityTag, Header, IfNoneMatch};
use actix_web::web::{self, Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{Datelike, Months, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::api::{Answer, Call, Reply};
use crate::http::fault::Fault;
use crate::on_call::ical::Feed;
use crate::state::State;
use crate::{Code, Lang};
use audit::Digest;
use domain::time::civil::{Window, Zone};
use domain::{Instant, UserId};
use store::View;
use store::on_call::{self, absences, feeds};
use store::people::users;
use store::versions::Version;

/// The address of a feed.
#[derive(Serialize, ToSchema)]
pub(crate) struct Address {
    /// The path with its secret, shown once.
    path: String,
}

/// The path of a feed.
pub(crate) fn path(schedule: &str, secret: &str) -> String {
    format!("/api/v1/schedules/{schedule}/calendar.ics?token={secret}")
}

/// Makes the address of this schedule's feed for whoever asks; an earlier one stops working.
#[utoipa::path(post, path = "/api/v1/schedules/{id}/feed", tag = "schedules", params(("id" = String, Path)), responses((status = 201, body = Address), (status = 404)))]
pub(crate) async fn open(call: Call, id: Path<String>) -> Answer {
    call.run(move |desk| {
        let secret = desk.write(|tx| {
            on_call::get(tx, &id, desk.now)?;
            Ok(feeds::open(tx, &id, desk.viewer.id)?)
        })?;
        Reply::with(StatusCode::CREATED, &Address { path: path(&id, secret.reveal()) })
    })
    .await
}

/// Ends the address.
#[utoipa::path(delete, path = "/api/v1/schedules/{id}/feed", tag = "schedules", params(("id" = String, Path)), responses((status = 204), (status = 404)))]
pub(crate) async fn close(call: Call, id: Path<String>) -> Answer {
    call.run(move |desk| {
        desk.write(|tx| Ok(feeds::close(tx, &id, desk.viewer.id)?))?;
        Ok(Reply::none())
    })
    .await
}

/// The secret of the address.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Shown {
    /// As `POST …/feed` gave it.
    #[serde(default)]
    token: String,
    /// `pt-BR` or `en`.
    lang: Option<String>,
}

/// The schedule as iCalendar (RFC 5545), from the start of last month to six months ahead.
#[utoipa::path(get, path = "/api/v1/schedules/{id}/calendar.ics", tag = "schedules", params(("id" = String, Path), Shown), responses((status = 200, description = "text/calendar, with an ETag"), (status = 304, description = "nothing changed since If-None-Match"), (status = 404, description = "no such address, or it was ended")))]
pub(crate) async fn calendar(
    request: HttpRequest,
    state: Data<State>,
    id: Path<String>,
    shown: Query<Shown>,
) -> Answer {
    let lang = Lang::choose(shown.lang.as_deref(), None);
    let done = web::block(move || {
        let now = state.now();
        state.store.read(|view| Ok(text(view, &id, &shown.token, lang, now)))?
    })
    .await
    .map_err(|_stopped| Fault::new(Code::Busy));
    match done.and_then(|done| done) {
        Ok(text) => Ok(unless_held(&request, text)),
        Err(fault) => Err(fault.of(&request)),
    }
}

/// The text under its tag; nothing to whoever holds it already.
fn unless_held(request: &HttpRequest, text: String) -> HttpResponse {
    let digest = Digest::of(text.as_bytes()).0;
    let tag = EntityTag::new_strong(hex::encode(digest.get(..16).unwrap_or(&digest)));
    let unchanged = match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|one| one.weak_eq(&tag)),
        Err(_unreadable) => false,
    };
    let mut answer = if unchanged { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    // It is asked again each time: the address may have been ended.
    answer.insert_header(ETag(tag)).insert_header((CACHE_CONTROL, "private, no-cache"));
    if unchanged { answer.finish() } else { answer.content_type("text/calendar; charset=utf-8").body(text) }
}

fn text(view: &mut View<'_>, id: &str, token: &str, lang: Lang, now: Instant) -> Result<String, Fault> {
    if feeds::whose(view, id, token)?.is_none() {
        return Err(Fault::new(Code::NotFound));
    }
    let Version { version, body: duty, in_force_at, .. } = on_call::get(view, id, now)?;
    let (mut turns, mut names) = (Vec::new(), BTreeMap::new());
    for (window, user) in on_call::turns(view, id, around(duty.schedule.zone, now))? {
        let name = match names.entry(user) {
            Entry::Occupied(slot) => slot.into_mut(),
            Entry::Vacant(place) => place.insert(first_name(view, user)?),
        };
        turns.push((window, user.to_string(), name.clone()));
    }
    let name = match lang {
        Lang::PtBr => &duty.name.pt,
        Lang::En => &duty.name.en,
    };
    let (acts, last) = absences::acts(view)?.map_or((0, None), |(count, at)| (count, Some(at)));
    let (version, changed) = (version.saturating_add(acts), in_force_at.max(last).unwrap_or(now));
    Ok(Feed { schedule: id, name, version, changed, turns }.text())
}

/// The first word of a name; nothing once erased.
fn first_name(view: &mut View<'_>, user: UserId) -> Result<String, Fault> {
    let who = users::get(view, user)?.identity;
    let first = who.and_then(|who| who.name.as_str().split_whitespace().next().map(str::to_owned));
    Ok(first.unwrap_or_default())
}

/// Whole months, so that a turn cut at the edge keeps its id while the month lasts.
fn around(zone: Zone, now: Instant) -> Window {
    let today = zone.date(now);
    let month = NaiveDate::from_ymd_opt(today.year(), today.month(), 1).unwrap_or(today);
    let before = month.checked_sub_months(Months::new(1)).unwrap_or(month);
    let after = month.checked_add_months(Months::new(7)).unwrap_or(month);
    Window { from: zone.day(before).from, to: zone.day(after).from }
}
