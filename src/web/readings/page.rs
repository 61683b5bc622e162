//! Latest values, the chart's frame and its table, read under a permit of this moment.

use std::collections::BTreeMap;

use consent::{AlertEvaluate, Permit};
use serde::Deserialize;

use crate::alerts::page::queue::shown_level;
use crate::http::fault::Fault;
use crate::pages::Level;
use crate::pages::visit::{Look, Room, masked};
use crate::people::auth::permit_display;
use crate::people::page::names::People;
use crate::readings::view::{Band, Bucket, Chart, Latest, Mark, Range, Readings, Shown, Unbelieved};
use domain::rules::Kind;
use domain::time::civil::Window;
use domain::{PatientId, Signal};
use store::patients::audience::Visible;
use store::readings::{self, quarantine};
use store::{View, devices, rules};

/// Rows of the table beside the chart.
const ROWS: u32 = 48;
/// Devices may be this far ahead (DESIGN §4).
const AHEAD: std::time::Duration = std::time::Duration::from_secs(300);

/// `?signal=&range=`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    signal: String,
    range: String,
    /// Which part of the page.
    pub part: String,
}

/// The readings of one patient as `look` allows.
///
/// # Errors
/// Store faults.
pub(crate) fn fill(
    view: &mut View<'_>,
    room: &Room,
    patient: Visible<PatientId>,
    look: Look,
    asked: &Asked,
    page: &str,
) -> Result<Readings, Fault> {
    match look {
        Look::Masked(masked) => return Ok(Readings::Masked(masked)),
        Look::Unrecorded => return Ok(Readings::Unrecorded),
        Look::NotYours => return Ok(Readings::NotYours),
        Look::Open => {}
    }
    let key = patient.key();
    let permit = match permit_display(view, &room.state, &room.viewer, key) {
        Ok(permit) => permit,
        Err(fault) => return masked(fault).map(Readings::Masked),
    };
    let levels = open_levels(view, room, key)?;
    let stored = readings::latest(view, &permit, key, Signal::ALL)?;
    let latest: Vec<Latest> = stored
        .iter()
        .map(|stored| Latest {
            signal: stored.reading.signal,
            value: stored.reading.canonical(),
            at: stored.reading.at,
            level: levels.get(&stored.reading.signal.code()).copied(),
            suspect: stored.reading.flags.is_suspect(),
        })
        .collect();
    let newer = |signal: Signal, at| latest.iter().all(|value| value.signal != signal || value.at < at);
    let unbelieved: Vec<Unbelieved> = quarantine::unbelieved(view, &permit, key)?
        .into_iter()
        .filter(|(signal, at)| newer(*signal, *at))
        .map(|(signal, at)| Unbelieved { signal, at })
        .collect();
    let all: Vec<Signal> = latest.iter().map(|value| value.signal).collect();
    let gravest = latest.iter().max_by_key(|value| value.level).map(|value| value.signal);
    let wanted = Signal::from_name(&asked.signal).filter(|signal| all.contains(signal));
    let first = gravest.filter(|_| !levels.is_empty()).or_else(|| all.first().copied());
    let chart = match wanted.or(first) {
        None => None,
        Some(chosen) => Some(chart(view, room, &permit, patient, Tabs { all, chosen }, asked, page)?),
    };
    Ok(Readings::Shown(Box::new(Shown { latest, unbelieved, chart })))
}

/// The gravest unresolved level of each signal, by its number.
fn open_levels(view: &mut View<'_>, room: &Room, key: i64) -> Result<BTreeMap<i16, Level>, Fault> {
    let mut levels = BTreeMap::new();
    for case in room.cases().open_of(view, key)? {
        let Ok(judged) = case.judged() else { continue };
        let level = shown_level(judged.level);
        let worst = levels.entry(judged.signal.code()).or_insert(level);
        *worst = level.max(*worst);
    }
    Ok(levels)
}

/// The signals that a chart is there of.
struct Tabs {
    all: Vec<Signal>,
    chosen: Signal,
}

fn chart(
    view: &mut View<'_>,
    room: &Room,
    permit: &Permit<AlertEvaluate>,
    patient: Visible<PatientId>,
    tabs: Tabs,
    asked: &Asked,
    page: &str,
) -> Result<Chart, Fault> {
    let (key, signal) = (patient.key(), tabs.chosen);
    let range = Range::from_name(&asked.range).unwrap_or_default();
    let to = room.now.plus(AHEAD);
    let from = room.now.minus(std::time::Duration::from_secs(range.secs()));
    let drawn = readings::buckets(view, permit, key, signal, Window { from, to: room.now }, ROWS)?;
    let bucket = |b: &readings::Bucket| Bucket { at: b.at, min: b.min, avg: b.avg, max: b.max, n: b.n };
    let mut people = People::default();
    let mut sources = Vec::new();
    for device in &drawn.devices {
        let device = devices::id_of(view, *device)?;
        sources.push(people.device(view, device)?);
    }
    Ok(Chart {
        patient: patient.id(),
        page: page.to_owned(),
        signal,
        range,
        from,
        to,
        tabs: tabs.all,
        bands: bands(view, signal)?,
        marks: marks(view, room, key, signal, from)?,
        table: drawn.buckets.iter().map(bucket).collect(),
        source: (!sources.is_empty()).then(|| sources.join(", ")),
    })
}

fn bands(view: &mut View<'_>, signal: Signal) -> Result<Vec<Band>, Fault> {
    let mut bands = Vec::new();
    for rule in rules::in_force(view)?.into_iter().filter(|rule| rule.signal == signal) {
        let Kind::Threshold(lines) = rule.kind;
        for (line, level) in [(lines.red, Level::Red), (lines.yellow, Level::Yellow)] {
            bands.push(Band { value: line.value, level, above: line.op.upward() });
        }
    }
    Ok(bands)
}

fn marks(
    view: &mut View<'_>,
    room: &Room,
    key: i64,
    signal: Signal,
    from: domain::Instant,
) -> Result<Vec<Mark>, Fault> {
    let all = room.cases().of_patient(view, key, 200)?;
    let mut marks: Vec<Mark> = all
        .iter()
        // The readings behind it are another's by now, and not on this chart.
        .filter(|case| case.started_at >= from && case.moved_at.is_none())
        .filter_map(|case| Some((case, case.judged().ok()?)))
        .filter(|(_, judged)| judged.signal == signal)
        .map(|(case, judged)| Mark { at: case.started_at, level: shown_level(judged.peak) })
        .collect();
    marks.sort_by_key(|mark| mark.at);
    Ok(marks)
}
