//! What a simulation came to, counted from what the house stored, as its pages would.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Plan;
use audit::note::Vkey;
use domain::messages::State;
use domain::{Instant, Level};
use store::alerts::StoredAlert;
use store::alerts::lists::{Filter, worst};
use store::db::page::MOST;
use store::on_call::absences;
use store::patients::audience::Audience;
use store::{Cursor, View, audit as log, escalation, messages, sla};

/// The outcome of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Simulated days.
    pub days: u32,
    /// Simulated patients.
    pub patients: u32,
    /// What chance began with.
    pub seed: u64,
    /// The first instant.
    pub from: Instant,
    /// The last.
    pub until: Instant,
    /// Readings stored, messages taken and refused.
    pub telemetry: Telemetry,
    /// Alerts by the worst level they reached; those found too late to page apart.
    pub alerts: BTreeMap<String, u64>,
    /// How often each step was paged, from 1; `nobody_reached`; `person` for somebody by name.
    pub pages: BTreeMap<String, u64>,
    /// Messages by channel.
    pub messages: BTreeMap<String, u64>,
    /// Minutes from an alert that pages to its first acknowledgement.
    pub acknowledged: BTreeMap<String, Acknowledged>,
    /// Alerts whose escalation came to its end.
    pub nobody_reached: u64,
    /// SLA clocks by where they stand.
    pub sla: BTreeMap<String, u64>,
    /// The hours in which the provider of e-mail was away.
    pub outage: Outage,
    /// Absences of the staff.
    pub absences: Absences,
    /// The audit log.
    pub audit: Audit,
    /// How long it took.
    pub seconds: u64,
}

/// What came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Telemetry {
    /// Readings stored.
    pub readings: u64,
    /// Messages answered.
    pub messages: u64,
    /// Messages refused whole.
    pub refused: u64,
}

/// How soon somebody answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Acknowledged {
    /// How many.
    pub count: u64,
    /// Half of them within so many minutes.
    pub p50_minutes: u64,
    /// Nine of ten within so many.
    pub p90_minutes: u64,
}

/// What an outage did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Outage {
    /// How long it was.
    pub hours: u64,
    /// E-mails that were planned while it lasted.
    pub planned: u64,
    /// Of all e-mails of the run, those that were given up.
    pub lost: u64,
}

/// How often somebody was away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Absences {
    /// How many absences.
    pub count: u64,
    /// Of those, the ones in which somebody stood in.
    pub covered: u64,
}

/// The audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// Entries under the last checkpoint.
    pub entries: u64,
}

/// Every alert of the house, the worst first.
fn every(view: &mut View<'_>) -> store::Result<Vec<StoredAlert>> {
    let (mut all, mut after) = (Vec::new(), Some(Cursor::start()));
    while let Some(place) = after {
        let (part, next) =
            worst(view, &Audience::program(), Filter::default(), &place, MOST)?.unwrap_or_default();
        all.extend(part);
        after = next;
    }
    Ok(all)
}

/// Counts what the store holds.
///
/// # Errors
/// Database errors.
pub(super) fn of(view: &mut View<'_>, plan: &Plan, key: &Vkey) -> store::Result<Summary> {
    let all = every(view)?;
    let (mut levels, mut pages) = (BTreeMap::new(), BTreeMap::new());
    let mut nobody = 0;
    let (mut outage, away) = (Outage { hours: 0, planned: 0, lost: 0 }, plan.away());
    outage.hours = away.to.since(away.from).as_secs() / 3_600;
    for alert in &all {
        let name = if alert.retrospective { "retrospective" } else { alert.case.facts.peak.name() };
        *levels.entry(name.to_owned()).or_insert(0) += 1;
        let Some(escalation) = escalation::of_alert(view, alert.id())? else { continue };
        for step in escalation::steps(view, &escalation.id)? {
            match (step.did.as_str(), step.step) {
                ("paged", Some(step)) => *pages.entry(format!("{}", step + 1)).or_insert(0) += 1,
                ("paged", None) => *pages.entry("nobody_reached".to_owned()).or_insert(0) += 1,
                ("nobody_reached", _) => nobody += 1,
                _ => {}
            }
        }
        let messages = messages::of_case(view, escalation::ALERT, &alert.id().to_string())?;
        for mail in messages.iter().filter(|message| message.channel.name() == "email") {
            outage.planned += u64::from(away.holds(mail.created_at));
            // One that an answer overtook is not missed.
            let wanted = mail.way.not_after.since(mail.created_at) >= messages::PAGE_LASTS;
            outage.lost += u64::from(mail.way.state == State::Failed && wanted);
        }
    }
    let mut messages = BTreeMap::new();
    for (channel, count) in messages::totals(view)? {
        let count = u64::try_from(count).unwrap_or(0);
        *messages.entry(channel).or_insert(0) += count;
    }
    let mut clocks = BTreeMap::new();
    for (standing, count) in sla::counts(view)? {
        clocks.insert(standing, u64::try_from(count).unwrap_or(0));
    }
    let away = absences::list(view, plan.begin())?;
    let count = |covered: bool| {
        let some = away.iter().filter(|absence| !covered || !absence.absence.covers.is_empty());
        u64::try_from(some.count()).unwrap_or(0)
    };
    let absences = Absences { count: count(false), covered: count(true) };
    let acknowledged = [Level::Yellow, Level::Red].map(|level| (level.name().to_owned(), soon(&all, level)));
    Ok(Summary {
        days: plan.days,
        patients: plan.patients,
        seed: plan.seed,
        from: plan.begin(),
        until: plan.until,
        telemetry: Telemetry { readings: 0, messages: 0, refused: 0 },
        alerts: levels,
        pages,
        messages,
        acknowledged: acknowledged.into_iter().collect(),
        nobody_reached: nobody,
        sla: clocks,
        outage,
        absences,
        audit: Audit { entries: log::head(view, key)?.map_or(0, |head| head.entries()) },
        seconds: 0,
    })
}

/// How soon the alerts of a level were answered for the first time.
fn soon(all: &[StoredAlert], level: Level) -> Acknowledged {
    let mine = all.iter().filter(|alert| alert.case.facts.peak == level && !alert.retrospective);
    let answered = mine.filter_map(|alert| {
        let first = alert.case.acknowledgements.iter().map(|answer| answer.at).min()?;
        Some(first.since(alert.raised_at).as_secs() / 60)
    });
    let mut minutes: Vec<u64> = answered.collect();
    minutes.sort_unstable();
    let share = |percent: usize| {
        let place = (minutes.len() * percent).div_ceil(100).saturating_sub(1);
        minutes.get(place).copied().unwrap_or(0)
    };
    Acknowledged {
        count: u64::try_from(minutes.len()).unwrap_or(0),
        p50_minutes: share(50),
        p90_minutes: share(90),
    }
}

impl Summary {
    /// For people.
    #[must_use]
    pub fn words(&self) -> String {
        let listed = |counts: &BTreeMap<String, u64>| {
            let all: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
            all.join(", ")
        };
        let soon: Vec<String> = self
            .acknowledged
            .iter()
            .map(|(level, a)| {
                format!("{level} {} (p50 {} min, p90 {} min)", a.count, a.p50_minutes, a.p90_minutes)
            })
            .collect();
        format!(
            "{} days × {} patients, seed {}, until {}\n  readings      {} in {} messages, {} refused\n  alerts        {}\n  pages by step {}\n  messages      {}\n  acknowledged  {}\n  nobody        {} alerts whose escalation ended unanswered\n  clocks        {}\n  outage        {} h without e-mail: {} planned meanwhile, {} lost\n  absences      {}, {} with somebody who stood in\n  audit log     {} entries\n  took          {} s",
            self.days,
            self.patients,
            self.seed,
            self.until,
            self.telemetry.readings,
            self.telemetry.messages,
            self.telemetry.refused,
            listed(&self.alerts),
            listed(&self.pages),
            listed(&self.messages),
            soon.join(", "),
            self.nobody_reached,
            listed(&self.sla),
            self.outage.hours,
            self.outage.planned,
            self.outage.lost,
            self.absences.count,
            self.absences.covered,
            self.audit.entries,
            self.seconds,
        )
    }
}
