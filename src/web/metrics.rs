//! For machines that watch: is it alive, may it be asked, how much does it do. Counts only; no route carries a name
//! or a value.

use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::web::{self, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::auth::{self, Viewer};
use super::code::Code;
use super::fault::Fault;
use super::problem::Refusal;
use super::pulse::Pulse;
use super::state::State;
use crate::domain::{Can, Level};
use crate::store::{alerts, clock, reevaluations, settings};

/// Answers since the start, by the first digit of their status.
static ANSWERS: [AtomicU64; 5] = [const { AtomicU64::new(0) }; 5];

/// The middleware that counts answers and notes each in the program's log, without its query.
///
/// # Errors
/// Those of the services within.
pub async fn note(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let (method, pattern) = (request.method().clone(), request.match_pattern());
    let answer = next.call(request).await?;
    let status = answer.status().as_u16();
    if let Some(count) = ANSWERS.get(usize::from(status / 100).saturating_sub(1)) {
        count.fetch_add(1, Ordering::Relaxed);
    }
    tracing::debug!(%method, route = pattern.as_deref().unwrap_or("-"), status, "answered");
    Ok(answer)
}

/// The process answers.
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// The database answers too, with the schema that was found current when it was opened. A step of the clock is told in
/// a second line: the node serves, and somebody should look.
pub async fn readyz(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Refusal> {
    if let Some(by_ms) = state.engine.aside() {
        let body = format!(
            "not ready: this node's clock is off by {by_ms} ms against the database's, with which another node agrees; it \
             stands aside. Set the clock (NTP): it joins by itself\n"
        );
        let kind = "text/plain; charset=utf-8";
        return Ok(HttpResponse::ServiceUnavailable().content_type(kind).body(body));
    }
    let read = web::block(move || {
        let now = state.now();
        state.store.read(|view| Ok((settings::get(view, settings::INSTANCE)?, clock::told(view, now)?)))
    });
    match read.await {
        Ok(Ok((Some(_), step))) => {
            let step = step.map(|step| format!("clock stepped by {} ms at {}\n", step.by_ms, step.at));
            let body = format!("ready\n{}", step.unwrap_or_default());
            Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(body))
        }
        _ => Err(Fault::new(Code::Busy).of(&request)),
    }
}

/// Whether promises with a time in them are kept, for a monitor that lives elsewhere: 200, or 503 when the auditor is
/// silent, a module has not come round or something planned for a red alert is late. No person, no case.
pub async fn healthz_engine(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Refusal> {
    let now = state.now();
    let taken = web::block(move || state.store.read(|view| Ok(Pulse::take(view, &state, now)))?).await;
    let pulse = match taken {
        Ok(Ok(pulse)) => pulse,
        Ok(Err(fault)) => return Err(fault.of(&request)),
        Err(_stopped) => return Err(Fault::new(Code::Busy).of(&request)),
    };
    let status = if pulse.is_well(now) { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok(HttpResponse::build(status).json(serde_json::json!({
        "ok": pulse.is_well(now),
        "heartbeat_at": pulse.heartbeat,
        "silent": pulse.silent,
        "aside_by_ms": pulse.aside,
        "clock_step": pulse.step,
        "lapses": pulse.lapses.len(),
        "lapses_of_red": pulse.of_red,
        "nobody_reached": pulse.unreached,
        "set_aside": pulse.set_aside,
    })))
}

type ByName = Family<Vec<(&'static str, String)>, Gauge>;

/// Counts in the Prometheus text format: for this machine, and for those who may see the status.
pub async fn metrics(
    request: HttpRequest,
    state: Data<State>,
    viewer: Option<Viewer>,
) -> Result<HttpResponse, Refusal> {
    let here = auth::address(&request).is_some_and(|ip| ip.is_loopback());
    let known = viewer.is_some_and(|viewer| viewer.may(Can::SeeStatus));
    if !here && !known {
        return Err(Fault::new(Code::SignIn).of(&request));
    }
    let text = web::block(move || gathered(&state)).await.unwrap_or_else(|_stopped| Err(Code::Busy.into()));
    let text = text.map_err(|fault| fault.of(&request))?;
    Ok(HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(text))
}

fn whole(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

fn gathered(state: &State) -> Result<String, Fault> {
    let now = state.now();
    let (backlog, counts) =
        state.store.read(|view| Ok((reevaluations::backlog(view)?.0, alerts::counts(view)?)))?;
    let pulse = state.store.read(|view| Ok(Pulse::take(view, state, now)))??;
    let mut registry = Registry::with_prefix("zelo");
    let mut one = |name: &str, help: &str, value: i64| {
        let gauge = <Gauge>::default();
        gauge.set(value);
        registry.register(name, help, gauge);
    };
    one(
        "connections",
        "Devices connected to this node",
        whole(u64::try_from(state.edge.connections()).unwrap_or(0)),
    );
    one("commits", "Transactions since the start", whole(state.store.commits()));
    one("reevaluations", "Series that wait to be judged anew", backlog);
    one("engine_lapses_of_red", "Of those, about a red alert", whole(count(pulse.of_red)));
    one("engine_lapses", "Plans that were not carried out in time", whole(count(pulse.lapses.len())));
    one("escalations_nobody_reached", "Alerts that nobody answered", i64::from(pulse.unreached));
    one("escalations_set_aside", "Climbs that could not be worked off", i64::from(pulse.set_aside));
    let beat = pulse.heartbeat.map_or(-1, |at| whole(now.since(at).as_secs()));
    one("engine_heartbeat_age_seconds", "Since the auditor's last look; -1: too long", beat);
    let step = pulse.step.map_or(0, |step| step.by_ms);
    one("clock_step_milliseconds", "The last step of the wall clock, for a day; 0: none", step);
    let letters = ByName::default();
    for ((channel, state), n) in &pulse.letters {
        letters.get_or_create(&vec![("channel", channel.clone()), ("state", state.clone())]).set(*n);
    }
    registry.register(
        "messages",
        "Messages on their way, and those of the last day that came to their end",
        letters,
    );
    let mut family = |name: &str, help: &str, label: &'static str, rows: Vec<(String, i64)>| {
        let family = ByName::default();
        for (value, count) in rows {
            family.get_or_create(&vec![(label, value)]).set(count);
        }
        registry.register(name, help, family);
    };
    let levels = counts.iter().filter_map(|(code, n)| Some((Level::from_code(*code)?.name().to_owned(), *n)));
    family("alerts_unresolved", "Unresolved alerts", "level", levels.collect());
    let edge = state.edge.counts().into_iter().map(|(name, n)| (name.to_owned(), whole(n)));
    family("edge", "What the device edge did since the start", "what", edge.collect());
    let answers = ANSWERS.iter().enumerate();
    let answers = answers.map(|(i, n)| (format!("{}xx", i + 1), whole(n.load(Ordering::Relaxed))));
    family("http_answers", "Answers since the start", "status", answers.collect());
    let modules = state.engine.modules();
    let runs = modules.iter().map(|module| (module.name.to_owned(), whole(module.runs)));
    family("engine_runs", "Cycles since the start", "module", runs.collect());
    let failing = modules.iter().map(|module| (module.name.to_owned(), i64::from(module.error.is_some())));
    family("engine_failing", "1 while the last cycle failed", "module", failing.collect());
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|_format| Fault::new(Code::Internal))?;
    Ok(text)
}
