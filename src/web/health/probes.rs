//! For machines that ask whether this node is well: alive, ready, and on time. What they are told is known before they
//! ask, so that the answer comes within a second whatever is wrong; it is plain, and names what to do.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use actix_web::web::{self, Data};

use super::pulse::Pulse;
use crate::state::State;
use domain::Instant;
use domain::time::Step;
use store::db::settings;
use store::health::Trouble;
use store::health::clock;

/// How long an answer may wait for the database.
const PATIENCE: Duration = Duration::from_millis(800);
const SLOW: &str = "the database does not answer in time";
const PLAIN: &str = "text/plain; charset=utf-8";

/// The process answers.
pub(crate) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type(PLAIN).body("ok\n")
}

/// Whether this node can do its work: the database answers and takes writes, every thread does what it should, the clock
/// is right. A step of the clock is reported in a second line: the node serves, and somebody should look.
pub(crate) async fn readyz(state: Data<State>) -> HttpResponse {
    if state.readiness.asked() {
        return not_ready(&["this node is ending: send no more here".to_owned()]);
    }
    let (stops, notes) = reasons(&state);
    if !stops.is_empty() {
        return not_ready(&stops);
    }
    let (off, soon) = (state.engine.clock_off(), certificates(&state, false));
    match look(state).await {
        Ok(step) => {
            let step = step.map(|step| format!("clock stepped by {} ms at {}", step.by_ms, step.at));
            let off = off.map(|by_ms| format!("clock off by {by_ms} ms against the database's"));
            let notes = step.into_iter().chain(off).chain(notes).chain(soon);
            let lines: String = notes.map(|note| format!("{note}\n")).collect();
            HttpResponse::Ok().content_type(PLAIN).body(format!("ready\n{lines}"))
        }
        Err(why) => not_ready(&[why.to_owned()]),
    }
}

/// What keeps this node from its work, as far as it is known without asking anybody; and what keeps it from nothing yet,
/// and somebody should mend.
fn reasons(state: &State) -> (Vec<String>, Vec<String>) {
    let aside = state.engine.aside().map(|by_ms| {
        format!(
            "this node's clock is off by {by_ms} ms against the database's, with which another node agrees; it stands \
             aside. Set the clock (NTP): it joins by itself"
        )
    });
    let unseated = (aside.is_none() && !state.engine.takes_part()).then(|| {
        "this node has no number among its peers: it takes a free one by itself, unless all 16 are in use"
            .to_owned()
    });
    let threads = state.store.threads().ill().into_iter();
    let threads = threads.map(|ill| format!("thread {}: {}; see the log", ill.thread, ill.why));
    let (stops, notes): (Vec<Trouble>, Vec<Trouble>) =
        state.store.troubles().into_iter().partition(|trouble| trouble.stops);
    let expired = certificates(state, true);
    let words = |troubles: Vec<Trouble>| troubles.into_iter().map(|trouble| trouble.words);
    (
        aside.into_iter().chain(unseated).chain(words(stops)).chain(threads).collect(),
        words(notes).chain(expired).collect(),
    )
}

/// The certificates that have expired, or that soon will: in words.
fn certificates(state: &State, expired: bool) -> Vec<String> {
    let now = state.now();
    let due = state.certificates.iter().filter(|one| one.is_expired(now) == expired);
    due.filter_map(|one| one.words(now)).collect()
}

fn not_ready(ailments: &[String]) -> HttpResponse {
    let lines: String = ailments.iter().map(|ailment| format!("not ready: {ailment}\n")).collect();
    HttpResponse::ServiceUnavailable()
        .insert_header((RETRY_AFTER, HeaderValue::from_static("5")))
        .content_type(PLAIN)
        .body(lines)
}

/// A connection of those that serve people answers too, with the schema that was found current when it was opened.
async fn look(state: Data<State>) -> Result<Option<Step>, &'static str> {
    let read = web::block(move || {
        let now = state.now();
        state.store.read(|view| Ok((settings::get(view, settings::INSTANCE)?, clock::last_step(view, now)?)))
    });
    match tokio::time::timeout(PATIENCE, read).await {
        Ok(Ok(Ok((Some(_), step)))) => Ok(step),
        Ok(Ok(Ok((None, _)))) => Err("the database was not initialised"),
        _ => Err(SLOW),
    }
}

/// Whether the engine is on time, for a monitor that lives elsewhere: 200, or 503 when the auditor is
/// silent, a module has not come round, something planned for a red alert is late, an alert is locked by another session of
/// the database, or something keeps the node from its work. No person, no case.
pub(crate) async fn healthz_engine(state: Data<State>) -> HttpResponse {
    let now = state.now();
    let (stops, notes) = reasons(&state);
    let locked = state.store.passed_over().map(|passed| passed.words());
    let mut ailments: Vec<String> = [stops, notes].concat().into_iter().chain(locked).collect();
    // Nobody waits for a database that is known not to answer.
    if state.store.ailment().is_some() {
        return engine(now, None, &ailments);
    }
    let taken = web::block(move || state.store.read(|view| Ok(Pulse::take(view, &state, now)))?);
    match tokio::time::timeout(PATIENCE, taken).await {
        Ok(Ok(Ok(pulse))) => engine(now, Some(pulse), &ailments),
        _ => {
            ailments.push(SLOW.to_owned());
            engine(now, None, &ailments)
        }
    }
}

fn engine(now: Instant, pulse: Option<Pulse>, ailments: &[String]) -> HttpResponse {
    let ok = ailments.is_empty() && pulse.as_ref().is_some_and(|pulse| pulse.is_well(now));
    let pulse = pulse.unwrap_or_default();
    let status = if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    HttpResponse::build(status).json(serde_json::json!({
        "ok": ok,
        "ailments": ailments,
        "heartbeat_at": pulse.heartbeat,
        "silent": pulse.silent,
        "aside_by_ms": pulse.aside,
        "clock_step": pulse.step,
        "lapses": pulse.lapses.len(),
        "lapses_of_red": pulse.of_red,
        "nobody_reached": pulse.unreached,
        "set_aside": pulse.set_aside,
        "passed_over": pulse.passed_over.map_or(0, |passed| passed.alerts),
    }))
}
