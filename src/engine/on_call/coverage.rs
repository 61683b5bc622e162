//! Warns of problems in schedules and policies before they happen. Once a day each is checked, and the managers are
//! told of hours in the coming week in which nobody could be called, and of steps whose people may not answer.

use std::time::Duration;

use crate::messages::notice::{Notice, send};
use crate::{Module, Progress};
use domain::Instant;
use domain::messages::{Channel, Class};
use domain::on_call::{Duty, Issue};
use domain::time::civil::Zone;
use store::alerts::reds::{self, Slow};
use store::db::settings;
use store::messages::{About, Topic};
use store::{Store, Tx, Urgency, on_call, versions};

/// Problems within this time are announced; those further ahead are shown on the page of schedules.
const SOON: Duration = Duration::from_secs(7 * 86_400);
/// How often it checks whether a new day has begun.
const EVERY: Duration = Duration::from_secs(60);
const LOOKED: &str = "coverage.looked";

/// The daily check of schedules as a module.
pub struct Coverage {
    store: Store,
}

impl Coverage {
    /// Checks the schedules in this store.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self { store }
    }
}

impl Module for Coverage {
    fn name(&self) -> &'static str {
        "coverage"
    }

    fn every(&self) -> Duration {
        EVERY
    }

    fn run(&mut self, now: Instant) -> store::Result<Progress> {
        let today = Zone::SAO_PAULO.date(now).to_string();
        if self.store.read(|view| settings::get(view, LOOKED))?.as_deref() == Some(&today) {
            return Ok(Progress::default());
        }
        let did = self.store.keep_house(Urgency::Patient, self.name(), now, |tx| {
            settings::save(tx, LOOKED, &today)?;
            look(tx, &today)
        })?;
        Ok(Progress { did, more: false })
    }
}

fn look(tx: &mut Tx<'_>, today: &str) -> store::Result<usize> {
    let now = tx.now();
    let mut announced = 0;
    let linter = on_call::Linter::of(tx, now)?;
    for duty in versions::all_in_force::<Duty>(tx, now)? {
        // A schedule without people is not in use: escalations skip it, and its page says so.
        if duty.body.schedule.people().is_empty() {
            continue;
        }
        let issues = linter.problems(&duty.name, &duty.body);
        // That no call leaves the installation at all is not this schedule's problem: the status page shows it.
        let schedules = |issue: &&Issue| linter.calls_out() || !matches!(issue, Issue::NobodyReachable(_));
        if let Some(at) =
            issues.iter().filter(schedules).filter_map(unanswered).find(|at| at.since(now) < SOON)
        {
            announced += warn(tx, &duty.name, at, today)?;
        }
    }
    for (policy, step) in on_call::dead_steps(tx, now)? {
        let notice = Notice {
            key: format!("dead_step:{policy}:{step}:{today}"),
            class: Class::Transactional,
            template: "dead_step",
            variables: serde_json::json!({ "link": format!("/policies/{policy}"), "count": step }),
            about: About::house(Topic::Schedule, &policy),
            lasts: SOON,
            not_by: &[Channel::Webhook],
        };
        announced += send(tx, &[], &notice)?;
    }
    for slow in reds::slow(tx, now)? {
        let (page, name, version) = match &slow {
            Slow::Policy(name, version) => ("policies", name, version),
            Slow::ServiceLevel(name, version) => ("service-levels", name, version),
        };
        let notice = Notice {
            key: format!("red_bounds:{page}:{name}:{version}"),
            class: Class::Transactional,
            template: "red_bounds",
            variables: serde_json::json!({ "link": format!("/{page}/{name}") }),
            about: About::house(Topic::Schedule, name),
            lasts: SOON,
            not_by: &[Channel::Webhook],
        };
        announced += send(tx, &[], &notice)?;
    }
    Ok(announced)
}

/// The instant from which a call would find nobody.
const fn unanswered(issue: &Issue) -> Option<Instant> {
    match issue {
        Issue::Gap(window) | Issue::NobodyReachable(window) | Issue::NobodyCertified(window) => {
            Some(window.from)
        }
        Issue::CertificateEnds(..)
        | Issue::FirstAndBackup(..)
        | Issue::BesideTurn(..)
        | Issue::Unreachable(..)
        | Issue::CertificateDate(..)
        | Issue::Overload(..) => None,
    }
}

fn warn(tx: &mut Tx<'_>, schedule: &str, from: Instant, today: &str) -> store::Result<usize> {
    let notice = Notice {
        key: format!("coverage:{schedule}:{today}"),
        class: Class::Transactional,
        template: "coverage",
        variables: serde_json::json!({ "link": format!("/schedules/{schedule}"), "from": from }),
        about: About::house(Topic::Schedule, schedule),
        lasts: SOON,
        not_by: &[],
    };
    send(tx, &[], &notice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Role;
    use domain::on_call::Length;
    use store::on_call::testing::{duty, person, rotation};
    use store::people::users;
    use store::testing::{NOW, stores};
    use store::{Actor, escalation, messages};

    /// A step named one person; her role changed, and its minutes were waited out by every red.
    #[test]
    fn a_step_whose_people_may_not_answer_any_more_is_told_to_the_managers() {
        for store in stores() {
            let (ana, boss) = (person(&store, Role::Clinician), person(&store, Role::Manager));
            let mut policy = domain::escalation::seeds().remove(0);
            policy.steps.truncate(1);
            policy.steps[0].certificate = false;
            policy.steps[0].targets = vec![domain::escalation::Target::Person(ana)];
            let publish = |tx: &mut Tx<'_>| versions::publish(tx, escalation::RED, &policy, 0);
            store.write(Actor::System("test"), NOW, publish).unwrap();
            let run = |at| Coverage::new((*store).clone()).run(at).unwrap().did;
            assert_eq!(run(NOW), 0);
            store.write(Actor::Operator, NOW, |tx| users::disable(tx, ana).map(drop)).unwrap();
            let day = Duration::from_secs(86_400);
            assert_eq!((run(NOW.plus(day)), run(NOW.plus(day + EVERY))), (1, 0));
            let unread = store.read(|view| messages::unread(view, boss, 10)).unwrap();
            assert_eq!(unread[0].template, "dead_step");
            assert_eq!(unread[0].variables["link"], "/policies/red_alert");
        }
    }

    /// From before there were bounds: it goes on, and is announced once.
    #[test]
    fn a_policy_that_lets_a_red_wait_for_too_long_is_told_to_the_managers_once() {
        for store in stores() {
            let boss = person(&store, Role::Manager);
            let mut policy = domain::escalation::seeds().remove(0);
            policy.acknowledged_for = None;
            let publish = |tx: &mut Tx<'_>| versions::publish(tx, escalation::RED, &policy, 0);
            store.write(Actor::System("test"), NOW, publish).unwrap();
            let run = |day: u32| {
                let at = NOW.plus(Duration::from_secs(86_400) * day);
                Coverage::new((*store).clone()).run(at).unwrap().did
            };
            assert_eq!([run(0), run(1), run(2)], [1, 0, 0]);
            let unread = store.read(|view| messages::unread(view, boss, 10)).unwrap();
            assert_eq!(
                (unread[0].template.as_str(), &unread[0].variables["link"]),
                ("red_bounds", &"/policies/red_alert".into())
            );
        }
    }

    /// Nobody knew that the weekend was empty (grafana oncall 934): it is announced before, once a day.
    #[test]
    fn a_gap_in_the_coming_week_is_told_to_the_managers_once_a_day() {
        for store in stores() {
            let (ana, boss) = (person(&store, Role::Clinician), person(&store, Role::Manager));
            let starts = Zone::SAO_PAULO.local(NOW);
            let mut gap = duty(vec![rotation(starts, Length::Days(2), &[ana])]);
            gap.schedule.rotations[0].ends = Some(starts + chrono::TimeDelta::days(2));
            let publish = |tx: &mut Tx<'_>| versions::publish(tx, "ward", &gap, 0);
            store.write(Actor::System("test"), NOW, publish).unwrap();
            let unused = duty(Vec::new());
            let publish = |tx: &mut Tx<'_>| versions::publish(tx, "spare", &unused, 0);
            store.write(Actor::System("test"), NOW, publish).unwrap();
            let run = |at| Coverage::new((*store).clone()).run(at).unwrap().did;
            assert_eq!((run(NOW), run(NOW.plus(EVERY))), (1, 0));
            let unread = store.read(|view| messages::unread(view, boss, 10)).unwrap();
            assert_eq!(unread.len(), 1);
            assert_eq!((unread[0].template.as_str(), unread[0].subject.as_str()), ("coverage", "ward"));
            assert_eq!(
                run(NOW.plus(Duration::from_secs(86_400))),
                1,
                "and again the next day, while it stands"
            );
        }
    }
}
