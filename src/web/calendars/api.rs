//! Calendars: when a team works. A change is a new version; clocks that run keep the one they started with.

use actix_web::web::Path;

use crate::http::api::{Answer, Body, Call, IfMatch, List};
use crate::http::fault::Fault;
use crate::versions::api::{self, SettingVersion, Shown, Standing};
use domain::calendars::Calendar;
use store::alerts::reds;
use store::versions::Version;

impl Shown for Calendar {
    type Seen = SettingVersion;

    fn seen(stored: Version<Self>, standing: Standing) -> Result<SettingVersion, Fault> {
        SettingVersion::of(&stored, standing)
    }
}

/// Calendars in force. Each says {zone, place: {state, municipality} or null, week: [Monday's hours, …], exceptions:
/// {date: {label, hours, yearly?}}}; what is `yearly` comes back on that day of each later year, `--12-24` on every one.
#[utoipa::path(get, path = "/api/v1/calendars", tag = "calendars", responses((status = 200, body = List<SettingVersion>)))]
pub(crate) async fn list(call: Call) -> Answer {
    call.run(api::list::<Calendar>).await
}

/// One calendar as it is in force.
#[utoipa::path(get, path = "/api/v1/calendars/{id}", tag = "calendars", params(("id" = String, Path)), responses((status = 200, body = SettingVersion), (status = 404)))]
pub(crate) async fn get(call: Call, id: Path<String>) -> Answer {
    call.run(move |desk| api::get::<Calendar>(desk, &id)).await
}

/// Every version of a calendar, newest first.
#[utoipa::path(get, path = "/api/v1/calendars/{id}/history", tag = "calendars", params(("id" = String, Path)), responses((status = 200, body = List<SettingVersion>), (status = 404)))]
pub(crate) async fn history(call: Call, id: Path<String>) -> Answer {
    call.run(move |desk| api::history::<Calendar>(desk, &id)).await
}

/// Puts a version in force; a municipality whose holidays are not known here is refused, and so is what would empty SLAs
/// in force that name this calendar (`service_levels`): one to reds on a calendar that closes, any on one that never opens. `If-Match` holds the newest number that was seen, `"0"` for a new calendar.
#[utoipa::path(put, path = "/api/v1/calendars/{id}", tag = "calendars", params(("id" = String, Path), ("if-match" = String, Header)), request_body = Object, responses((status = 200, body = SettingVersion), (status = 412), (status = 422)))]
pub(crate) async fn put(call: Call, id: Path<String>, seen: IfMatch, body: Body<Calendar>) -> Answer {
    call.run(move |desk| {
        let emptied = desk.read(|view| Ok(reds::emptied(view, &id, &body.value, desk.now)?))?;
        if !emptied.is_empty() {
            let names: Vec<String> = emptied.into_iter().map(|stored| stored.name).collect();
            let what = "open day and night for a service level for reds, and open on some day for any other";
            return Err(Fault::invalid("week", what).with("service_levels", names));
        }
        api::publish(desk, &id, seen, body.value)
    })
    .await
}
