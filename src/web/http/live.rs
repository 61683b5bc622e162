//! What changed, as it changes: server-sent events with names and ids only, so that a browser asks again and gets
//! what its reader may see then. Resumable; a listener that missed too much is told to start anew.

use std::collections::VecDeque;
use std::time::Duration;

use actix_web::http::header;
use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};

use super::code::Code;
use super::fault::Fault;
use super::jobs;
use super::problem::Refusal;
use super::streams::{OpenStream, Streams};
use crate::people::auth::Viewer;
use crate::privacy::display::is_shown;
use crate::privacy::pseudonyms::knows_none;
use crate::state::State;
use domain::{AlertId, Can, DeviceId, PatientId, Role};
use store::live::signals::{self, Announced};
use store::people::sessions;
use store::privacy::pseudonyms;
use store::{Signalled, View};
use uuid::Uuid;

/// A comment this often: proxies and browsers see that the stream lives.
const BEAT: Duration = Duration::from_secs(15);
/// More missed events than this are not replayed.
const MISSED: i64 = 1_000;

/// Whether a role may know of an event at all. Ids only, still: who may not see it need not know that it moved.
fn may_know(viewer: &Viewer, name: &str, subject: &str) -> bool {
    let right = match name {
        "alert.changed" => Can::SeeAlerts,
        "readings.changed" => Can::SeeReadings,
        "consent.changed" => Can::SeeConsents,
        "patient.changed" => Can::SeeContacts,
        "device.changed" | "device.commanded" => Can::SeeDevices,
        "term.published" => Can::SignedIn,
        "rules.changed" => Can::SeeRules,
        "audit.sealed" => Can::ReadAudit,
        "config.changed" => Can::SeePolicies,
        // Whoever is called knows; so do those who see an alert's escalation with its receipts.
        "message.changed" if viewer.id.to_string() == subject => return true,
        "message.changed" => Can::SeeAlerts,
        "job.changed" => return jobs::may_know(viewer.role),
        "session.ended" => return viewer.id.to_string() == subject,
        _ => return false,
    };
    match viewer.role {
        // Of what is theirs; the audience says what that is.
        Role::Patient => names_patient(name) || right == Can::SignedIn,
        role => right.held_by(role),
    }
}

/// Whether an event is about the patient whose id it carries.
fn names_patient(name: &str) -> bool {
    matches!(name, "consent.changed" | "patient.changed" | "readings.changed")
}

/// Whether an event is about somebody whom a viewer may see, or about nobody.
fn is_within(view: &mut View<'_>, viewer: &Viewer, name: &str, subject: &str) -> store::Result<bool> {
    let audience = &viewer.audience;
    let found = match (name, subject.parse::<Uuid>()) {
        (name, Ok(id)) if names_patient(name) => audience.patient(view, PatientId(id)).map(drop),
        ("alert.changed", Ok(id)) => audience.alert(view, AlertId(id)).map(drop),
        ("device.changed" | "device.commanded", Ok(id)) => audience.device(view, DeviceId(id)).map(drop),
        _ => Ok(()),
    };
    match found {
        Ok(()) => Ok(true),
        Err(store::Error::NotFound(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

fn event(id: i64, name: &str, subject: &str) -> String {
    let member = match name {
        "alert.changed" => "alert_id",
        "device.changed" | "device.commanded" => "device_id",
        "job.changed" => "job_id",
        name if names_patient(name) => "patient_id",
        _ => "subject",
    };
    let data = serde_json::json!({ "id": subject, member: subject });
    let id_line = if id > 0 { format!("id: {id}\n") } else { String::new() };
    format!("{id_line}event: {name}\ndata: {data}\n\n")
}

fn reset(newest: i64) -> String {
    let id_line = if newest > 0 { format!("id: {newest}\n") } else { String::new() };
    format!("{id_line}event: reset\ndata: {{}}\n\n")
}

/// The last word to a stream that makes room for a newer one of the same person. A program that comes back by itself
/// waits a minute; a page comes back when somebody looks at it.
const SUPERSEDED: &str = "retry: 60000\nevent: superseded\ndata: {}\n\n";

/// Why a listener goes on.
enum Woken {
    Heard(Result<Signalled, RecvError>),
    Beat,
    Superseded,
}

/// One listener.
struct Listener {
    state: Data<State>,
    viewer: Viewer,
    heard: broadcast::Receiver<Signalled>,
    stopping: watch::Receiver<bool>,
    /// Whether this node hears what others commit.
    hears: watch::Receiver<bool>,
    /// The newest event that was replayed: those up to it are not sent twice.
    last: i64,
    ready: VecDeque<String>,
    held: OpenStream,
    /// The last event was sent.
    over: bool,
}

/// What changed, as it changes.
#[utoipa::path(get, path = "/api/v1/live", tag = "live", responses((status = 200, content_type = "text/event-stream", body = String)))]
pub(crate) async fn stream(
    request: HttpRequest,
    state: Data<State>,
    viewer: Viewer,
) -> Result<HttpResponse, Refusal> {
    let resume = request
        .headers()
        .get("last-event-id")
        .map(|id| id.to_str().ok().and_then(|text| text.trim().parse::<i64>().ok()).unwrap_or(-1));
    let held = Streams::begin(&state.streams, viewer.id);
    // Heard before what was missed is read: nothing falls between.
    let mut listener = Listener {
        heard: state.store.signals(),
        stopping: state.stopping.subscribe(),
        hears: state.store.hears(),
        state,
        viewer,
        last: 0,
        ready: VecDeque::new(),
        held,
        over: false,
    };
    listener.begin(resume).await.map_err(|fault| fault.of(&request))?;
    let events = stream::unfold(listener, async |mut listener| {
        let text = listener.next().await?;
        Some((Ok::<_, actix_web::Error>(Bytes::from(text)), listener))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(Box::pin(events)))
}

impl Listener {
    async fn begin(&mut self, resume: Option<i64>) -> Result<(), Fault> {
        if !*self.hears.borrow() {
            return Err(Fault::new(Code::Busy));
        }
        let state = Data::clone(&self.state);
        let read = web::block(move || {
            state.store.read(|view| {
                let newest = signals::newest(view)?;
                Ok((newest, resume.map(|last| signals::after(view, last, MISSED)).transpose()?))
            })
        });
        let (newest, missed) = read.await.map_err(|_stopped| Fault::new(Code::Busy))??;
        // What is committed from here on is heard, and sent unless it was read above.
        self.last = newest;
        self.ready.push_back("retry: 2000\n\n".to_owned());
        match missed {
            None if newest > 0 => self.ready.push_back(format!("id: {newest}\ndata:\n\n")),
            None => {}
            Some(Some(missed_rows)) if i64::try_from(missed_rows.len()).is_ok_and(|n| n < MISSED) => {
                self.last = missed_rows.last().map_or(newest, |last| last.id);
                for Announced { id, name, subject } in &missed_rows {
                    if self.may_hear(name, subject).await {
                        let subject = self.known_as(name, subject).await;
                        self.ready.push_back(event(*id, name, &subject));
                    }
                }
            }
            Some(_) => self.ready.push_back(reset(newest)),
        }
        Ok(())
    }

    /// The next piece of the stream; `None` ends it.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(text) = self.ready.pop_front() {
                return Some(text);
            }
            if self.over {
                return None;
            }
            let woken = tokio::select! {
                heard = self.heard.recv() => Woken::Heard(heard),
                _ = self.stopping.wait_for(|stopping| *stopping) => return None,
                // It cannot know what it misses: whoever comes back is told from the rows.
                _ = self.hears.wait_for(|hears| !hears) => return None,
                () = self.held.superseded() => Woken::Superseded,
                () = tokio::time::sleep(BEAT) => Woken::Beat,
            };
            match woken {
                Woken::Heard(Ok(signal)) => self.hear(signal).await?,
                Woken::Heard(Err(RecvError::Lagged(_))) => {
                    let newest = self.newest().await;
                    self.last = newest.max(self.last);
                    return Some(reset(newest));
                }
                Woken::Heard(Err(RecvError::Closed)) => return None,
                Woken::Superseded => {
                    self.over = true;
                    return Some(SUPERSEDED.to_owned());
                }
                Woken::Beat => return self.lives().await.then(|| ": beat\n\n".to_owned()),
            }
        }
    }

    async fn hear(&mut self, signal: Signalled) -> Option<()> {
        if signal.name == "session.ended"
            && signal.subject == self.viewer.id.to_string()
            && !self.lives().await
        {
            return None;
        }
        let repeated = signal.id > 0 && signal.id <= self.last;
        if matches!(signal.name, "consent.changed" | "patient.changed") {
            self.state.shown.forget(&signal.subject);
        }
        if !repeated && self.may_hear(signal.name, &signal.subject).await {
            let subject = self.known_as(signal.name, &signal.subject).await;
            self.ready.push_back(event(signal.id, signal.name, &subject));
        }
        Some(())
    }

    /// Whether this listener is told of an event. That a patient has new readings is known to whoever may see them now.
    async fn may_hear(&self, name: &str, subject: &str) -> bool {
        if !may_know(&self.viewer, name, subject) || !self.reaches(name, subject).await {
            return false;
        }
        name != "readings.changed" || is_shown(&self.state, &self.viewer, subject).await
    }

    /// Whether an event is about somebody whom this listener may see. Nothing is asked for whoever may see everybody.
    async fn reaches(&self, name: &str, subject: &str) -> bool {
        if self.viewer.audience.is_everybody() {
            return true;
        }
        let (state, viewer) = (Data::clone(&self.state), self.viewer.clone());
        let (name, subject) = (name.to_owned(), subject.to_owned());
        let asked = move || state.store.read(|view| is_within(view, &viewer, &name, &subject));
        matches!(web::block(asked).await, Ok(Ok(true)))
    }

    /// The id under which this listener knows whom an event is about.
    async fn known_as(&self, name: &str, subject: &str) -> String {
        let patient = subject.parse::<PatientId>().ok();
        let Some(patient) = patient.filter(|_| name == "consent.changed" && knows_none(&self.viewer)) else {
            return subject.to_owned();
        };
        let (state, viewer) = (Data::clone(&self.state), self.viewer.id);
        let asked = web::block(move || state.store.read(|view| pseudonyms::of(view, viewer, patient)));
        asked.await.ok().and_then(Result::ok).map(|id| id.to_string()).unwrap_or_default()
    }

    /// Whether the session still stands.
    async fn lives(&self) -> bool {
        let (state, session) = (Data::clone(&self.state), self.viewer.session);
        let asked = web::block(move || {
            let now = state.now();
            state.store.read(|view| sessions::is_live(view, session, now))
        });
        matches!(asked.await, Ok(Ok(true)))
    }

    async fn newest(&self) -> i64 {
        let state = Data::clone(&self.state);
        let asked = web::block(move || state.store.read(signals::newest));
        asked.await.ok().and_then(Result::ok).unwrap_or(0)
    }
}
