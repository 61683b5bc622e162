//! Clocks of alerts on every backend at hand: what starts them, what stops them, what is due, and what users of other
//! desks complained of that only shows in the store (5 and 7 to 9 of the reference's table).

use std::time::Duration;

use crate::Module;
use crate::sla::Deadline;
use domain::alerts::{Act, Outcome};
use domain::calendars::Calendar;
use domain::calendars::Exception;
use domain::messages::State;
use domain::sla::{PauseReason, ServiceLevel, Target};
use domain::{AlertId, Instant, Level, PatientIdentity, Role, Rule, StaffIdentity, UserId};
use rules::{Change, Episode, Finding};
use store::alerts::{self, StoredAlert};
use store::escalation::{self, paging};
use store::people::users;
use store::sla::*;
use store::testing::{Home, NOW};
use store::{Actor, Error, Keyed, Tx, Urgency, messages, patients, sla, testing, versions};

/// 2026-11-22 is a Sunday: this is Monday the 23rd, 09:00 in São Paulo.
pub(super) const MONDAY: Instant = Instant::from_secs(1_795_348_800 + 86_400);

pub(super) fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

pub(super) fn hours(n: u64) -> Duration {
    minutes(60 * n)
}

/// Stores with what a house seeds at its start.
pub(super) fn stores() -> Vec<Home> {
    let seeded = |home: &Home| {
        home.write(Actor::Operator, NOW, |tx| {
            escalation::seed(tx)?;
            paging::send_e_mail(tx, true)?;
            seed(tx)
        })
    };
    testing::stores().into_iter().inspect(|home| seeded(home).unwrap()).collect()
}

fn ana(store: &Home) -> patients::Patient {
    let identity = PatientIdentity {
        name: "Ana".parse().unwrap(),
        birth_date: chrono::NaiveDate::from_ymd_opt(1990, 5, 17).unwrap(),
        cpf: None,
        cns: None,
        email: None,
        phone: None,
    };
    let details = patients::Details { identity, zone: "America/Sao_Paulo".into(), language: "pt-BR".into() };
    store
        .write(Actor::Operator, NOW, |tx| {
            let ana = patients::insert(tx, &details)?;
            testing::grant_calls(tx, ana.id)?;
            Ok(ana)
        })
        .unwrap()
}

/// An alert that opens.
pub(super) fn raised(store: &Home, level: Level, at: Instant, retrospective: bool) -> AlertId {
    let ana = ana(store);
    let rule = &Rule::seeds()[0];
    let opened = Change::Opened { level, started_at: at.minus(minutes(1)), at };
    let episode = Episode::opened(rule, &opened).unwrap();
    let finding = Finding::of(rule, level, &[]);
    let open = |tx: &mut Tx<'_>| {
        alerts::open(tx, Keyed { key: ana.key, id: ana.id }, rule, &episode, &finding, retrospective)
    };
    store.write(Actor::System("ingest"), at, open).unwrap()
}

pub(super) fn member(store: &Home, role: Role) -> UserId {
    let identity = StaffIdentity {
        name: role.name().parse().unwrap(),
        email: format!("{}-{}@clinica.example", role.name(), UserId::new(NOW)).parse().unwrap(),
    };
    let new = users::NewUser { identity, role, password: None, patient: None };
    store.write(Actor::Operator, NOW, |tx| users::insert(tx, &new)).unwrap().id
}

pub(super) fn worse(store: &Home, id: AlertId, at: Instant) {
    store
        .write(Actor::System("ingest"), at, |tx| {
            let stored: StoredAlert = alerts::get(tx, id)?;
            let mut episode = stored.episode.clone();
            episode.apply(&Change::LevelChanged { level: Level::Red, at });
            alerts::judged(tx, &stored, &episode, None, false).map(drop)
        })
        .unwrap();
}

pub(super) fn acts(store: &Home, id: AlertId, what: Act, at: Instant) -> UserId {
    let who = UserId::new(at);
    let actor = Actor::User { id: who, role: Role::Clinician };
    store
        .write(actor, at, |tx| {
            alerts::acted(tx, id, who, what, None).map(drop).map_err(|_refused| Error::Conflict("refused"))
        })
        .unwrap();
    who
}

fn clocks(store: &Home, id: AlertId) -> Vec<SlaClock> {
    store.read(|view| of_alert(view, id)).unwrap()
}

pub(super) fn clock(store: &Home, id: AlertId, name: &str) -> SlaClock {
    clocks(store, id).into_iter().find(|clock| clock.service_level == name).unwrap()
}

/// Name and standing of every clock.
fn stand(store: &Home, id: AlertId, at: Instant) -> Vec<(String, &'static str)> {
    clocks(store, id).into_iter().map(|clock| (clock.service_level.clone(), clock.word(at))).collect()
}

pub(super) fn run(store: &Home, at: Instant) -> usize {
    let mut did = 0;
    loop {
        let done = Deadline::new((**store).clone()).run(at).unwrap();
        assert!(set_aside(store).is_empty());
        did += done.did;
        if !done.more {
            return did;
        }
    }
}

fn set_aside(store: &Home) -> Vec<String> {
    store.read(sla::testing::set_aside).unwrap()
}

/// When the engine acts on a clock by itself.
fn next(store: &Home, id: AlertId, name: &str) -> Option<Instant> {
    store.read(|view| sla::testing::next(view, id, name)).unwrap()
}

fn publish<T: versions::Versioned>(store: &Home, name: &str, at: Instant, change: impl Fn(&mut T)) {
    store
        .write(Actor::Operator, at, |tx| {
            let mut now = versions::in_force::<T>(tx, name, at)?.unwrap();
            change(&mut now.body);
            versions::publish(tx, name, &now.body, now.version).map(drop)
        })
        .unwrap();
}

#[test]
fn an_alert_starts_its_clocks_and_one_found_too_late_starts_none() {
    for store in stores() {
        let red = raised(&store, Level::Red, MONDAY, false);
        let names = [("red_first_response".to_owned(), "running"), ("red_resolution".to_owned(), "running")];
        assert_eq!(stand(&store, red, MONDAY), names);
        assert_eq!(clock(&store, red, "red_first_response").due_at(), Some(MONDAY.plus(minutes(20))));
        assert_eq!(next(&store, red, "red_first_response"), Some(MONDAY.plus(minutes(16))));
        let late = raised(&store, Level::Red, MONDAY, true);
        assert!(clocks(&store, late).is_empty());
    }
}

/// A resolution stops every clock, and "obrigada" afterwards starts none (chatwoot 10178).
#[test]
fn complaint_5_nothing_runs_after_the_resolution() {
    for store in stores() {
        let id = raised(&store, Level::Yellow, MONDAY, false);
        let at = MONDAY.plus(hours(1));
        acts(&store, id, Act::Resolve { outcome: Outcome::TrueAlarm }, at);
        let met = [("yellow_first_response".to_owned(), "met"), ("yellow_resolution".to_owned(), "met")];
        assert_eq!(stand(&store, id, at.plus(hours(500))), met);
        assert_eq!(next(&store, id, "yellow_resolution"), None);
        assert_eq!(run(&store, at.plus(hours(500))), 0);
    }
}

/// A longer first response was overruled by another timer (zammad 5177): each clock keeps its own.
#[test]
fn complaint_7_no_clock_overrules_another() {
    for store in stores() {
        let id = raised(&store, Level::Yellow, MONDAY, false);
        let due = clock(&store, id, "yellow_first_response").due_at();
        assert_eq!(due, Some(MONDAY.plus(hours(5))), "09:00 and four hours, lunch between");
        worse(&store, id, MONDAY.plus(hours(1)));
        assert_eq!(clocks(&store, id).len(), 4);
        assert_eq!(clock(&store, id, "yellow_first_response").due_at(), due, "it goes on as it was");
        let red = clock(&store, id, "red_first_response");
        assert_eq!(red.due_at(), Some(MONDAY.plus(hours(1)).plus(minutes(20))));
        acts(&store, id, Act::Ack, MONDAY.plus(hours(1)).plus(minutes(5)));
        let later = MONDAY.plus(hours(2));
        assert_eq!(clock(&store, id, "red_first_response").word(later), "met");
        assert_eq!(clock(&store, id, "yellow_first_response").word(later), "met");
        assert_eq!(clock(&store, id, "red_resolution").word(later), "running");
        assert_eq!(clock(&store, id, "yellow_resolution").word(later), "running");
    }
}

#[test]
fn an_answer_to_yellow_is_none_to_the_red_that_follows() {
    for store in stores() {
        let id = raised(&store, Level::Yellow, MONDAY, false);
        acts(&store, id, Act::Ack, MONDAY.plus(minutes(10)));
        worse(&store, id, MONDAY.plus(hours(1)));
        assert_eq!(clock(&store, id, "yellow_first_response").word(MONDAY.plus(hours(2))), "met");
        assert_eq!(clock(&store, id, "red_first_response").word(MONDAY.plus(hours(2))), "breached");
    }
}

/// Reminders went out at midnight and at weekends (zammad 4432, glpi 22678).
#[test]
fn complaint_8_nobody_is_warned_while_the_clinic_is_closed() {
    for store in stores() {
        // Friday 16:00 in São Paulo: four hours end on Monday.
        let friday = MONDAY.plus(hours(4 * 24 + 7));
        let id = raised(&store, Level::Yellow, friday, false);
        let clinic = clock(&store, id, "yellow_first_response").calendar;
        let warn = next(&store, id, "yellow_first_response").unwrap();
        assert_eq!(warn, friday.plus(hours(64)).plus(minutes(72)), "Monday, 09:12");
        assert!(clinic.is_open(warn));
        let resolution = next(&store, id, "yellow_resolution").unwrap();
        assert!(clinic.is_open(resolution), "the clock of days says it at midnight");
        for hour in 0..64 {
            assert_eq!(run(&store, friday.plus(hours(hour))), 0, "{hour}");
        }
        assert!(run(&store, warn) > 0);
    }
}

#[test]
fn it_warns_once_and_breaches_once_and_an_answer_after_it_is_late() {
    for store in stores() {
        let id = raised(&store, Level::Red, MONDAY, false);
        let at = |n| MONDAY.plus(minutes(n));
        assert_eq!(run(&store, at(15)), 0);
        assert_eq!((run(&store, at(16)), run(&store, at(17))), (1, 0));
        assert_eq!(clock(&store, id, "red_first_response").warned_at(), Some(at(16)));
        assert_eq!((run(&store, at(20)), run(&store, at(21))), (1, 0));
        let breached = clock(&store, id, "red_first_response");
        assert_eq!((breached.breached_at(), breached.word(at(20))), (Some(at(20)), "breached"));
        acts(&store, id, Act::Ack, at(22));
        assert_eq!(clock(&store, id, "red_first_response").word(at(23)), "late");
        let counted = store.read(counts).unwrap();
        assert_eq!(counted, [("late".to_owned(), 1), ("running".to_owned(), 1)]);
    }
}

#[test]
fn a_breach_that_was_slept_through_is_told_without_a_warning() {
    for store in stores() {
        let id = raised(&store, Level::Red, MONDAY, false);
        assert_eq!(run(&store, MONDAY.plus(minutes(30))), 1);
        let clock = clock(&store, id, "red_first_response");
        assert_eq!((clock.warned_at(), clock.breached_at()), (None, Some(MONDAY.plus(minutes(30)))));
    }
}

#[test]
fn a_pause_needs_an_answer_first_stops_the_clock_and_has_an_end() {
    for store in stores() {
        let id = raised(&store, Level::Red, MONDAY, false);
        let at = |n| MONDAY.plus(hours(n));
        let paused =
            |at| store.write(Actor::Operator, at, |tx| pause(tx, id, PauseReason::WaitingPatient).map(drop));
        assert!(matches!(paused(at(0)), Err(Error::Refused { code: "E_STATE", .. })));
        acts(&store, id, Act::Ack, MONDAY.plus(minutes(1)));
        paused(at(1)).unwrap();
        assert!(matches!(paused(at(1)), Err(Error::Refused { code: "E_STATE", .. })));
        assert_eq!(run(&store, at(20)), 0, "eight hours are over, the clock stood still");
        store.write(Actor::Operator, at(21), |tx| resume(tx, id).map(drop)).unwrap();
        assert_eq!(clock(&store, id, "red_resolution").due_at(), Some(at(28)));
        paused(at(22)).unwrap();
        // A day over its whole life: twenty hours of it were used.
        let over = at(22).plus(hours(4));
        assert_eq!((run(&store, over.minus(minutes(1))), run(&store, over)), (0, 1));
        assert_eq!(clock(&store, id, "red_resolution").due_at(), Some(over.plus(hours(6))));
        assert!(
            matches!(paused(over), Err(Error::Refused { code: "E_STATE", .. })),
            "nobody pauses it any more"
        );
    }
}

#[test]
fn a_red_is_not_paused_twice_in_a_row_by_the_same_hand() {
    for store in stores() {
        let id = raised(&store, Level::Red, MONDAY, false);
        acts(&store, id, Act::Ack, MONDAY.plus(minutes(1)));
        let (ana, bia) = (UserId::new(MONDAY), UserId::new(MONDAY));
        let paused = |who, at| {
            let actor = Actor::User { id: who, role: Role::Clinician };
            store.write(actor, at, |tx| pause(tx, id, PauseReason::WaitingPatient).map(drop))
        };
        let goes_on = |at| store.write(Actor::Operator, at, |tx| resume(tx, id).map(drop)).unwrap();
        let at = |n| MONDAY.plus(minutes(n));
        paused(ana, at(2)).unwrap();
        goes_on(at(3));
        assert!(matches!(paused(ana, at(4)), Err(Error::Refused { code: "E_FOUR_EYES", .. })));
        paused(bia, at(4)).unwrap();
        goes_on(at(5));
        paused(ana, at(6)).unwrap();
    }
}

#[test]
fn a_case_that_opens_again_gets_a_clock_of_its_own_time() {
    for store in stores() {
        let id = raised(&store, Level::Yellow, MONDAY, false);
        acts(&store, id, Act::Resolve { outcome: Outcome::FalseAlarm }, MONDAY.plus(hours(1)));
        // Late data: it was red, and nobody had answered for that.
        worse(&store, id, MONDAY.plus(hours(48)));
        let red = clock(&store, id, "red_first_response");
        assert_eq!(red.due_at(), Some(MONDAY.plus(hours(48)).plus(minutes(20))));
        let again = clock(&store, id, "yellow_resolution");
        assert_eq!((again.timer().started_at, again.past().len()), (MONDAY.plus(hours(48)), 1));
        assert_eq!(again.past()[0].ended, Some(Ended::Resolved));
    }
}

#[test]
fn a_withdrawn_alert_neither_meets_nor_breaches_its_service_levels() {
    for store in stores() {
        let id = raised(&store, Level::Red, MONDAY, false);
        let at = MONDAY.plus(minutes(2));
        store
            .write(Actor::System("reevaluate"), at, |tx| {
                let stored = alerts::get(tx, id)?;
                alerts::withdraw(tx, &stored, Outcome::Retracted).map(drop)
            })
            .unwrap();
        assert!(stand(&store, id, at).iter().all(|(_, word)| *word == "withdrawn"));
    }
}

/// A change of the calendar is for the clocks that start after it.
#[test]
fn a_clock_keeps_the_versions_that_were_in_force_when_it_started() {
    for store in stores() {
        let before = raised(&store, Level::Yellow, MONDAY, false);
        let morning = "08:00-10:00".to_owned().try_into().unwrap();
        let half = Exception { label: "reforma".into(), hours: morning, yearly: false };
        let today = chrono::NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
        publish::<Calendar>(&store, "clinic", MONDAY.plus(minutes(1)), |clinic| {
            clinic.exceptions.insert(today, half.clone());
        });
        publish::<ServiceLevel>(&store, "yellow_first_response", MONDAY.plus(minutes(1)), |level| {
            level.target = Target::OpenMinutes(90);
        });
        let after = raised(&store, Level::Yellow, MONDAY.plus(minutes(2)), false);
        let due = |id| clock(&store, id, "yellow_first_response").due_at();
        assert_eq!(due(before), Some(MONDAY.plus(hours(5))));
        assert_eq!(due(after), Some(MONDAY.plus(hours(23)).plus(minutes(32))), "Tuesday, 08:32");
        let clock = clock(&store, after, "yellow_first_response");
        assert_eq!((clock.calendar_version, clock.service_level_version()), (2, 2));
    }
}

/// One bad row held the whole module up (goalert 3783); here it is set aside and announced, and people can still answer.
#[test]
fn a_row_that_cannot_be_read_is_set_aside_and_the_others_go_on() {
    for store in stores() {
        let bad = raised(&store, Level::Red, MONDAY, false);
        let good = raised(&store, Level::Red, MONDAY.plus(minutes(1)), false);
        store.keep_house(Urgency::Urgent, "test", MONDAY, |tx| sla::testing::break_rows(tx, bad)).unwrap();
        let mut module = Deadline::new((*store).clone());
        while module.run(MONDAY.plus(minutes(17))).unwrap().more {}
        assert!(clock(&store, good, "red_first_response").warned_at().is_some());
        assert_eq!(set_aside(&store).len(), 1, "only what was due was looked at");
        acts(&store, bad, Act::Ack, MONDAY.plus(minutes(18)));
        worse(&store, bad, MONDAY.plus(minutes(19)));
    }
}

/// The desk of a sick agent: nothing happened when the time was over (chatwoot 6889, 13516). A breach begins the policy
/// that the clock names, and whoever is on its first step hears of it.
#[test]
fn complaint_9_a_breach_begins_the_policy_and_tells_its_first_step() {
    for store in stores() {
        let agent = member(&store, Role::Agent);
        let id = raised(&store, Level::Yellow, MONDAY, false);
        let due = MONDAY.plus(hours(5));
        let escalation = || store.read(|view| escalation::of_alert(view, id)).unwrap();
        let mails = || store.read(|view| messages::of_case(view, ALERT, &id.to_string())).unwrap();
        run(&store, due.minus(minutes(1)));
        assert!(escalation().is_none());
        let sent: Vec<_> = mails().into_iter().map(|message| (message.template, message.recipient)).collect();
        assert_eq!(sent[0], ("sla_warning".to_owned(), agent.to_string()));
        assert!(run(&store, due) > 0);
        assert_eq!(escalation().unwrap().run.policy.id, "standard");
        let breach: Vec<_> = mails().into_iter().filter(|message| message.template == "sla_breach").collect();
        assert_eq!(breach.len(), 2, "on the dashboard and by e-mail");
        acts(&store, id, Act::Ack, due.plus(minutes(1)));
        assert!(mails().iter().all(|message| message.way.state == State::Cancelled));
    }
}

#[test]
fn a_breach_leaves_an_escalation_that_is_there_alone_and_tells_the_owner() {
    for store in stores() {
        member(&store, Role::Manager);
        let id = raised(&store, Level::Red, MONDAY, false);
        let escalation = || store.read(|view| escalation::of_alert(view, id)).unwrap().unwrap();
        let before = escalation();
        let owner = member(&store, Role::Clinician);
        let claim = |tx: &mut Tx<'_>| {
            let reassigned = alerts::acted(tx, id, owner, Act::Claim, None);
            reassigned.map(drop).map_err(|_refused| Error::Conflict("refused"))
        };
        let actor = Actor::User { id: owner, role: Role::Clinician };
        store.write(actor, MONDAY.plus(minutes(1)), claim).unwrap();
        assert_eq!(run(&store, MONDAY.plus(minutes(20))), 1);
        assert_eq!(escalation().id, before.id);
        let mails = store.read(|view| messages::of_case(view, ALERT, &id.to_string())).unwrap();
        let breach = mails.iter().find(|message| message.template == "sla_breach").unwrap();
        assert_eq!(breach.recipient, owner.to_string());
    }
}

/// An answer that is taken back: whoever comes next has the whole time again, and no pause holds.
#[test]
fn an_answer_that_is_taken_back_starts_a_clock_of_its_own() {
    for store in stores() {
        let id = raised(&store, Level::Red, MONDAY, false);
        acts(&store, id, Act::Ack, MONDAY.plus(minutes(5)));
        store
            .write(Actor::Operator, MONDAY.plus(minutes(6)), |tx| {
                pause(tx, id, PauseReason::WaitingThirdParty).map(drop)
            })
            .unwrap();
        acts(&store, id, Act::Unack, MONDAY.plus(minutes(30)));
        let again = clock(&store, id, "red_first_response");
        assert_eq!(again.due_at(), Some(MONDAY.plus(minutes(50))));
        assert_eq!(again.past()[0].ended, Some(Ended::Answered));
        assert!(!clock(&store, id, "red_resolution").timer().is_paused());
    }
}

/// Of two that read the same clock, the second does not write over the first.
#[test]
fn a_clock_that_was_read_before_an_answer_is_not_written_over_it() {
    for store in stores() {
        let id = raised(&store, Level::Red, MONDAY, false);
        let mut stale = clock(&store, id, "red_first_response");
        acts(&store, id, Act::Ack, MONDAY.plus(minutes(5)));
        let at = MONDAY.plus(minutes(6));
        let saved = store.keep_house(Urgency::Urgent, "test", at, |tx| sla::testing::save(tx, &mut stale));
        assert!(matches!(saved, Err(Error::GivenUp)), "{saved:?}");
        assert_eq!(clock(&store, id, "red_first_response").ended(), Some(Ended::Answered));
    }
}

/// Whether or not somebody answered for the yellow: the red pages from its first step.
#[test]
fn a_yellow_that_turns_red_begins_to_escalate() {
    for store in stores() {
        for answered in [false, true] {
            let id = raised(&store, Level::Yellow, MONDAY, false);
            if answered {
                acts(&store, id, Act::Ack, MONDAY.plus(minutes(10)));
            }
            let escalation = || store.read(|view| escalation::of_alert(view, id)).unwrap();
            assert_eq!(escalation(), None);
            worse(&store, id, MONDAY.plus(hours(1)));
            let run = escalation().unwrap().run;
            assert_eq!((run.policy.id.as_str(), run.next_at), ("red_alert", Some(MONDAY.plus(hours(1)))));
        }
    }
}

#[test]
fn an_answer_cancels_the_warnings_of_a_case_that_nothing_escalates_for() {
    for store in stores() {
        member(&store, Role::Agent);
        let id = raised(&store, Level::Yellow, MONDAY, false);
        run(&store, MONDAY.plus(hours(4)).plus(minutes(12)));
        let ways = || {
            let mails = store.read(|view| messages::of_case(view, ALERT, &id.to_string())).unwrap();
            mails.into_iter().map(|message| message.way.state).collect::<Vec<_>>()
        };
        assert_eq!(ways(), [State::Accepted, State::Due], "on the dashboard and by e-mail");
        acts(&store, id, Act::Ack, MONDAY.plus(hours(4)).plus(minutes(13)));
        assert_eq!(ways(), [State::Cancelled, State::Cancelled]);
    }
}

#[test]
fn a_red_that_was_found_too_late_and_turns_out_to_be_in_time_begins_to_escalate() {
    for store in stores() {
        let id = raised(&store, Level::Red, MONDAY, true);
        let escalation = || store.read(|view| escalation::of_alert(view, id)).unwrap();
        assert_eq!(escalation(), None);
        let again = |tx: &mut Tx<'_>| {
            let stored = alerts::get(tx, id)?;
            alerts::judged(tx, &stored, &stored.episode.clone(), None, false).map(drop)
        };
        store.write(Actor::System("reevaluate"), MONDAY.plus(minutes(1)), again).unwrap();
        assert_eq!(escalation().unwrap().run.next_at, Some(MONDAY.plus(minutes(1))));
    }
}
