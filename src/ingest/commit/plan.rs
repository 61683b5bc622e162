//! What is to be done with one message: whose it is, what consent says, which parts are taken, refused, set
//! aside. Consent comes first: without a permit only the refusal and its count are stored.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use consent::{AlertEvaluate, Context, Datum, Denied, Permit, Request, TelemetryCollect, decide};

use super::aside::{Again, Setting};
use super::decision;
use super::ledger::Ledger;
use super::reception::Receptions;
use crate::admit::{Admitted, Content};
use crate::answer::Verdict;
use crate::normal::{Normalised, Why};
use crate::parts::{Parts, Place};
use crate::roster::{PatientCopy, Roster};
use domain::{DeviceId, Instant, Reading, Signal};
use store::devices::roster::DeviceRow;
use store::health::nodes::Proven;
use store::readings::{Amended, Appended, Batch, Known, ReceiptRef, Withdrawn};
use store::{Result, Tx};

pub(super) const NOT_BOUND: &str = "E_NOT_BOUND";

/// One message on its way through a commit.
pub(crate) struct Planned {
    /// What it is told.
    pub verdict: Verdict,
    /// What of it was not taken.
    pub parts: Parts,
    /// Its places in the batch.
    pub rows: Range<usize>,
    /// Its readings, in the order of `rows`.
    pub readings: Vec<Reading>,
    /// What it corrects; once written, what of it changed anything.
    pub amended: Vec<Amended>,
    /// What it takes back, with where it says so.
    pub withdrawn: Vec<(Withdrawn, Place)>,
    /// It says again what was given to its patient, or what its source took back at another wearer's: known, and not stored.
    pub repeats: bool,
    /// It takes back or puts right what waited for whoever wore the device.
    pub takes_back: bool,
    /// The records of the message that they stood in.
    pub records: Vec<u32>,
    /// Its device, when it is enrolled.
    pub device: Option<Arc<DeviceRow>>,
    /// Whose it is, when it is somebody's.
    pub patient: Option<Arc<PatientCopy>>,
    /// Its reference.
    pub received: Option<ReceiptRef>,
    /// What was decided (see [`decision`]).
    pub decision: u8,
    /// The consent epoch that was read.
    pub epoch: i64,
}

/// What consent says of one patient's device in this commit.
pub(crate) struct Standing {
    /// Whether it may be stored.
    pub collect: std::result::Result<Permit<TelemetryCollect>, Denied>,
    /// Whether it may be judged.
    pub evaluate: std::result::Result<Permit<AlertEvaluate>, Denied>,
}

/// The decisions of one commit: asked once, dropped with it.
pub(crate) type Standings = HashMap<(i64, DeviceId), Standing>;

/// The rows of a batch that are new in the journal.
pub(crate) struct NewRows {
    not: HashSet<usize>,
}

impl NewRows {
    /// All but what was there already.
    pub(crate) fn new(appended: &Appended) -> Self {
        Self { not: appended.same.iter().chain(&appended.conflicts).copied().collect() }
    }

    /// The readings of a message that its receipt counts: what is new, and what it puts right.
    pub(crate) fn counted<'p>(&self, plan: &'p Planned) -> impl Iterator<Item = &'p Reading> {
        self.of(plan).chain(plan.amended.iter().map(|amended| &amended.reading))
    }

    /// The readings of a message that are new.
    pub(crate) fn of<'p>(&self, plan: &'p Planned) -> impl Iterator<Item = &'p Reading> {
        let rows = plan.rows.clone().zip(&plan.readings);
        rows.filter(|(row, _)| self.not.is_empty() || !self.not.contains(row)).map(|(_, reading)| reading)
    }
}

/// Plans the messages of one commit.
pub(crate) struct Planner<'c> {
    /// Copies of devices and patients.
    pub roster: &'c Roster,
    /// Numbers the messages.
    pub ledger: &'c mut Ledger,
    /// Takes the rows.
    pub batch: &'c mut Batch,
    /// What the organisation declared.
    pub bases: &'c consent::Bases,
    /// What was committed of the readings that the messages take back.
    pub known: &'c Known,
    /// The decisions of consent so far in this commit.
    pub standings: Standings,
    /// Which instants stand for the receptions of unstamped messages.
    pub receptions: &'c mut Receptions,
    /// The instant of the last of them: shares of one message have one.
    pub reception: Option<Instant>,
    /// The instant of the commit: what it refuses is final.
    pub proven: Proven,
}

impl Planner<'_> {
    /// Plans one message.
    ///
    /// # Errors
    /// Database errors.
    pub(crate) fn plan(&mut self, tx: &mut Tx<'_>, message: &Admitted) -> Result<Planned> {
        let mut plan = Planned {
            verdict: Verdict::Taken,
            parts: Parts::default(),
            rows: 0..0,
            readings: Vec::new(),
            amended: Vec::new(),
            withdrawn: Vec::new(),
            repeats: false,
            takes_back: false,
            records: Vec::new(),
            device: self.roster.device(message.device),
            patient: None,
            received: None,
            decision: 0,
            epoch: 0,
        };
        let Some(device) = plan.device.clone().filter(|device| !device.disabled) else {
            plan.refuse(decision::NOT_BOUND, NOT_BOUND, "LGPD art. 6 I");
            return Ok(plan);
        };
        let received = self.ledger.next(device.key)?;
        plan.received = Some(received);
        let Some(owner) = device.owner(message.instants(), self.proven.at()).copied() else {
            plan.refuse(decision::NOT_BOUND, NOT_BOUND, "LGPD art. 6 I");
            plan.of_nobody(tx, message, device.key, received, self.known)?;
            return Ok(plan);
        };
        let patient = self.roster.patient(owner.patient_key)?;
        plan.patient = Some(Arc::clone(&patient));
        self.decide(&patient, message.device);
        let Some(standing) = self.standings.get(&(patient.row.key, message.device)) else { return Ok(plan) };
        let permit = match &standing.collect {
            Ok(permit) => permit,
            Err(denied) => {
                let code = denied.code;
                plan.epoch = patient.row.epoch();
                plan.refuse(code.number(), code.as_str(), code.basis_text());
                return Ok(plan);
            }
        };
        plan.epoch = permit.epoch();
        let again;
        let content = match &message.content {
            Content::Readings { unstamped: true, normal } => {
                let follows = message.wearer.as_ref().is_some_and(|wearer| wearer.follows);
                let at = match self.reception.filter(|_| follows) {
                    Some(at) => at,
                    None => self.receptions.of(tx, message, device.key, normal.spread)?,
                };
                self.reception = Some(at);
                again = (at != message.received_at).then(|| message.as_received_at(at));
                again.as_ref().unwrap_or(&message.content)
            }
            content => content,
        };
        let mut aside = Setting { tx, device: &device, id: message.device, patient: &patient, received };
        let still = device.bound_at(self.proven.at()).is_some_and(|now| now.patient_key == patient.row.key);
        match content {
            Content::Malformed(fault) => match fault.quota() {
                Some(quota) => {
                    plan.decision = decision::QUOTA;
                    plan.verdict = Verdict::Quota(format!("{quota}: {fault}"));
                }
                None => {
                    plan.decision = decision::UNREADABLE;
                    plan.verdict = Verdict::Malformed(fault.to_string());
                    aside.payload(message, fault.to_string())?;
                }
            },
            Content::Readings { normal, .. } => {
                plan.sort(normal, permit, &device, still, self.known, &mut aside)?;
                let readings = plan.readings.as_slice();
                plan.rows = self.batch.admit(
                    permit,
                    &patient.telemetry,
                    patient.row.key,
                    device.key,
                    received,
                    readings,
                )?;
            }
        }
        Ok(plan)
    }

    fn decide(&mut self, patient: &PatientCopy, device: DeviceId) {
        let (bases, now) = (self.bases, self.proven.at());
        self.standings.entry((patient.row.key, device)).or_insert_with(|| {
            let context = Context {
                data: &[Datum::Reading],
                device: Some(consent::Id(device.0.into_bytes())),
                ..Context::system(now.micros())
            };
            let request = Request {
                bases,
                records: &patient.row.records,
                subject: &patient.row.subject,
                context: &context,
            };
            Standing {
                collect: decide::<TelemetryCollect>(&request),
                evaluate: decide::<AlertEvaluate>(&request),
            }
        });
    }
}

impl Planned {
    fn refuse(&mut self, decision: u8, code: &'static str, basis: &'static str) {
        self.decision = decision;
        self.verdict = Verdict::Refused { code: Cow::Borrowed(code), basis: Cow::Borrowed(basis) };
    }

    /// The signals that are to be measured again, each once: a value was too extreme to be believed alone, or at all.
    pub(crate) fn suspect(&self) -> Vec<Signal> {
        let amended = self.amended.iter().map(|amended| &amended.reading);
        let doubtful = self.readings.iter().chain(amended).filter(|reading| reading.flags.is_suspect());
        let unbelieved = self.parts.iter().filter(|part| part.code == Why::Implausible.code());
        let unbelieved = unbelieved.filter_map(|part| Signal::from_name(&part.signal));
        let mut signals = Vec::new();
        for signal in doubtful.map(|reading| reading.signal).chain(unbelieved) {
            if !signals.contains(&signal) {
                signals.push(signal);
            }
        }
        signals
    }

    /// `still`: the device is this patient's now, so that it may put right what it measured for them.
    fn sort(
        &mut self,
        normal: &Normalised,
        permit: &Permit<TelemetryCollect>,
        device: &DeviceRow,
        still: bool,
        known: &Known,
        aside: &mut Setting<'_, '_>,
    ) -> Result<()> {
        let (mine, who) = (aside.patient.row.key, aside.patient.row.id.0);
        let mut before_grant = None;
        let (before, under_way) = aside.recorded_before(normal)?;
        let mut follows = Vec::new();
        self.parts = normal.refused.clone();
        self.readings.reserve_exact(normal.readings.len());
        self.records.reserve_exact(normal.readings.len());
        let corrections = normal.corrections.iter().map(|taken| (taken, true));
        for (taken, corrects) in normal.readings.iter().map(|taken| (taken, false)).chain(corrections) {
            let (reading, place) = (taken.reading, taken.place());
            if device.bound_at(reading.at).is_none_or(|binding| binding.patient_key != mine) {
                if corrects && aside.put_right(reading, known)? {
                    self.takes_back = true;
                    continue;
                }
                aside.unbound(reading)?;
                self.part(reading.signal, NOT_BOUND, true, place);
            } else if let Err(denied) = permit.covers(reading.at.micros()) {
                self.part(reading.signal, denied.code.as_str(), false, place);
                before_grant = Some(denied.code);
            } else if !normal.may_be_of(taken.record, who) {
                aside.reading(reading, Why::Subject.code())?;
                self.part(reading.signal, Why::Subject.code(), true, place);
            } else if under_way.contains(&(reading.signal, reading.at)) {
                if corrects && aside.put_right(reading, known)? {
                    self.takes_back = true;
                    continue;
                }
                follows.push(reading);
                self.part(reading.signal, NOT_BOUND, true, place);
            } else if corrects && !still {
                aside.reading(reading, NOT_BOUND)?;
                self.part(reading.signal, NOT_BOUND, true, place);
            } else if corrects {
                self.amended.push(aside.amended(reading));
            } else {
                match aside.again(&reading, before.get(&(reading.signal, reading.at)))? {
                    Again::New => {
                        self.readings.push(reading);
                        self.records.push(taken.record);
                    }
                    Again::Known => self.repeats = true,
                    Again::Other => {
                        aside.reading(reading, Why::Conflict.code())?;
                        self.part(reading.signal, Why::Conflict.code(), true, place);
                    }
                }
            }
        }
        aside.follow(&follows)?;
        for taken in &normal.withdrawn {
            let (what, place) = (taken.what, taken.place());
            let whose = device.bound_at(what.at).map(|binding| binding.patient_key);
            let bound = whose == Some(mine);
            if whose.is_none() && aside.take_back(&what, known)? {
                self.takes_back = true;
            } else if !bound {
                self.part(what.signal, NOT_BOUND, false, place);
            } else if let Err(denied) = permit.covers(what.at.micros()) {
                self.part(what.signal, denied.code.as_str(), false, place);
                before_grant = Some(denied.code);
            } else if !normal.may_be_of(taken.record, who) {
                self.part(what.signal, Why::Subject.code(), false, place);
            } else {
                self.withdrawn.push((aside.withdrawn(what, still), place));
            }
        }
        for set in &normal.quarantined {
            let (reading, place) = (set.taken.reading, set.taken.place());
            let is_theirs = normal.may_be_of(set.taken.record, who);
            let why = if is_theirs { set.why } else { Why::Subject };
            aside.reading(reading, why.code())?;
            self.part(reading.signal, why.code(), true, place);
        }
        self.conclude(before_grant);
        Ok(())
    }

    /// Says what was decided of the whole, as far as its parts are sorted.
    fn conclude(&mut self, before_grant: Option<consent::Code>) {
        if self.takes() || !self.withdrawn.is_empty() {
            self.decision = if self.parts.is_empty() { 0 } else { decision::IN_PART };
        } else if let Some(code) = before_grant {
            self.refuse(code.number(), code.as_str(), code.basis_text());
        } else {
            self.nothing();
        }
    }

    /// Whether it brings a value, to keep or to set aside, or one that is known.
    pub(crate) fn takes(&self) -> bool {
        let aside = self.parts.iter().any(|part| part.aside);
        let known = self.repeats || self.takes_back;
        aside || known || !self.readings.is_empty() || !self.amended.is_empty()
    }

    /// Nothing in it can be taken: the answer says why.
    pub(crate) fn nothing(&mut self) {
        self.decision = decision::NOTHING;
        self.verdict =
            Verdict::Malformed(format!("nothing in the message can be taken: {}", self.parts.text()));
    }

    /// Names a part that was not taken.
    pub(crate) fn part(&mut self, signal: Signal, code: &'static str, aside: bool, place: Place) {
        self.parts.add(signal.name(), code, aside, place);
    }
}

/// Another value came first: the later one is set aside and reported as such.
///
/// # Errors
/// Database errors.
pub(crate) fn set_aside_conflicts(
    tx: &mut Tx<'_>,
    group: &[Admitted],
    planned: &mut [Planned],
    conflicts: &[usize],
) -> Result<()> {
    if conflicts.is_empty() {
        return Ok(());
    }
    for (message, plan) in group.iter().zip(planned.iter_mut()) {
        let mine: Vec<(Reading, u32)> = (plan.rows.clone().zip(plan.readings.iter().zip(&plan.records)))
            .filter(|(row, _)| conflicts.contains(row))
            .map(|(_, (reading, record))| (*reading, *record))
            .collect();
        if mine.is_empty() {
            continue;
        }
        let (Some(device), Some(patient), Some(received)) =
            (plan.device.clone(), plan.patient.clone(), plan.received)
        else {
            continue;
        };
        let mut aside = Setting { tx, device: &device, id: message.device, patient: &patient, received };
        for (reading, record) in mine {
            let place = Place { record, at: Some(reading.at) };
            aside.reading(reading, Why::Conflict.code())?;
            plan.part(reading.signal, Why::Conflict.code(), true, place);
        }
        plan.decision = decision::IN_PART;
    }
    Ok(())
}
