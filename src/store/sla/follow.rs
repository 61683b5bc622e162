//! Adjusts an alert's clocks when the alert changes. Each service level has its own clock, none overrules another, and the
//! end of the case stops them all (complaints: a timer that ran on after the end, one that overruled a longer one).

use super::{ALERT, Cycle, Ended, SlaClock, facts, insert, locked, names, save};
use crate::db::error::Result;
use crate::db::tx::Tx;
use crate::db::tx::act::Act;
use crate::versions;
use domain::alerts::{AlertCase, AlertState, Outcome};
use domain::calendars::Calendar;
use domain::sla::{Metric, ServiceLevel, Timer};
use domain::{Instant, PatientId};

/// How many earlier clocks of one service level are remembered.
const CYCLES: usize = 20;

/// Starts, stops and restarts the clocks of an alert that changed from `old` to `new`; `old` is `None` for one that
/// opens. An alert found too late to page has no clocks. Returns whether a clock stopped.
///
/// # Errors
/// Database errors; a service level names a calendar that is not in force.
pub(crate) fn follow(
    tx: &mut Tx<'_>,
    old: Option<&AlertCase>,
    new: &AlertCase,
    retrospective: bool,
) -> Result<bool> {
    let now = tx.now();
    let subject = new.id.to_string();
    let mut there = match old {
        Some(_) => locked(tx, new.id)?,
        None => Vec::new(),
    };
    let (mut started, mut stopped) = (Vec::new(), Vec::new());
    for clock in &mut there {
        match (clock.timer().stopped_at, clock.over(new)) {
            (None, Some(ended)) => {
                clock.stop(ended, now);
                save(tx, clock)?;
                facts::stopped(tx, new.patient, clock);
                stopped.push(explained(clock, now));
            }
            (Some(_), None) => {
                clock.again(now);
                save(tx, clock)?;
                started.push(explained(clock, now));
            }
            _ => {}
        }
    }
    let worse = old.is_none_or(|old| old.facts.peak != new.facts.peak);
    if new.state != AlertState::Resolved && !retrospective && (worse || there.is_empty()) {
        started.extend(given(tx, new)?);
    }
    if old.is_some_and(|old| old.answered_for()) && !new.answered_for() && new.state != AlertState::Resolved {
        // Nobody holds the alert any more: a pause for somebody's sake ends.
        for clock in there.iter_mut().filter(|clock| clock.timer().is_paused()) {
            clock.go_on(now);
            save(tx, clock)?;
        }
    }
    let over = !stopped.is_empty();
    announce(tx, "sla.started", new.patient, &subject, started)?;
    announce(tx, "sla.stopped", new.patient, &subject, stopped)?;
    Ok(over)
}

/// Starts the missing clocks for alerts of this level.
fn given(tx: &mut Tx<'_>, new: &AlertCase) -> Result<Vec<serde_json::Value>> {
    let now = tx.now();
    let mut started = Vec::new();
    let there = names(tx, &new.id.to_string())?;
    for level in versions::all_in_force::<ServiceLevel>(tx, now)? {
        if level.body.level != new.facts.peak || there.contains(&level.name) {
            continue;
        }
        let Some(calendar) = versions::in_force::<Calendar>(tx, &level.body.calendar, now)? else {
            // A broken setting must not keep an alert from being opened.
            tracing::error!(service_level = level.name, "its calendar is not in force: no clock is started");
            continue;
        };
        let clock = SlaClock::started(new.id.to_string(), &level, calendar, now);
        insert(tx, &clock)?;
        started.push(explained(&clock, now));
    }
    Ok(started)
}

fn announce(
    tx: &mut Tx<'_>,
    kind: &'static str,
    patient: PatientId,
    subject: &str,
    clocks: Vec<serde_json::Value>,
) -> Result<()> {
    if clocks.is_empty() {
        return Ok(());
    }
    let body = serde_json::json!({ ALERT: subject, "clocks": clocks });
    tx.audit(&Act::new(kind).patient(patient).body(body))
}

/// A clock as the audit log tells it.
pub(super) fn explained(clock: &SlaClock, now: Instant) -> serde_json::Value {
    serde_json::json!({
        "service_level": clock.service_level,
        "version": clock.service_level_version(),
        "standing": clock.word(now),
        "due_at": clock.due_at(),
    })
}

impl SlaClock {
    /// Why nothing is left to wait for in the case as it is now, if so.
    fn over(&self, case: &AlertCase) -> Option<Ended> {
        let answered =
            case.acknowledgements.iter().any(|answer| !answer.over && answer.level >= self.level());
        let resolved = case.state == AlertState::Resolved;
        let withdrawn =
            matches!(case.outcome, Some(Outcome::Retracted | Outcome::ConsentRevoked | Outcome::Duplicate))
                && case.resolved_by.is_none();
        match self.metric {
            Metric::FirstResponse if answered => Some(Ended::Answered),
            Metric::FirstResponse | Metric::Resolution if resolved && withdrawn => Some(Ended::Withdrawn),
            Metric::FirstResponse if resolved => Some(Ended::Withdrawn),
            Metric::Resolution if resolved => Some(Ended::Resolved),
            Metric::FirstResponse | Metric::Resolution => None,
        }
    }

    fn stop(&mut self, ended: Ended, now: Instant) {
        self.go_on(now);
        self.record.timer.stopped_at = Some(now);
        self.record.ended = Some(ended);
    }

    /// Begins a new clock for time that starts anew: the time before does not count.
    fn again(&mut self, now: Instant) {
        let next = Timer::started(self.record.timer.target, now);
        let timer = std::mem::replace(&mut self.record.timer, next);
        self.record.past.push(Cycle { timer, ended: self.record.ended.take() });
        if self.record.past.len() > CYCLES {
            self.record.past.remove(0);
        }
        (self.record.warned_at, self.record.breached_at) = (None, None);
    }

    /// Ends an open pause.
    pub(super) fn go_on(&mut self, now: Instant) {
        if let Some(pause) = self.record.timer.pauses.last_mut().filter(|pause| pause.to.is_none()) {
            pause.to = Some(now);
        }
    }
}
