//! Readings: shown only under a permit of this moment, with the look in the log first; without one the answer is
//! the refusal with its article, never an empty list.

pub(crate) mod quarantine;

use std::collections::HashMap;
use std::time::Duration;

use actix_web::web::{Path, Query};
use consent::{AlertEvaluate, Permit};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::api::{Answer, Call, List, Paging, Reply};
use crate::http::fault::Fault;
use domain::time::civil::Window;
use domain::{DeviceId, Instant, PatientId, Reading, Signal};
use store::patients::audience::Requested;
use store::readings::{self, By, MOST_POINTS, Place, StoredReading};
use store::{Ask, Cursor, View, devices};

/// One reading.
#[derive(Serialize, ToSchema)]
#[schema(as = Reading)]
pub(crate) struct Shown {
    signal: &'static str,
    #[schema(value_type = String)]
    at: Instant,
    /// In the signal's canonical unit.
    value: f64,
    /// UCUM.
    unit: &'static str,
    /// As the device wrote it, where that is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    original: Option<Original>,
    #[schema(value_type = String)]
    device_id: DeviceId,
    #[schema(value_type = String)]
    received_at: Instant,
    flags: Vec<&'static str>,
}

/// A reading as the device wrote it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Original {
    /// A number, or `LOW`, `HIGH`, or a letter of A C V P U.
    #[schema(value_type = serde_json::Value)]
    value: serde_json::Value,
    unit: &'static str,
}

/// The ids of devices by their numbers, each looked up once.
#[derive(Default)]
pub(crate) struct Names(HashMap<i64, DeviceId>);

impl Names {
    pub(crate) fn of(&mut self, view: &mut View<'_>, key: i64) -> Result<DeviceId, Fault> {
        if let Some(id) = self.0.get(&key) {
            return Ok(*id);
        }
        let id = devices::id_of(view, key)?;
        self.0.insert(key, id);
        Ok(id)
    }
}

impl Shown {
    pub(crate) fn of(view: &mut View<'_>, names: &mut Names, stored: &StoredReading) -> Result<Self, Fault> {
        let reading = &stored.reading;
        Ok(Self {
            signal: reading.signal.name(),
            at: reading.at,
            value: reading.canonical(),
            unit: reading.signal.unit().ucum(),
            original: original(reading),
            device_id: names.of(view, stored.device_key)?,
            received_at: Instant::from_secs(stored.received.second()),
            flags: reading.flags.names(),
        })
    }

    /// As a line of a table (RFC 4180).
    pub(crate) fn line(&self) -> String {
        let (value, unit) = match &self.original {
            Some(Original { value: serde_json::Value::String(word), unit }) => (word.clone(), *unit),
            Some(Original { value, unit }) => (value.to_string(), *unit),
            None => (String::new(), ""),
        };
        format!(
            "{},{},{},{},{value},{unit},{},{},{}\r\n",
            self.signal,
            self.at.rfc3339(),
            self.value,
            self.unit,
            self.device_id,
            self.received_at.rfc3339(),
            self.flags.join(";")
        )
    }
}

fn original(reading: &Reading) -> Option<Original> {
    let unit = reading.unit.ucum();
    if let Some(letter) = reading.letter() {
        return Some(Original { value: letter.into(), unit });
    }
    if reading.is_sentinel() {
        let low = reading.flags.has(domain::Flags::LOW);
        return Some(Original { value: if low { "LOW" } else { "HIGH" }.into(), unit });
    }
    (reading.unit.code() != reading.signal.unit().code())
        .then(|| Original { value: reading.value.into(), unit })
}

/// Which readings.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// One signal; all by default. A series needs it.
    signal: Option<String>,
    /// Inclusive; a day before `to` by default.
    #[param(value_type = Option<String>)]
    from: Option<Instant>,
    /// Exclusive; now by default.
    #[param(value_type = Option<String>)]
    to: Option<Instant>,
    /// For a series: at most so many stretches, 500 by default.
    points: Option<u32>,
    /// At most so many rows.
    limit: Option<usize>,
    /// The `next` of the page before.
    after: Option<String>,
}

const DAY: Duration = Duration::from_secs(86_400);
/// Devices may be this far ahead (DESIGN §4).
const AHEAD: Duration = Duration::from_secs(300);
const FIRST_STRETCH: Duration = Duration::from_secs(3_600);

impl Asked {
    fn signals(&self) -> Result<Vec<Signal>, Fault> {
        match &self.signal {
            None => Ok(Signal::ALL.to_vec()),
            Some(name) => Ok(vec![signal(name)?]),
        }
    }

    fn span(&self, now: Instant) -> Result<Window, Fault> {
        let to = self.to.unwrap_or_else(|| now.plus(AHEAD));
        let from = self.from.unwrap_or_else(|| to.minus(DAY));
        if from < to {
            Ok(Window { from, to })
        } else {
            Err(Fault::invalid("from", "`from` lies before `to`"))
        }
    }
}

fn signal(name: &str) -> Result<Signal, Fault> {
    Signal::from_name(name).ok_or_else(|| Fault::invalid("signal", "not a signal of the list"))
}

/// Readings of a span, ascending.
#[utoipa::path(get, path = "/api/v1/patients/{id}/readings", tag = "readings", params(("id" = String, Path), Asked),
    responses((status = 200, body = List<Shown>), (status = 403, description = "No legal basis to show: code and article"), (status = 503, description = "E_AUDIT")))]
pub(crate) async fn list(call: Call, id: Path<Requested<PatientId>>, asked: Query<Asked>) -> Answer {
    let now = call.now();
    call.show(*id, move |view, key, permit| {
        let paging = Paging { limit: asked.limit, after: asked.after.clone() };
        let (ask, span) = (paging.ask()?, asked.span(now)?);
        let page = page(view, permit, key, &asked.signals()?, span, &ask)?;
        Reply::ok(&page)
    })
    .await
}

/// The place of a reading in a list.
pub(crate) fn place(stored: &StoredReading) -> (i64, i16, i64) {
    (stored.reading.at.micros(), stored.reading.signal.code(), stored.device_key)
}

/// Reads forward in parts, each no longer than a stretch that doubles, so that a page of a long span costs what it shows.
fn page(
    view: &mut View<'_>,
    permit: &Permit<AlertEvaluate>,
    key: i64,
    signals: &[Signal],
    within: Window,
    ask: &Ask,
) -> Result<List<Shown>, Fault> {
    let (last, limit) = (last_place(&ask.after)?, ask.limit);
    let mut begin = within.from.max(Instant::from_micros(ask.after.at));
    let mut stretch = FIRST_STRETCH;
    let mut found: Vec<StoredReading> = Vec::new();
    while found.len() <= limit {
        let within = Window { from: begin, ..within };
        let Some(part) = readings::next_part(view, permit, key, signals, within, stretch)? else { break };
        let mut readings = part.readings;
        readings.retain(|stored| last.is_none_or(|last| place(stored) > last));
        readings.sort_by_key(place);
        found.extend(readings);
        begin = part.until;
        stretch = stretch.saturating_mul(2);
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|stored| {
        let (at, signal, device) = place(stored);
        Cursor { at, id: format!("{signal}.{device}") }
    });
    let mut names = Names::default();
    let items = found.iter().map(|stored| Shown::of(view, &mut names, stored)).collect::<Result<_, _>>()?;
    Ok(List { items, next })
}

fn last_place(after: &Cursor) -> Result<Option<(i64, i16, i64)>, Fault> {
    if after.id.is_empty() {
        return Ok(None);
    }
    let parsed = after
        .id
        .split_once('.')
        .and_then(|(signal, device)| Some((after.at, signal.parse().ok()?, device.parse().ok()?)));
    parsed.map(Some).ok_or_else(|| Fault::invalid("after", "pass `next` unchanged"))
}

/// A reading that is no longer in force.
#[derive(Serialize, ToSchema)]
pub(crate) struct Superseded {
    #[serde(flatten)]
    reading: Shown,
    /// When it ceased to be in force.
    #[schema(value_type = String)]
    superseded_at: Instant,
    /// `source`: the device corrected itself. `clinician`: another value was released from quarantine.
    superseded_by: &'static str,
    /// The quarantined reading that was released in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    quarantine_id: Option<uuid::Uuid>,
    /// It was entered in error, and nothing took its place.
    withdrawn: bool,
}

/// Readings that were corrected or withdrawn, as they stood before: by signal, then ascending. A page may hold fewer than
/// `limit`, or none, and still have a `next`.
#[utoipa::path(get, path = "/api/v1/patients/{id}/superseded", tag = "readings", params(("id" = String, Path), Asked),
    responses((status = 200, body = List<Superseded>), (status = 403, description = "No legal basis to show: code and article"), (status = 503, description = "E_AUDIT")))]
pub(crate) async fn superseded(call: Call, id: Path<Requested<PatientId>>, asked: Query<Asked>) -> Answer {
    let now = call.now();
    call.show(*id, move |view, key, permit| {
        let paging = Paging { limit: asked.limit, after: asked.after.clone() };
        let (ask, span) = (paging.ask()?, asked.span(now)?);
        let (signals, after) = (asked.signals()?, last_superseded(&ask.after)?);
        let listed = readings::superseded(view, permit, key, &signals, span, after, ask.limit)?;
        let (mut names, mut items) = (Names::default(), Vec::new());
        for old in listed.values {
            let (superseded_by, quarantine_id) = match old.by {
                By::Source => ("source", None),
                By::Clinician(item) => ("clinician", Some(item)),
            };
            items.push(Superseded {
                reading: Shown::of(view, &mut names, &old.stored)?,
                superseded_at: old.at,
                superseded_by,
                quarantine_id,
                withdrawn: old.withdrawn,
            });
        }
        let next = listed.next.map(|Place { signal, at, device_key, generation }| Cursor {
            at,
            id: format!("{signal}.{device_key}.{generation}"),
        });
        Reply::ok(&List { items, next })
    })
    .await
}

fn last_superseded(after: &Cursor) -> Result<Option<Place>, Fault> {
    if after.id.is_empty() {
        return Ok(None);
    }
    place_of(after).map(Some).ok_or_else(|| Fault::invalid("after", "pass `next` unchanged"))
}

fn place_of(after: &Cursor) -> Option<Place> {
    let mut parts = after.id.splitn(3, '.');
    let signal = parts.next()?.parse().ok()?;
    let device_key = parts.next()?.parse().ok()?;
    let generation = parts.next()?.parse().ok()?;
    Some(Place { signal, at: after.at, device_key, generation })
}

/// A series drawn in stretches.
#[derive(Serialize, ToSchema)]
pub(crate) struct Series {
    signal: &'static str,
    /// UCUM.
    unit: &'static str,
    /// The devices whose readings are shown.
    #[schema(value_type = Vec<String>)]
    source: Vec<DeviceId>,
    /// [at, min, avg, max, n] per stretch that has readings, ascending.
    #[schema(value_type = Vec<Vec<serde_json::Value>>)]
    buckets: Vec<(Instant, f64, f64, f64, u64)>,
}

/// A series, down-sampled.
#[utoipa::path(get, path = "/api/v1/patients/{id}/series", tag = "readings", params(("id" = String, Path), Asked),
    responses((status = 200, body = Series), (status = 403, description = "No legal basis to show: code and article"), (status = 503, description = "E_AUDIT")))]
pub(crate) async fn series(call: Call, id: Path<Requested<PatientId>>, asked: Query<Asked>) -> Answer {
    let now = call.now();
    call.show(*id, move |view, key, permit| {
        let name = asked.signal.as_deref().ok_or_else(|| Fault::invalid("signal", "say which"))?;
        let signal = signal(name)?;
        let points = asked.points.unwrap_or(500).clamp(1, MOST_POINTS);
        let drawn = readings::buckets(view, permit, key, signal, asked.span(now)?, points)?;
        let mut names = Names::default();
        let source = drawn.devices.iter().map(|device| names.of(view, *device)).collect::<Result<_, _>>()?;
        let buckets = drawn.buckets.iter().map(|b| (b.at, b.min, b.avg, b.max, b.n)).collect();
        Reply::ok(&Series { signal: signal.name(), unit: signal.unit().ucum(), source, buckets })
    })
    .await
}

/// The newest reading of each signal that was ever measured.
#[utoipa::path(get, path = "/api/v1/patients/{id}/latest", tag = "readings", params(("id" = String, Path)),
    responses((status = 200, body = List<Shown>), (status = 403, description = "No legal basis to show: code and article"), (status = 503, description = "E_AUDIT")))]
pub(crate) async fn latest(call: Call, id: Path<Requested<PatientId>>) -> Answer {
    call.show(*id, |view, key, permit| {
        let mut names = Names::default();
        let found = readings::latest(view, permit, key, Signal::ALL)?;
        let items =
            found.iter().map(|stored| Shown::of(view, &mut names, stored)).collect::<Result<_, _>>()?;
        Reply::ok(&List::whole(items))
    })
    .await
}
