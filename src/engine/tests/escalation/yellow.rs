//! What a breach to a yellow starts: it follows the clinic's hours, ends with the case and at its top.

use crate::Module;
use crate::escalation::Escalate;
use crate::tests::sla::{MONDAY, acts, clock, hours, member, minutes, raised, run, stores, worse};
use domain::alerts::Act;
use domain::escalation::{Pace, Run, State};
use domain::messages::Channel;
use domain::{AlertId, Level, Role};
use store::sla::ALERT;
use store::testing::Home;
use store::{Actor, escalation, messages};

/// The standard policy of a yellow, 2 h and 4 h, must not be what a red escalates.
#[test]
fn a_yellow_that_escalates_already_and_turns_red_escalates_as_a_red() {
    for store in stores() {
        let id = raised(&store, Level::Yellow, MONDAY, false);
        let escalation = || store.read(|view| escalation::of_alert(view, id)).unwrap().unwrap();
        run(&store, MONDAY.plus(hours(5)));
        assert_eq!(escalation().run.policy.id, "standard");
        worse(&store, id, MONDAY.plus(hours(12)));
        let red = escalation().run;
        assert_eq!((red.policy.id.as_str(), red.next_at), ("red_alert", Some(MONDAY.plus(hours(12)))));
    }
}

/// Every call about a case in the sixteen days after it, by the escalation and the clocks.
fn sixteen_days(store: &Home, id: AlertId) -> Vec<messages::Stored> {
    days(store, id, 0..16 * 96)
}

/// As [`sixteen_days`], in these quarters of an hour.
fn days(store: &Home, id: AlertId, quarters: std::ops::Range<u64>) -> Vec<messages::Stored> {
    let mut escalate = Escalate::new((**store).clone());
    for quarter in quarters {
        let now = MONDAY.plus(minutes(15 * quarter));
        run(store, now);
        while escalate.run(now).unwrap().more {}
    }
    let all = store.read(|view| messages::of_case(view, ALERT, &id.to_string())).unwrap();
    all.into_iter().filter(|message| message.channel == Channel::Email).collect()
}

/// One yellow that somebody had answered for rang the managers 1,373 times in sixteen days.
#[test]
fn a_yellow_that_is_answered_for_rings_nobody_but_its_owner_and_only_in_open_hours() {
    for store in stores() {
        member(&store, Role::Manager);
        member(&store, Role::Agent);
        let id = raised(&store, Level::Yellow, MONDAY, false);
        let owner = acts(&store, id, Act::Ack, MONDAY.plus(minutes(30))).to_string();
        let clinic = clock(&store, id, "yellow_resolution").calendar;
        assert_eq!(clock(&store, id, "yellow_first_response").word(MONDAY.plus(hours(400))), "met");
        let mails = sixteen_days(&store, id);
        let templates: Vec<&str> = mails.iter().map(|message| message.template.as_str()).collect();
        assert_eq!(templates, ["sla_warning", "sla_breach"]);
        assert!(mails.iter().all(|message| message.recipient == owner && clinic.is_open(message.created_at)));
    }
}

/// Nobody answers at all: each step once and the top once, while the clinic is open.
#[test]
fn a_yellow_that_nobody_answers_comes_to_an_end_and_stays_on_the_queue() {
    for store in stores() {
        member(&store, Role::Manager);
        member(&store, Role::Agent);
        let id = raised(&store, Level::Yellow, MONDAY, false);
        let clinic = clock(&store, id, "yellow_resolution").calendar;
        let mails = sixteen_days(&store, id);
        assert!(mails.len() <= 8, "{}", mails.len());
        assert!(mails.iter().all(|message| clinic.is_open(message.created_at)));
        let run = store.read(|view| escalation::of_alert(view, id)).unwrap().unwrap().run;
        assert_eq!((run.state, run.next_at), (State::NobodyReached, None));
    }
}

/// The program was off when an SLA was breached and came back on a Sunday night: whoever is asleep is not told then.
#[test]
fn a_breach_of_a_yellow_while_the_program_was_off_is_told_in_the_next_open_hour() {
    for store in stores() {
        member(&store, Role::Manager);
        member(&store, Role::Agent);
        // Friday 09:00: four hours end in the afternoon. The program is back on Sunday at 03:00.
        let friday = MONDAY.plus(hours(4 * 24));
        let id = raised(&store, Level::Yellow, friday, false);
        let sunday = friday.plus(hours(42));
        assert_eq!(run(&store, sunday), 0, "and no turn after it spins");
        assert_eq!(clock(&store, id, "yellow_first_response").word(sunday), "breached", "the page says so");
        let sent = || store.read(|view| messages::of_case(view, ALERT, &id.to_string())).unwrap();
        assert_eq!(sent(), []);
        assert!(!store.read(|view| store::sla::any_due(view, sunday)).unwrap());
        let monday = friday.plus(hours(71));
        assert_eq!(run(&store, monday.minus(minutes(1))), 0);
        assert!(run(&store, monday) > 0);
        assert!(
            sent().iter().any(|message| message.template == "sla_breach" && message.created_at == monday)
        );
        // A red waits for no clinic.
        let red = raised(&store, Level::Red, sunday, false);
        assert!(run(&store, sunday.plus(hours(2))) > 0);
        let of_red = store.read(|view| messages::of_case(view, ALERT, &red.to_string())).unwrap();
        assert!(of_red.iter().any(|message| message.template == "sla_breach"));
    }
}

/// A yellow that escalated already when escalations were given a pace went on ringing day and night.
#[test]
fn a_yellow_that_began_to_escalate_before_escalations_had_a_pace_gets_that_of_its_service_level() {
    for store in stores() {
        member(&store, Role::Manager);
        member(&store, Role::Agent);
        let id = raised(&store, Level::Yellow, MONDAY, false);
        let clinic = clock(&store, id, "yellow_resolution").calendar;
        days(&store, id, 0..24);
        assert_eq!(escalation(&store, id).policy.id, "standard");
        store.write(Actor::Operator, MONDAY, |tx| escalation::forget_pace(tx, id)).unwrap();
        assert_eq!(escalation(&store, id).pace, Pace::Relentless);
        let mails = days(&store, id, 24..16 * 96);
        assert!(mails.len() <= 8, "{}", mails.len());
        assert!(mails.iter().all(|message| clinic.is_open(message.created_at)));
        let run = escalation(&store, id);
        assert_eq!((run.state, run.next_at), (State::NobodyReached, None));
    }
}

fn escalation(store: &Home, id: AlertId) -> Run {
    store.read(|view| escalation::of_alert(view, id)).unwrap().unwrap().run
}
