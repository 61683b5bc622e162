//! Bounds on settings that reds depend on, even where two people agree. A red is with a named person or escalates until
//! it is. Policies and service levels are checked when they are proposed and when they are put in force, and so is a
//! calendar that service levels in force use. Settings in force from before stay, and are listed.

use std::collections::BTreeSet;

use crate::db::error::{Error, Result};
use crate::escalation::paging::{self, LeftOut};
use crate::versions::Version;
use crate::{View, escalation, versions};
use domain::calendars::Calendar;
use domain::escalation::{Policy, Target};
use domain::sla::{Metric, ServiceLevel};
use domain::{Can, Instant, Level, Role};

/// A setting in force that lets a red wait too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slow {
    /// A policy, by its lasting id, in a version.
    Policy(String, u32),
    /// A service level, by its lasting id, in a version.
    ServiceLevel(String, u32),
}

/// Checks a policy under this name.
///
/// # Errors
/// [`Error::Refused`] `E_INVALID` names the bound; database errors.
pub(crate) fn policy(view: &mut View<'_>, name: &str, policy: &Policy, now: Instant) -> Result<()> {
    if advanced(view, now)?.contains(name) { wakes(view, policy, now) } else { Ok(()) }
}

fn wakes(view: &mut View<'_>, policy: &Policy, now: Instant) -> Result<()> {
    match policy.beyond().first() {
        Some(beyond) => refused(beyond.bound()),
        None if calls_nobody(view, policy, now)? => refused(
            "no step calls anybody who may answer, and at the top nobody would be called either: look at whom each step \
             finds",
        ),
        None => Ok(()),
    }
}

/// Whether no step, nor the one after the last, finds anybody who may answer. A named schedule counts as somebody,
/// since who is in it changes by the hour. And an installation in which nobody may answer yet has to begin somewhere.
fn calls_nobody(view: &mut View<'_>, policy: &Policy, now: Instant) -> Result<bool> {
    for step in policy.steps.iter().chain([&policy.nobody_reached]) {
        let by_schedule = step.targets.iter().any(|target| matches!(target, Target::Schedule(_)));
        let found = paging::candidates(view, step, now)?;
        if by_schedule || found.iter().any(|one| matches!(one.left_out, None | Some(LeftOut::Absent))) {
            return Ok(false);
        }
    }
    for role in Role::ALL.into_iter().filter(|role| Can::AnswerCalls.held_by(*role)) {
        if !paging::with_role(view, role)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The service levels in force that a calendar of this name would empty: one for reds that it would count in opening
/// hours, or any other that would never be due.
///
/// # Errors
/// Database errors.
pub fn emptied(
    view: &mut View<'_>,
    name: &str,
    calendar: &Calendar,
    now: Instant,
) -> Result<Vec<Version<ServiceLevel>>> {
    if *calendar == Calendar::always(calendar.zone) {
        return Ok(Vec::new());
    }
    let opens = calendar.opens(now).is_some();
    let mut service_levels = versions::all_in_force::<ServiceLevel>(view, now)?;
    service_levels
        .retain(|stored| stored.body.calendar == name && (stored.body.level == Level::Red || !opens));
    Ok(service_levels)
}

/// Checks a calendar under this name against the service levels in force that use it.
///
/// # Errors
/// [`Error::Refused`] `E_INVALID`; database errors.
pub(crate) fn calendar(view: &mut View<'_>, name: &str, calendar: &Calendar, now: Instant) -> Result<()> {
    if emptied(view, name, calendar, now)?.is_empty() {
        return Ok(());
    }
    refused(
        "service levels in force count on this calendar: for one to reds it never closes, for any other it opens on some day;          let them name another calendar first",
    )
}

/// Whether reds would lose the first response that they have now, with this version of the service level.
///
/// # Errors
/// Database errors.
pub fn unanswered(view: &mut View<'_>, name: &str, level: &ServiceLevel, now: Instant) -> Result<bool> {
    let answers = |level: &ServiceLevel| level.level == Level::Red && level.metric == Metric::FirstResponse;
    if answers(level) {
        return Ok(false);
    }
    let service_levels = versions::all_in_force::<ServiceLevel>(view, now)?;
    let (this, others): (Vec<_>, Vec<_>) = service_levels
        .into_iter()
        .filter(|stored| answers(&stored.body))
        .partition(|stored| stored.name == name);
    Ok(!this.is_empty() && others.is_empty())
}

/// Checks a service level under this name: one for reds may use what it names, and reds keep a first
/// answer. Its own content is checked where it is proposed.
///
/// # Errors
/// [`Error::Refused`] `E_INVALID` names the bound; database errors.
pub(crate) fn service_level(
    view: &mut View<'_>,
    name: &str,
    level: &ServiceLevel,
    now: Instant,
) -> Result<()> {
    if unanswered(view, name, level, now)? {
        return refused(
            "reds would be without a service level for the first answer: put another one in force before this one changes",
        );
    }
    if level.level != Level::Red {
        return Ok(());
    }
    if level.check().is_err() {
        return refused(
            "a service level for reds counts day and night, within 240 minutes for an answer and 4320 for its \
             resolution, and a breach names a policy",
        );
    }
    let calendar = versions::in_force::<Calendar>(view, &level.calendar, now)?;
    if calendar.is_some_and(|stored| stored.body != Calendar::always(stored.body.zone)) {
        return refused("a service level for reds counts day and night: name a calendar that never closes");
    }
    let Some(named) = &level.on_breach else { return Ok(()) };
    match versions::in_force::<Policy>(view, named, now)? {
        Some(stored) => wakes(view, &stored.body, now),
        None => Ok(()),
    }
}

/// The settings in force that let a red wait too long.
///
/// # Errors
/// Database errors.
pub fn slow(view: &mut View<'_>, now: Instant) -> Result<Vec<Slow>> {
    let advanced = advanced(view, now)?;
    let mut found = Vec::new();
    for stored in versions::all_in_force::<Policy>(view, now)? {
        if advanced.contains(&stored.name) && !stored.body.beyond().is_empty() {
            found.push(Slow::Policy(stored.name, stored.version));
        }
    }
    for stored in versions::all_in_force::<ServiceLevel>(view, now)? {
        if stored.body.level == Level::Red && stored.body.check().is_err() {
            found.push(Slow::ServiceLevel(stored.name, stored.version));
        }
    }
    Ok(found)
}

/// The policies that reds use, by name: their own, and those that breached service levels begin.
fn advanced(view: &mut View<'_>, now: Instant) -> Result<BTreeSet<String>> {
    let service_levels = versions::all_in_force::<ServiceLevel>(view, now)?;
    let of_reds = service_levels.into_iter().filter(|stored| stored.body.level == Level::Red);
    let mut names: BTreeSet<String> = of_reds.filter_map(|stored| stored.body.on_breach).collect();
    names.insert(escalation::RED.to_owned());
    Ok(names)
}

fn refused(what: &'static str) -> Result<()> {
    Err(Error::Refused { code: "E_INVALID", what })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::on_call::testing::person;
    use crate::testing::{NOW, stores};
    use crate::{Actor, Tx, sla};
    use domain::calendars::Hours;
    use domain::escalation::{Step, Target as Whom, seeds};
    use domain::sla::Target;
    use domain::{Role, UserId};

    /// A red that begins to call after a week, and a clock that the clinic's holidays stop: two people may not agree
    /// to it.
    #[test]
    fn two_people_put_no_red_to_sleep_and_what_sleeps_already_is_named() {
        for store in stores() {
            let people = [(); 2].map(|()| UserId::new(NOW));
            let by = |place: usize, f: &mut dyn FnMut(&mut Tx<'_>) -> Result<u32>| {
                store.write(Actor::User { id: people[place], role: Role::Manager }, NOW, f)
            };
            let refused =
                |result: Result<u32>| matches!(result, Err(Error::Refused { code: "E_INVALID", .. }));
            let seed = |tx: &mut Tx<'_>| {
                crate::on_call::seed(tx)?;
                escalation::seed(tx)?;
                sla::seed(tx)
            };
            store.write(Actor::Operator, NOW, seed).unwrap();
            assert_eq!(store.read(|view| slow(view, NOW)).unwrap(), [], "as every house begins");
            let red = seeds().remove(0);
            let asleep = Policy { starts_after: 10_080, acknowledged_for: None, ..red.clone() };
            assert!(refused(by(0, &mut |tx| versions::propose(tx, escalation::RED, &asleep, 1))));
            // Any other policy may wait, until a service level for reds names it.
            let slower = Policy { id: "slower".into(), ..asleep.clone() };
            by(0, &mut |tx| versions::propose(tx, "slower", &slower, 0)).unwrap();
            by(1, &mut |tx| versions::approve::<Policy>(tx, "slower", 1).map(|()| 1)).unwrap();
            let service_level =
                |name: &str| store.read(|view| versions::in_force::<ServiceLevel>(view, name, NOW));
            let first = service_level("red_first_response").unwrap().unwrap().body;
            let with = |change: &dyn Fn(&mut ServiceLevel)| {
                let mut level = first.clone();
                change(&mut level);
                by(0, &mut |tx| versions::propose(tx, "red_first_response", &level, 1))
            };
            assert!(refused(with(&|level| level.on_breach = Some("slower".into()))));
            assert!(refused(with(&|level| level.on_breach = None)));
            assert!(refused(with(&|level| level.calendar = "clinic".into())));
            assert!(refused(with(&|level| level.target = Target::Minutes(525_600))));
            assert!(refused(with(&|level| level.target = Target::OpenMinutes(20))));
            assert_eq!(with(&|level| level.target = Target::Minutes(30)).unwrap(), 2);
            // Proposed in time, and slow since: it is looked at again where it is put in force.
            let quick = Policy { id: "quick".into(), ..red };
            by(0, &mut |tx| versions::propose(tx, "quick", &quick, 0)).unwrap();
            by(1, &mut |tx| versions::approve::<Policy>(tx, "quick", 1).map(|()| 1)).unwrap();
            by(0, &mut |tx| {
                let level = ServiceLevel { on_breach: Some("quick".into()), ..first.clone() };
                versions::propose(tx, "red_first_response", &level, 2)
            })
            .unwrap();
            let slow_now = Policy { id: "quick".into(), ..asleep.clone() };
            by(0, &mut |tx| versions::propose(tx, "quick", &slow_now, 1)).unwrap();
            by(1, &mut |tx| versions::approve::<ServiceLevel>(tx, "red_first_response", 3).map(|()| 3))
                .unwrap();
            assert!(refused(by(1, &mut |tx| versions::approve::<Policy>(tx, "quick", 2).map(|()| 2))));
            // What is in force from before goes on, and has its name.
            let later = NOW.plus(Duration::from_secs(60));
            store.write(Actor::Operator, later, |tx| versions::publish(tx, "quick", &slow_now, 2)).unwrap();
            assert_eq!(store.read(|view| slow(view, later)).unwrap(), [Slow::Policy("quick".into(), 3)]);
        }
    }

    /// One manager closed the calendar of the clocks of reds; two turned the only service level of an answer into
    /// one to yellows.
    #[test]
    fn no_change_of_a_calendar_or_a_service_level_leaves_reds_without_their_clocks() {
        for store in stores() {
            let people = [(); 2].map(|()| UserId::new(NOW));
            let by = |place: usize, f: &mut dyn FnMut(&mut Tx<'_>) -> Result<u32>| {
                store.write(Actor::User { id: people[place], role: Role::Manager }, NOW, f)
            };
            let refused =
                |result: Result<u32>| matches!(result, Err(Error::Refused { code: "E_INVALID", .. }));
            let seed = |tx: &mut Tx<'_>| {
                crate::on_call::seed(tx)?;
                escalation::seed(tx)?;
                sla::seed(tx)
            };
            store.write(Actor::Operator, NOW, seed).unwrap();
            let [(_, always), (_, clinic)] = domain::sla::calendars();
            let put = |name: &str, calendar: &Calendar, seen| {
                by(0, &mut |tx| versions::publish(tx, name, calendar, seen))
            };
            let closed = Calendar { week: std::array::from_fn(|_| Hours::NONE), ..always.clone() };
            assert!(refused(put("always", &clinic, 1)) && refused(put("always", &closed, 1)));
            assert!(refused(put("clinic", &closed, 1)), "a yellow would never be due");
            let holiday = Calendar { place: None, ..clinic.clone() };
            assert_eq!(put("clinic", &holiday, 1).unwrap(), 2, "opening hours change as ever");
            let names = store.read(|view| emptied(view, "always", &clinic, NOW)).unwrap();
            let names: Vec<_> = names.into_iter().map(|stored| stored.name).collect();
            assert_eq!(names, ["red_first_response", "red_resolution"]);
            assert_eq!(put("nights", &closed, 0).unwrap(), 1, "nothing leans on it");
            // Reds have a service level for the first answer, whatever else changes.
            let service_level =
                |name: &str| store.read(|view| versions::in_force::<ServiceLevel>(view, name, NOW));
            let first = service_level("red_first_response").unwrap().unwrap().body;
            let yellow = ServiceLevel { level: Level::Yellow, ..first.clone() };
            let propose = |name: &str, level: &ServiceLevel, seen| {
                by(0, &mut |tx| versions::propose(tx, name, level, seen))
            };
            let approve = |name: &str, which| {
                by(1, &mut |tx| versions::approve::<ServiceLevel>(tx, name, which).map(|()| which))
            };
            let slow = ServiceLevel { metric: Metric::Resolution, ..first.clone() };
            assert!(refused(propose("red_first_response", &yellow, 1)));
            assert!(refused(propose("red_first_response", &slow, 1)));
            // Beside another one it may change, and is looked at again where it is put in force.
            propose("red_second", &first, 0).unwrap();
            approve("red_second", 1).unwrap();
            assert_eq!(propose("red_first_response", &yellow, 1).unwrap(), 2);
            propose("red_second", &yellow, 1).unwrap();
            approve("red_second", 2).unwrap();
            assert!(refused(approve("red_first_response", 2)));
            assert_eq!(service_level("red_first_response").unwrap().unwrap().version, 1);
        }
    }

    /// A role of whom nobody has the certificate, as only step and at the top: it was put in force, and a red called
    /// nobody.
    #[test]
    fn no_policy_of_reds_calls_nobody_where_somebody_could_be_called() {
        for store in stores() {
            let seed = |tx: &mut Tx<'_>| {
                crate::on_call::seed(tx)?;
                escalation::seed(tx)
            };
            store.write(Actor::Operator, NOW, seed).unwrap();
            let red = seeds().remove(0);
            let step = |certificate| Step {
                targets: vec![Whom::Role(Role::Manager)],
                certificate,
                ..red.nobody_reached.clone()
            };
            let nobody = Policy { steps: vec![step(true)], nobody_reached: step(true), ..red.clone() };
            let proposed = |policy: &Policy, newest| {
                store.write(Actor::Operator, NOW, |tx| versions::propose(tx, escalation::RED, policy, newest))
            };
            assert!(proposed(&nobody, 1).is_ok(), "a house in which nobody may answer begins somewhere");
            person(&store, Role::Manager);
            let result = proposed(&nobody, 2);
            assert!(matches!(result, Err(Error::Refused { code: "E_INVALID", .. })), "{result:?}");
            assert!(proposed(&Policy { nobody_reached: step(false), ..nobody }, 2).is_ok());
        }
    }
}
