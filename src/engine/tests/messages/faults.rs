//! A bad night for the post: what is wrong with one mailbox is nobody else's, each thing is announced once, and many cases
//! are few messages.

use std::sync::Arc;
use std::time::Duration;

use super::mail::{Mail, Mailbox};
use crate::health::auditor::Auditor;
use crate::messages::outbox::{Breakers, GATHERS, Outbox};
use crate::tests::ward::{Ward, at, raise, wards};
use crate::{Module as _, Status};
use domain::alerts::{Act, Outcome};
use domain::messages::{self as message, State, mark};
use domain::{AlertId, Instant, Role, sla};
use notify::Channel;
use store::escalation::{self, paging};
use store::health::lapses;
use store::on_call::testing::person;
use store::testing::NOW;
use store::{Actor, Urgency, messages, on_call, sla as clocks};

const FIRST: &str = "p0@example.org";
const SECOND: &str = "p1@example.org";
const LAST: &str = "p3@example.org";

fn second(n: u64) -> Instant {
    NOW.plus(Duration::from_secs(n))
}

fn post(ward: &Ward, mail: &Arc<Mail>, breakers: &Breakers) -> Outbox {
    let channel: Arc<dyn Channel> = Arc::<Mail>::clone(mail);
    Outbox::new((*ward.home).clone(), channel, breakers.clone(), "https://zelo.example".into())
}

/// The escalation and the post come to rest.
fn settle(ward: &Ward, post: &mut Outbox, now: Instant) {
    while ward.tick(now) > 0 || post.run(now).unwrap().more {}
}

fn tells_of(message: &super::mail::Arrived, case: AlertId) -> bool {
    let mark = format!("[{}]", mark(&case.to_string()));
    message.subject.contains(&mark) || message.text.contains(&mark)
}

/// A message to a healthy doctor left 42 minutes late because a manager's mailbox answered 421.
#[test]
fn a_mailbox_that_defers_delays_nobody_elses_page() {
    for ward in wards() {
        ward.sends_e_mail();
        let (mail, breakers) = (Arc::new(Mail::default()), Breakers::default());
        mail.is(LAST, Mailbox::Defers);
        let mut post = post(&ward, &mail, &breakers);
        for step in 0..(100 * 6) {
            settle(&ward, &mut post, second(step * 10));
        }
        assert!(mail.asked(LAST) > 5, "it is asked now and then: {}", mail.asked(LAST));
        for red in 0..4 {
            let now = at(100).plus(Duration::from_secs(red * 60));
            let case = raise(&ward.home, now);
            settle(&ward, &mut post, now);
            let mails = mail.to(FIRST);
            assert!(mails.last().is_some_and(|one| one.at == now && tells_of(one, case)), "{mails:?}");
        }
        assert_eq!(breakers.open_until(), [(message::Channel::Email, None)], "the provider is well");
        // It is well again: one message tells all that waited.
        mail.is(LAST, Mailbox::Takes);
        for step in 0..7 {
            post.run(at(104).plus(Duration::from_secs(step * 10))).unwrap();
        }
        assert_eq!(mail.to(LAST).len(), 1, "{:?}", mail.to(LAST));
    }
}

#[test]
fn a_mailbox_that_hangs_holds_its_own_place_and_nobody_elses() {
    for ward in wards() {
        ward.sends_e_mail();
        let (mail, breakers) = (Arc::new(Mail::default()), Breakers::default());
        mail.is(FIRST, Mailbox::Hangs);
        let mut post = post(&ward, &mail, &breakers);
        let began = std::time::Instant::now();
        settle(&ward, &mut post, NOW);
        raise(&ward.home, second(1));
        settle(&ward, &mut post, second(2));
        settle(&ward, &mut post, at(5));
        assert_eq!(
            mail.to(SECOND).first().map(|one| one.at),
            Some(at(5)),
            "the next step, while the first hangs"
        );
        assert!(began.elapsed() < Duration::from_secs(20), "nobody waited for it: {:?}", began.elapsed());
        assert_eq!(mail.asked(FIRST), 1, "one message at a time, whatever waits behind it");
        mail.lets_go();
    }
}

/// Nobody was told of a 550, and the step waited its time out.
#[test]
fn a_mailbox_that_refuses_for_good_is_nobodys_to_wait_for_and_the_managers_know() {
    for ward in wards() {
        ward.sends_e_mail();
        let boss = person(&ward.home, Role::Manager);
        let (mail, breakers) = (Arc::new(Mail::default()), Breakers::default());
        mail.is(FIRST, Mailbox::Refuses);
        let mut post = post(&ward, &mail, &breakers);
        settle(&ward, &mut post, NOW);
        assert_eq!(mail.to(SECOND).len(), 1, "the second step is called at once: {:?}", mail.arrived());
        let lost = || ward.home.read(|view| on_call::unreachable(view, ward.people[0])).unwrap();
        assert_eq!(lost().iter().map(|gone| gone.why.as_str()).collect::<Vec<_>>(), ["refused"]);
        let fit = ward.home.read(on_call::people).unwrap();
        assert!(!fit[&ward.people[0]].reachable, "the linter knows");
        let unread = ward.home.read(|view| messages::unread(view, boss, 9)).unwrap();
        assert_eq!(unread.iter().map(|one| one.template.as_str()).collect::<Vec<_>>(), ["unreachable"]);
        // The next red asks them no more, and waits for nobody.
        let next = raise(&ward.home, at(1));
        settle(&ward, &mut post, at(1));
        assert_eq!((mail.asked(FIRST), tells_of(&mail.to(SECOND)[1], next)), (1, true));
        assert_eq!(ward.home.read(|view| messages::unread(view, boss, 9)).unwrap().len(), 1, "told once");
        // A message that is taken again ends it.
        mail.is(FIRST, Mailbox::Takes);
        ward.home.write(Actor::Operator, at(2), |tx| messages::try_out(tx, ward.people[0])).unwrap();
        settle(&ward, &mut post, at(2));
        assert_eq!((mail.to(FIRST).len(), lost()), (1, vec![]));
        assert_eq!(ward.home.read(|view| paging::channels(view, ward.people[0])).unwrap().len(), 2);
    }
}

#[test]
fn a_policy_of_which_nobody_can_be_reached_ends_at_once_and_calls_on() {
    for ward in wards() {
        ward.sends_e_mail();
        let (mail, breakers) = (Arc::new(Mail::default()), Breakers::default());
        for n in 0..3 {
            mail.is(&format!("p{n}@example.org"), Mailbox::Refuses);
        }
        let mut post = post(&ward, &mail, &breakers);
        settle(&ward, &mut post, NOW);
        assert_eq!(ward.state(), domain::escalation::State::NobodyReached);
        assert_eq!(mail.to(LAST).len(), 1, "{:?}", mail.arrived());
    }
}

/// An hour's outage ended in 230 messages, 192 of them notices of delays.
#[test]
fn after_an_outage_each_person_gets_one_message_and_the_delay_was_told_once_by_another_way() {
    for ward in wards() {
        ward.sends_e_mail();
        let boss = person(&ward.home, Role::Manager);
        let (mail, breakers) = (Arc::new(Mail::default()), Breakers::default());
        let mut post = post(&ward, &mail, &breakers);
        let mut auditor = Auditor::new((*ward.home).clone(), Status::default());
        let red = || {
            let standing = ward.home.read(lapses::standing).unwrap();
            ward.home.read(|view| lapses::of_red(view, &standing)).unwrap()
        };
        mail.goes_away(true);
        let mut cases = vec![ward.alert];
        let mut late = 0;
        for minute in 0..60 {
            if minute % 10 == 5 {
                cases.push(raise(&ward.home, at(minute)));
            }
            settle(&ward, &mut post, at(minute));
            auditor.run(at(minute)).unwrap();
            late = late.max(red());
        }
        assert!(late > 0, "the monitor is told that a red is late");
        let answered = cases[1];
        ward.act_on(answered, 0, Act::Ack, at(60));
        mail.goes_away(false);
        for step in 0..12 {
            settle(&ward, &mut post, at(60).plus(Duration::from_secs(step * 10)));
        }
        auditor.run(at(63)).unwrap();
        assert_eq!(red(), 0, "and that it is over");
        let arrived = mail.arrived();
        assert!(arrived.iter().all(|one| !one.subject.contains("não aconteceram")), "{arrived:?}");
        assert!(arrived.iter().all(|one| !tells_of(one, answered)), "what was answered is not sent");
        for who in [FIRST, LAST] {
            assert_eq!(mail.to(who).len(), 1, "{who}: {arrived:?}");
        }
        assert!(arrived.len() <= cases.len() + 1, "{}", arrived.len());
        let last = mail.to(LAST).remove(0);
        assert!(last.subject.contains("casos esperam, o mais antigo desde"), "{last:?}");
        let unread = ward.home.read(|view| messages::unread(view, boss, 99)).unwrap();
        let lapses: Vec<_> = unread.iter().filter(|one| one.template == "lapse").collect();
        assert_eq!(lapses.len(), 1, "once, on the dashboard: {unread:?}");
        let by_mail =
            ward.home.read(|view| messages::after(view, message::Channel::Email, &boss.to_string(), 0, 99));
        assert!(by_mail.unwrap().iter().all(|one| one.template != "lapse"), "not by what is late");
    }
}

/// The message about a night's downtime came in the night, when all of it was over.
#[test]
fn what_was_late_while_the_clinic_is_closed_is_told_when_it_opens_but_for_an_open_red() {
    let [_, (_, clinic)] = sla::calendars();
    let opens = clinic.opens(NOW).unwrap();
    assert!(opens.since(NOW) > Duration::from_secs(12 * 3_600), "a Sunday");
    for ward in wards() {
        ward.sends_e_mail();
        let boss = person(&ward.home, Role::Manager);
        ward.home.keep_house(Urgency::Urgent, "test", NOW, clocks::seed).unwrap();
        ward.act(1, Act::Resolve { outcome: Outcome::TrueAlarm }, NOW);
        let (mail, breakers) = (Arc::new(Mail::default()), Breakers::default());
        let mut post = post(&ward, &mail, &breakers);
        let mut auditor = Auditor::new((*ward.home).clone(), Status::default());
        let unread_of = |template: &str| {
            let unread = ward.home.read(|view| messages::unread(view, boss, 99)).unwrap();
            unread.into_iter().filter(|one| one.template == template).collect::<Vec<_>>()
        };
        // Twice that night the program is off while a message waits, and comes back.
        for (who, minute) in [(0, 10), (1, 200)] {
            let user = ward.people[who];
            ward.home.write(Actor::Operator, at(minute), |tx| messages::try_out(tx, user)).unwrap();
            auditor.run(at(minute + 20)).unwrap();
            settle(&ward, &mut post, at(minute + 20));
            auditor.run(at(minute + 21)).unwrap();
        }
        assert_eq!(
            (unread_of("lapse").len(), unread_of("lapses_overnight").len()),
            (0, 0),
            "nobody reads now"
        );
        // A red that nobody is called for is announced at any hour.
        let red = raise(&ward.home, at(300));
        auditor.run(at(302)).unwrap();
        assert_eq!(unread_of("lapse").len(), 1);
        settle(&ward, &mut post, at(302));
        ward.act_on(red, 1, Act::Resolve { outcome: Outcome::TrueAlarm }, at(303));
        auditor.run(opens.minus(Duration::from_secs(60))).unwrap();
        assert_eq!(unread_of("lapses_overnight").len(), 0);
        for minute in 0..3 {
            auditor.run(opens.plus(Duration::from_secs(60 * minute))).unwrap();
            settle(&ward, &mut post, opens.plus(Duration::from_secs(60 * minute)));
        }
        let words = unread_of("lapses_overnight");
        assert_eq!(words.iter().map(|one| &one.variables["count"]).collect::<Vec<_>>(), [2]);
        let by_mail = mail.arrived().into_iter().filter(|one| one.subject.contains("fora do expediente"));
        assert_eq!(by_mail.map(|one| one.at).collect::<Vec<_>>(), [opens], "over, and told all the same");
    }
}

#[test]
fn fifty_reds_are_two_messages_the_first_at_once_and_the_rest_within_seconds() {
    for ward in wards() {
        ward.sends_e_mail();
        let (mail, breakers) = (Arc::new(Mail::default()), Breakers::default());
        let mut post = post(&ward, &mail, &breakers);
        settle(&ward, &mut post, NOW);
        let rest: Vec<AlertId> = (0..49).map(|_| raise(&ward.home, second(1))).collect();
        for n in 1..60 {
            settle(&ward, &mut post, second(n));
        }
        let mails = mail.to(FIRST);
        assert_eq!(mails.len(), 2, "{mails:?}");
        assert!(tells_of(&mails[0], ward.alert) && mails[0].at == NOW, "the first waits for nobody");
        assert!(mails[0].subject.ends_with(&format!("[{}]", mark(&ward.alert.to_string()))), "{mails:?}");
        assert!(rest.iter().all(|case| tells_of(&mails[1], *case)), "each is named: {}", mails[1].text);
        assert!(mails[1].at.since(NOW) <= GATHERS, "within seconds");
        assert!(
            mails[1].subject.starts_with("Zelo: 49 casos esperam, o mais antigo desde "),
            "{}",
            mails[1].subject
        );
        let one_of = rest[7].to_string();
        let sent = ward.home.read(|view| messages::of_case(view, escalation::ALERT, &one_of)).unwrap();
        let mail = sent.iter().find(|one| one.channel == message::Channel::Email).unwrap();
        assert_eq!(mail.way.state, State::Accepted, "each case's page knows that it went");
    }
}
