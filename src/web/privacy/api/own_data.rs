//! All that is stored about a person, for that person, in one step (LGPD art. 18 II and V, art. 19 §3): whatever staff may see
//! of it. Sent as it is read, so that years of readings cost no more memory than a day.

use std::time::Duration;

use actix_web::http::header;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse, rt};
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, SemaphorePermit};
use utoipa::ToSchema;

use super::accesses;
use crate::alerts::cases;
use crate::consents::api::{Past, Standing};
use crate::devices::api::Bound;
use crate::http::api::{Answer, Call, Desk};
use crate::http::code::Code;
use crate::http::fault::Fault;
use crate::http::outlet::{Outlet, Stop, outlet};
use crate::patients::api::Seen;
use crate::people::auth::{Viewer, permit_display};
use crate::readings::api::{Names, Shown};
use crate::state::State;
use domain::time::civil::Window;
use domain::{Instant, PatientId, Role, Signal};
use store::consents::{self, ledger};
use store::db::page::{Cursor, MOST};
use store::db::settings;
use store::devices::bindings::{self, Of};
use store::patients::audience::{Requested, Visible};
use store::patients::changes;
use store::privacy::exports;
use store::readings::{self, Stretch};
use store::{Ask, View, patients};

/// Copies under way at once on this node.
static SEATS: Semaphore = Semaphore::const_new(4);
/// Readings are read in stretches of so long.
const STRETCH: Duration = Duration::from_secs(2 * 3_600);
/// Alerts in a copy.
const ALERTS: i64 = 10_000;

/// As what it is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Form {
    /// Everything, as one JSON document.
    #[default]
    Json,
    /// The readings, as a table (RFC 4180).
    Csv,
}

impl Form {
    const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }
}

/// As what.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// `json` (everything) by default, or `csv` (the readings as a table).
    #[serde(default)]
    #[param(value_type = Option<String>)]
    format: Form,
}

/// All that is stored about the patient who asks: who they are, what they answered and when, who looked, devices, alerts and
/// every reading. Given whatever staff may see (LGPD art. 18 II and V); six an hour.
#[utoipa::path(get, path = "/api/v1/patients/{id}/export", tag = "patients", params(("id" = String, Path), Wanted),
    responses((status = 200, description = "One JSON document, or a CSV table", content((OwnData = "application/json"), (String = "text/csv"))), (status = 404)))]
pub(crate) async fn take(
    request: HttpRequest,
    call: Call,
    id: Path<Requested<PatientId>>,
    wanted: Query<Wanted>,
) -> Answer {
    let form = wanted.format;
    let begun = call.gather(move |desk| Source::begin(desk, *id, form)).await;
    let source = begun.map_err(|fault| fault.of(&request))?;
    let (mut out, pieces) = outlet();
    let named = format!("attachment; filename=\"zelo-{}.{}\"", day(source.now), form.name());
    drop(rt::task::spawn_blocking(move || {
        let done = match form {
            Form::Json => source.document(&mut out),
            Form::Csv => source.table(&mut out),
        };
        out.end(done);
    }));
    Ok(HttpResponse::Ok()
        .content_type(form.media_type())
        .insert_header((header::CONTENT_DISPOSITION, named))
        .streaming(pieces))
}

fn day(at: Instant) -> String {
    at.rfc3339().chars().take(10).collect()
}

/// The copy of everything, as a JSON document.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnData {
    #[schema(value_type = String)]
    made_at: Instant,
    controller: Controller,
    patient: Seen,
    /// Where each consent stands.
    consents: Vec<Standing>,
    /// What led there, oldest first.
    consent_history: Vec<Past>,
    /// What became of the record, oldest first.
    record_changes: Vec<RecordChange>,
    /// Who looked, or was refused, newest first.
    accesses: Vec<accesses::Looked>,
    /// Whose devices when.
    devices: Vec<Bound>,
    alerts: Vec<OwnAlert>,
    readings: Vec<Shown>,
}

/// A change of the record of the person.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecordChange {
    #[schema(value_type = String)]
    at: Instant,
    /// `registered`, `corrected`, `blocked` or `unblocked`.
    what: &'static str,
}

/// Who answers for the data.
#[derive(Serialize, ToSchema)]
pub(crate) struct Controller {
    name: Option<String>,
    #[schema(value_type = Option<Object>)]
    dpo: Option<settings::Officer>,
}

/// An alert, for the person whom it is about.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnAlert {
    #[schema(value_type = String)]
    id: domain::AlertId,
    rule: String,
    rule_version: u32,
    signal: &'static str,
    /// At its gravest.
    peak: &'static str,
    state: &'static str,
    outcome: Option<&'static str>,
    #[schema(value_type = String)]
    started_at: Instant,
    #[schema(value_type = Option<String>)]
    ended_at: Option<Instant>,
    /// Since when its readings are another's: a binding was put right.
    #[schema(value_type = Option<String>)]
    readings_moved_at: Option<Instant>,
    /// What it rests on; null once it was hidden, or its readings are another's.
    #[schema(value_type = Option<Object>)]
    finding: Option<rules::Finding>,
}

/// Where a copy comes from.
struct Source {
    state: Data<State>,
    viewer: Viewer,
    patient: Visible<PatientId>,
    now: Instant,
    _seat: SemaphorePermit<'static>,
}

impl Source {
    fn begin(desk: &Desk, asked: Requested<PatientId>, form: Form) -> Result<Self, Fault> {
        let patient = desk.read(|view| desk.viewer.visible(view, asked))?;
        let seat = SEATS.try_acquire().map_err(|_taken| Fault::new(Code::Busy))?;
        desk.write(|tx| Ok(exports::begin(tx, patient, form.name())?))?;
        Ok(Self {
            state: Data::clone(&desk.state),
            viewer: desk.viewer.clone(),
            patient,
            now: desk.now,
            _seat: seat,
        })
    }

    /// Each look at the store is short, so that a slow connection holds nothing open there.
    fn read<T>(&self, work: impl FnOnce(&mut View<'_>) -> Result<T, Fault>) -> Result<T, Stop> {
        let read = self.state.store.read(|view| Ok(work(view)));
        Ok(read.map_err(Fault::from)??)
    }

    fn document(&self, out: &mut Outlet) -> Result<(), Stop> {
        let (controller, patient, consents) = self.read(|view| {
            let name = settings::get(view, settings::ORGANISATION)?;
            let controller = Controller { name, dpo: settings::officer(view)? };
            let patient =
                Seen::of(patients::get(view, &self.viewer.audience, self.patient.id())?, Role::Patient);
            let standing: Vec<Standing> =
                ledger::of(view, self.patient.key())?.records().iter().map(Standing::from).collect();
            Ok((controller, patient, standing))
        })?;
        out.text("{\"made_at\":")?;
        out.json(&self.now)?;
        out.text(",\"controller\":")?;
        out.json(&controller)?;
        out.text(",\"patient\":")?;
        out.json(&patient)?;
        out.text(",\"consents\":")?;
        out.json(&consents)?;
        out.text(",\"consent_history\":")?;
        self.pages(out, |view, ask| {
            let page = consents::history(view, self.patient, ask)?;
            Ok((page.items.into_iter().map(Past::from).collect::<Vec<_>>(), page.next))
        })?;
        out.text(",\"record_changes\":")?;
        self.pages(out, |view, ask| {
            let page = changes::page(view, self.patient.key(), ask)?;
            let change = |one: changes::Changed| RecordChange { at: one.at, what: one.what.name() };
            Ok((page.items.into_iter().map(change).collect::<Vec<_>>(), page.next))
        })?;
        out.text(",\"accesses\":")?;
        self.accesses(out)?;
        out.text(",\"devices\":")?;
        self.pages(out, |view, ask| {
            let page = bindings::page(view, Of::Patient(self.patient.id()), ask)?;
            Ok((page.items.into_iter().map(Bound::from).collect::<Vec<_>>(), page.next))
        })?;
        out.text(",\"alerts\":")?;
        out.json(&self.alerts()?)?;
        out.text(",\"readings\":[")?;
        let mut first = true;
        self.readings(|shown| {
            out.text(if std::mem::take(&mut first) { "\n" } else { ",\n" })?;
            out.json(shown)
        })?;
        out.text("]}\n")
    }

    fn table(&self, out: &mut Outlet) -> Result<(), Stop> {
        out.text("signal,at,value,unit,original_value,original_unit,device_id,received_at,flags\r\n")?;
        self.readings(|shown| out.text(&shown.line()))
    }

    /// A list that is read page by page.
    fn pages<T: Serialize>(
        &self,
        out: &mut Outlet,
        mut page: impl FnMut(&mut View<'_>, &Ask) -> Result<(Vec<T>, Option<Cursor>), Fault>,
    ) -> Result<(), Stop> {
        let mut ask = Ask { limit: MOST, ..Ask::default() };
        let mut list = Listed::begin(out)?;
        loop {
            let (items, next) = self.read(|view| page(view, &ask))?;
            list.add(&items)?;
            match next {
                Some(next) => ask.after = next,
                None => return list.end(),
            }
        }
    }

    fn accesses(&self, out: &mut Outlet) -> Result<(), Stop> {
        let (mut before, most) = (None, i64::try_from(MOST).unwrap_or(i64::MAX));
        let mut list = Listed::begin(out)?;
        loop {
            let (items, last) =
                self.read(|view| accesses::shown(view, &self.viewer, self.patient.key(), before, most))?;
            list.add(&items)?;
            match last {
                Some(last) => before = Some(last),
                None => return list.end(),
            }
        }
    }

    fn alerts(&self) -> Result<Vec<OwnAlert>, Stop> {
        self.read(|view| {
            let permit = permit_display(view, &self.state, &self.viewer, self.patient.key())?;
            let mut own = Vec::new();
            for (case, judged) in cases::own(view, self.now, self.patient.key(), &permit, ALERTS)? {
                own.push(OwnAlert {
                    id: case.id,
                    rule: judged.rule.clone(),
                    rule_version: judged.rule_version,
                    signal: judged.signal.name(),
                    peak: judged.peak.name(),
                    state: case.state.name(),
                    outcome: case.outcome.map(domain::Outcome::name),
                    started_at: case.started_at,
                    ended_at: case.ended_at,
                    readings_moved_at: case.moved_at,
                    finding: judged.finding(view, &permit)?,
                });
            }
            Ok(own)
        })
    }

    /// Every reading, a stretch at a time, each under the permit of its moment.
    fn readings(&self, mut visit: impl FnMut(&Shown) -> Result<(), Stop>) -> Result<(), Stop> {
        let mut from = Instant::from_micros(i64::MIN);
        loop {
            let stretch = self.read(|view| self.stretch(view, from))?;
            let Some((shown, to)) = stretch else { return Ok(()) };
            shown.iter().try_for_each(&mut visit)?;
            from = to;
        }
    }

    fn stretch(&self, view: &mut View<'_>, from: Instant) -> Result<Option<(Vec<Shown>, Instant)>, Fault> {
        let permit = permit_display(view, &self.state, &self.viewer, self.patient.key())?;
        let within = Window { from, to: Instant::MAX };
        let part = readings::next_part(view, &permit, self.patient.key(), Signal::ALL, within, STRETCH)?;
        let Some(Stretch { mut readings, until }) = part else { return Ok(None) };
        readings.sort_by_key(crate::readings::api::place);
        let mut names = Names::default();
        let shown = readings.iter().map(|stored| Shown::of(view, &mut names, stored));
        Ok(Some((shown.collect::<Result<_, _>>()?, until)))
    }
}

/// A JSON list under way.
struct Listed<'a> {
    out: &'a mut Outlet,
    empty: bool,
}

impl<'a> Listed<'a> {
    fn begin(out: &'a mut Outlet) -> Result<Self, Stop> {
        out.text("[")?;
        Ok(Self { out, empty: true })
    }

    fn add<T: Serialize>(&mut self, items: &[T]) -> Result<(), Stop> {
        for item in items {
            self.out.text(if std::mem::take(&mut self.empty) { "\n" } else { ",\n" })?;
            self.out.json(item)?;
        }
        Ok(())
    }

    fn end(self) -> Result<(), Stop> {
        self.out.text("]")
    }
}
