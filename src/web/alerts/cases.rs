//! Alerts as a viewer may see them: the work on one for whoever may see alerts; what judgement found (rule, signal,
//! level, finding) under the patient's permit of this moment alone. API and pages take alerts from here and from
//! nowhere else.

use std::collections::HashMap;

use consent::{AlertEvaluate, Permit};

use crate::http::code::Code;
use crate::http::fault::Fault;
use crate::people::auth::permit_finding;
use crate::privacy::sight::Sight;
use crate::state::State;
use domain::alerts::Snooze;
use domain::{AlertId, AlertState, Instant, Level, Outcome, PatientId, Signal, UserId};
use rules::{Finding, LevelAt};
use store::alerts::lists::{self, Filter};
use store::alerts::moves;
use store::alerts::timeline;
use store::alerts::{self, StoredAlert};
use store::patients::audience::{Audience, Visible};
use store::privacy::accesses::What;
use store::{Before, Cursor, View};

/// How many unresolved alerts one look takes in; beyond it the queue says that there are more.
pub(crate) const MOST: i64 = 5_000;

/// An alert: what people do with it, and what judgement found of it where that may be shown.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// Its id.
    pub id: AlertId,
    /// Whose it is.
    pub patient: PatientId,
    /// The same by number.
    pub patient_key: i64,
    /// Where the work stands.
    pub state: AlertState,
    /// Who works on it.
    pub owner: Option<UserId>,
    /// Until when the owner's claim keeps others away.
    pub claimed_until: Option<Instant>,
    /// A silence.
    pub snooze: Option<Snooze>,
    /// A red that the same people held too often: the next hold is for another person.
    pub worn_out: bool,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// When it began.
    pub started_at: Instant,
    /// When it was over.
    pub ended_at: Option<Instant>,
    /// When the program first knew of it.
    pub raised_at: Instant,
    /// Found too late to page.
    pub retrospective: bool,
    /// Since when its readings are another's.
    pub moved_at: Option<Instant>,
    /// Grows with each change (ETag).
    pub version: i64,
    judged: Result<Judged, Fault>,
}

/// What judgement found of an alert. Only a permit makes one.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    /// The rule.
    pub rule: String,
    /// Its version.
    pub rule_version: u32,
    /// What the rule looks at.
    pub signal: Signal,
    /// As it stands.
    pub level: Level,
    /// At its gravest.
    pub peak: Level,
    /// As people are to take it: at its gravest until a named person has answered for that, and again once it is over.
    pub shown: Level,
    /// Each level and from when it was in force.
    pub levels: Vec<LevelAt>,
    stored: StoredAlert,
}

impl Judged {
    fn of(stored: &StoredAlert, _permit: &Permit<AlertEvaluate>) -> Self {
        let facts = &stored.case.facts;
        Self {
            rule: stored.episode.rule.clone(),
            rule_version: stored.episode.version,
            signal: stored.signal,
            level: facts.level,
            peak: facts.peak,
            shown: shown(stored),
            levels: stored.episode.levels.clone(),
            stored: stored.clone(),
        }
    }

    /// The finding, for whoever may see readings.
    ///
    /// # Errors
    /// Store faults.
    pub(crate) fn finding(
        &self,
        view: &mut View<'_>,
        permit: &Permit<AlertEvaluate>,
    ) -> Result<Option<Finding>, Fault> {
        Ok(self.stored.finding(view, permit)?)
    }

    /// Whether the readings that it rests on are its patient's: where the alert told that they left, they are back.
    ///
    /// # Errors
    /// Store faults.
    pub(crate) fn has_its_readings(&self, view: &mut View<'_>) -> Result<bool, Fault> {
        Ok(!moves::has_left(view, &self.stored)?)
    }
}

/// The level as people are to take it.
fn shown(stored: &StoredAlert) -> Level {
    let (case, facts) = (&stored.case, &stored.case.facts);
    let stands = case.state != AlertState::Resolved && facts.ended_at.is_none();
    if stands && case.answered_for() { facts.level } else { facts.peak }
}

impl Case {
    fn of(stored: &StoredAlert, judged: Result<Judged, Fault>) -> Self {
        let case = &stored.case;
        Self {
            id: case.id,
            patient: case.patient,
            patient_key: stored.patient_key,
            state: case.state,
            owner: case.owner,
            claimed_until: case.claimed_until,
            snooze: case.snooze,
            worn_out: !case.worn_out().is_empty(),
            outcome: case.outcome,
            started_at: case.facts.started_at,
            ended_at: case.facts.ended_at,
            raised_at: stored.raised_at,
            retrospective: stored.retrospective,
            moved_at: case.moved_at,
            version: stored.version,
            judged,
        }
    }

    /// What judgement found.
    ///
    /// # Errors
    /// Why it may not be shown: the refusal of the decision, with its article.
    pub(crate) const fn judged(&self) -> Result<&Judged, &Fault> {
        self.judged.as_ref()
    }

    /// What judgement found, for what cannot be shown without it.
    ///
    /// # Errors
    /// As [`Case::judged`].
    pub(crate) fn judged_or_fault(&self) -> Result<&Judged, Fault> {
        self.judged.as_ref().map_err(Clone::clone)
    }

    /// The level as people are to take it; `None` where it may not be shown.
    #[must_use]
    pub(crate) fn level(&self) -> Option<Level> {
        self.judged.as_ref().ok().map(|judged| judged.shown)
    }

    /// Raised by late data when it was over.
    #[must_use]
    pub(crate) const fn is_past(&self) -> bool {
        self.retrospective && self.ended_at.is_some()
    }

    /// Who has it: an owner whose claim ran out without an answer keeps nobody away.
    #[must_use]
    pub(crate) fn holder(&self, now: Instant) -> Option<UserId> {
        self.owner.filter(|_| self.claimed_until.is_none_or(|until| until > now))
    }
}

/// Opens alerts at one moment, with one decision per patient.
pub(crate) struct Cases<'a> {
    state: &'a State,
    now: Instant,
    sight: &'a Sight,
    audience: &'a Audience,
    permits: HashMap<i64, Result<Permit<AlertEvaluate>, Fault>>,
}

impl<'a> Cases<'a> {
    /// For one request.
    #[must_use]
    pub(crate) fn new(state: &'a State, now: Instant, sight: &'a Sight, audience: &'a Audience) -> Self {
        Self { state, now, sight, audience, permits: HashMap::new() }
    }

    /// As this viewer may see it now. Whoever shows it says so with [`Cases::show`].
    ///
    /// # Errors
    /// Store faults.
    pub(crate) fn of(&mut self, view: &mut View<'_>, stored: &StoredAlert) -> Result<Case, Fault> {
        let mut stored = stored.clone();
        stored.case = stored.case.awake(self.now);
        let key = stored.patient_key;
        if !self.permits.contains_key(&key) {
            let decided = match permit_finding(view, self.state, key) {
                Err(fault) if fault.code.status().is_server_error() => return Err(fault),
                decided => decided,
            };
            self.permits.insert(key, decided);
        }
        let hidden = || match stored.case.resolved_at {
            Some(at) => Fault::new(Code::Revoked).with("since", at.rfc3339()),
            None => Fault::new(Code::Revoked),
        };
        let judged = match self.permits.get(&key) {
            // What a revocation hid stays hidden when the patient grants anew.
            Some(Ok(_)) if stored.is_hidden() => Err(hidden()),
            Some(Ok(permit)) => Ok(Judged::of(&stored, permit)),
            Some(Err(fault)) => Err(fault.clone()),
            None => Err(Code::Internal.into()),
        };
        Ok(Case::of(&stored, judged))
    }

    /// The viewer is shown these.
    pub(crate) fn show<'c>(&self, cases: impl IntoIterator<Item = &'c Case>) {
        for case in cases {
            match &case.judged {
                Ok(_) => self.sight.saw(case.patient, What::Alerts),
                Err(fault) => self.sight.refused(case.patient, What::Alerts, fault.code.name()),
            }
        }
    }

    fn all(&mut self, view: &mut View<'_>, stored: &[StoredAlert]) -> Result<Vec<Case>, Fault> {
        stored.iter().map(|stored| self.of(view, stored)).collect()
    }

    /// One alert, which is shown.
    ///
    /// # Errors
    /// Store faults.
    pub(crate) fn get(&mut self, view: &mut View<'_>, alert: Visible<AlertId>) -> Result<Case, Fault> {
        let stored = alerts::get(view, alert.id())?;
        let case = self.of(view, &stored)?;
        self.show([&case]);
        Ok(case)
    }

    /// One alert. Whoever shows it says so with [`Cases::show`].
    ///
    /// # Errors
    /// `E_NOT_FOUND`; store faults.
    pub(crate) fn find(&mut self, view: &mut View<'_>, id: AlertId) -> Result<Case, Fault> {
        let stored = alerts::get(view, id)?;
        self.of(view, &stored)
    }

    /// As [`timeline::raised_before`]. Whoever shows them notes the look.
    ///
    /// # Errors
    /// Store faults.
    pub(crate) fn raised_before(
        &mut self,
        view: &mut View<'_>,
        patient_key: i64,
        before: &Before,
        limit: i64,
    ) -> Result<Vec<Case>, Fault> {
        let stored = timeline::raised_before(view, patient_key, before, limit)?;
        self.all(view, &stored)
    }

    /// A part of [`lists::worst`], and where to go on. A level, now or at its worst, is asked of what may be shown
    /// alone.
    ///
    /// # Errors
    /// `E_INVALID` for a cursor that no part of this list gave; store faults.
    pub(crate) fn worst(
        &mut self,
        view: &mut View<'_>,
        filter: Filter,
        after: &Cursor,
        limit: usize,
    ) -> Result<(Vec<Case>, Option<Cursor>), Fault> {
        let found = lists::worst(view, self.audience, filter, after, limit)?;
        let (stored, next) = found.ok_or_else(|| Fault::invalid("after", "pass `next` unchanged"))?;
        let mut cases = self.all(view, &stored)?;
        let asks_level = filter.level.is_some() || filter.peak.is_some();
        cases.retain(|case| !asks_level || case.judged.is_ok());
        Ok((cases, next))
    }

    /// As [`lists::queue`].
    ///
    /// # Errors
    /// Store faults.
    pub(crate) fn queue(&mut self, view: &mut View<'_>, limit: i64) -> Result<Vec<Case>, Fault> {
        let stored = lists::queue(view, self.audience, limit)?;
        self.all(view, &stored)
    }

    /// As [`lists::of_patient`].
    ///
    /// # Errors
    /// Store faults.
    pub(crate) fn of_patient(
        &mut self,
        view: &mut View<'_>,
        patient_key: i64,
        limit: i64,
    ) -> Result<Vec<Case>, Fault> {
        let stored = lists::of_patient(view, patient_key, limit)?;
        self.all(view, &stored)
    }

    /// As [`lists::resolved`], with the places of the parts around it.
    ///
    /// # Errors
    /// Store faults.
    pub(crate) fn resolved(
        &mut self,
        view: &mut View<'_>,
        before: Option<&Cursor>,
        limit: usize,
    ) -> Result<(Vec<Case>, Around), Fault> {
        let found = lists::resolved(view, self.audience, before, limit)?;
        Ok((self.all(view, &found.alerts)?, Around { newer: found.newer, older: found.older }))
    }

    /// As [`alerts::open_of`].
    ///
    /// # Errors
    /// Store faults.
    pub(crate) fn open_of(&mut self, view: &mut View<'_>, patient_key: i64) -> Result<Vec<Case>, Fault> {
        let stored = alerts::open_of(view, patient_key)?;
        self.all(view, &stored)
    }
}

/// What was judged of a person, for that person, who may know it whatever staff may see: their own permit (row D10a).
///
/// # Errors
/// Store faults.
pub(crate) fn own(
    view: &mut View<'_>,
    now: Instant,
    patient_key: i64,
    permit: &Permit<AlertEvaluate>,
    most: i64,
) -> Result<Vec<(Case, Judged)>, Fault> {
    let stored = lists::of_patient(view, patient_key, most)?;
    let of = |mut stored: StoredAlert| {
        stored.case = stored.case.awake(now);
        let judged = Judged::of(&stored, permit);
        (Case::of(&stored, Ok(judged.clone())), judged)
    };
    Ok(stored.into_iter().map(of).collect())
}

/// Where the parts around a part of what was resolved begin; see [`lists::Resolved`].
pub(crate) struct Around {
    /// The part with newer ones.
    pub newer: Option<Option<Cursor>>,
    /// The part with older ones.
    pub older: Option<Cursor>,
}

/// Unresolved alerts of an audience that people are to take as red, but for those of the past: a number without names.
///
/// # Errors
/// Store faults.
pub(crate) fn red_open(view: &mut View<'_>, audience: &Audience, most: i64) -> store::Result<usize> {
    let red = |stored: &StoredAlert| {
        let is_past = stored.retrospective && stored.case.facts.ended_at.is_some();
        shown(stored) == Level::Red && !is_past
    };
    Ok(lists::queue(view, audience, most)?.iter().filter(|stored| red(stored)).count())
}

/// Whose an alert is.
///
/// # Errors
/// Not found; store faults.
pub(crate) fn patient_of(view: &mut View<'_>, id: AlertId) -> store::Result<PatientId> {
    Ok(alerts::get(view, id)?.case.patient)
}

/// The silence that an alert is in, if any: who asked for it, and until when. That is work on it, not what judgement found.
///
/// # Errors
/// Not found; store faults.
pub(crate) fn silence(view: &mut View<'_>, id: AlertId) -> store::Result<Option<Snooze>> {
    Ok(alerts::get(view, id)?.case.snooze)
}
