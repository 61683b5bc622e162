//! For machines that count: how much this node does. Counts only; no route carries a name or a value.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Moment};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderValue, WWW_AUTHENTICATE};
use actix_web::middleware::Next;
use actix_web::web::{self, Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::sync::watch;

use super::pulse::Pulse;
use crate::http::code::Code;
use crate::http::fault::Fault;
use crate::http::problem::Refusal;
use crate::people::auth::Viewer;
use crate::state::State;
use domain::{Can, Level};
use store::alerts;
use store::health::Ailment;
use store::rules::reevaluations;

/// Answers since the start, by the first digit of their status.
static ANSWERS: [AtomicU64; 5] = [const { AtomicU64::new(0) }; 5];

/// The middleware that counts answers and notes each in the program's log, without its query.
///
/// # Errors
/// Those of the services within.
pub(crate) async fn note(
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

type ByName = Family<Vec<(&'static str, String)>, Gauge>;

/// Counts in the Prometheus text format, for those who may see the status. Where a request comes from opens nothing: a
/// proxy on this host asks for everybody. Programs that only count have a door of their own ([`open`]).
pub(crate) async fn metrics(
    request: HttpRequest,
    state: Data<State>,
    viewer: Option<Viewer>,
) -> Result<HttpResponse, Refusal> {
    if !viewer.is_some_and(|viewer| viewer.may(Can::SeeStatus)) {
        let how =
            HeaderValue::from_static("Bearer realm=\"sign in, or ask the address of the setting metrics\"");
        return Ok(HttpResponse::Unauthorized().insert_header((WWW_AUTHENTICATE, how)).finish());
    }
    respond(&request, gather(state).await)
}

/// What was counted, in words; or why nothing could be.
type Text = Result<Bytes, Fault>;
/// What was counted last, and when.
type Last = Option<(Moment, Text)>;

/// What was counted last, for whoever reaches the address of the setting `metrics`: however many ask there and however
/// often, the house counts once a second, and whoever asks is answered, whatever the database does.
pub(crate) struct Counted {
    last: watch::Sender<Last>,
    counts: Mutex<Counts>,
}

impl Default for Counted {
    fn default() -> Self {
        Self { last: watch::Sender::new(None), counts: Mutex::default() }
    }
}

/// The counts that are at work, by when they began. One is enough; one that is stuck, as when the network swallowed its
/// statement, does not hold up the next.
#[derive(Default)]
struct Counts {
    at_work: Vec<Moment>,
    latest: Option<Moment>,
}

impl Counts {
    /// A count that is at work for so long is stuck.
    const STUCK: Duration = Duration::from_secs(3);
    /// So many may be at work: a stuck one keeps one of the four connections to read.
    const AT_ONCE: usize = 2;

    /// Whether another one is to begin.
    fn begin(&mut self, now: Moment) -> bool {
        let stuck = |began: &Moment| now.saturating_duration_since(*began) >= Self::STUCK;
        let begins = self.at_work.len() < Self::AT_ONCE && self.at_work.iter().all(stuck);
        if begins {
            self.at_work.push(now);
            self.latest = Some(now);
        }
        begins
    }

    /// Whether the one that ends is the last that began.
    fn end(&mut self, began: Moment) -> bool {
        self.at_work.retain(|at| *at != began);
        self.latest == Some(began)
    }
}

impl Counted {
    /// How old an answer may be.
    const FRESH: Duration = Duration::from_secs(1);
    /// How long whoever asks waits for it.
    const PATIENCE: Duration = Duration::from_millis(1_500);

    async fn now(self: Arc<Self>, state: Data<State>) -> Text {
        // Nobody waits for a database that is known not to answer.
        if state.store.ailment() == Some(Ailment::Silent) {
            return Err(Code::Busy.into());
        }
        let mut renders = self.last.subscribe();
        if let Some((at, known)) = renders.borrow_and_update().as_ref()
            && at.elapsed() < Self::FRESH
        {
            return known.clone();
        }
        let began = Moment::now();
        if self.counts().begin(began) {
            let counted = Arc::clone(&self);
            // It comes to its end whoever of those that wait for it goes away.
            actix_web::rt::spawn(async move {
                let known = gather(state).await;
                // One that was stuck knows nothing that is new.
                if counted.counts().end(began) {
                    counted.tell(known);
                }
            });
        }
        if tokio::time::timeout(Self::PATIENCE, renders.changed()).await.is_err() {
            // For those who ask in the next second too.
            self.tell(Err(Code::Busy.into()));
        }
        let last = self.last.borrow();
        last.as_ref().map_or_else(|| Err(Code::Busy.into()), |(_, known)| known.clone())
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, known: Text) {
        self.last.send_replace(Some((Moment::now(), known)));
    }
}

/// The same for whoever reaches the address of the setting `metrics`.
pub(crate) async fn open(
    request: HttpRequest,
    state: Data<State>,
    counted: Data<Counted>,
) -> Result<HttpResponse, Refusal> {
    respond(&request, counted.into_inner().now(state).await)
}

fn respond(request: &HttpRequest, text: Text) -> Result<HttpResponse, Refusal> {
    let text = text.map_err(|fault| fault.of(request))?;
    Ok(HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(text))
}

async fn gather(state: Data<State>) -> Text {
    let text = web::block(move || gathered(&state)).await.unwrap_or_else(|_stopped| Err(Code::Busy.into()));
    text.map(Bytes::from)
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
    one("escalations_set_aside", "Escalations that could not be worked off", i64::from(pulse.set_aside));
    let (locked, long) =
        pulse.passed_over.map_or((0, 0), |passed| (passed.alerts, now.since(passed.since).as_secs()));
    one("engine_passed_over", "Alerts that another session of the database has locked", i64::from(locked));
    one("engine_passed_over_seconds", "For how long the first of them", whole(long));
    let beat = pulse.heartbeat.map_or(-1, |at| whole(now.since(at).as_secs()));
    one("engine_heartbeat_age_seconds", "Since the auditor's last look; -1: too long", beat);
    let step = pulse.step.map_or(0, |step| step.by_ms);
    one("clock_step_milliseconds", "The last step of the wall clock, for a day; 0: none", step);
    let off = state.engine.clock_off().unwrap_or(0);
    one("clock_off_milliseconds", "This clock against the database's, from two seconds on; 0: less", off);
    one("log_lines_lost", "Log lines that nobody read", whole(state.engine.log_lines_lost()));
    one(
        "threads_ill",
        "Threads that are down or do not come round",
        whole(count(state.store.threads().ill().len())),
    );
    let messages = ByName::default();
    for ((channel, state), n) in &pulse.messages {
        messages.get_or_create(&vec![("channel", channel.clone()), ("state", state.clone())]).set(*n);
    }
    registry.register(
        "messages",
        "Messages on their way, and those of the last day that came to their end",
        messages,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_is_stuck_holds_up_the_next_for_some_seconds_and_no_more_than_one_is_left_stuck() {
        let (mut counts, began) = (Counts::default(), Moment::now());
        let later = |millis| began + Duration::from_millis(millis);
        assert!(counts.begin(later(0)));
        assert!(!counts.begin(later(2_900)), "one is enough");
        assert!(counts.begin(later(3_000)));
        assert!(!counts.begin(later(3_100)) && !counts.begin(later(60_000)), "two that are stuck are enough");
        assert!(counts.end(later(3_000)));
        assert!(counts.begin(later(60_100)), "at once, beside the one that is stuck");
        assert!(counts.end(later(60_100)));
        assert!(!counts.end(later(0)), "what it knows is old");
        assert!(counts.begin(later(60_200)) && !counts.begin(later(60_300)));
    }
}
