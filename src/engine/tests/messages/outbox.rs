//! What leaves the house: an outage loses nothing, an answer stops what is under way, a crash repeats a page.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::Module as _;
use crate::Status;
use crate::health::auditor::Auditor;
use crate::messages::outbox::{Breakers, Outbox};
use crate::tests::ward::{Ward, Wire, at, wards};
use domain::alerts::Act;
use domain::messages::{self as message, Attempt, Receipt, State};
use domain::templates::{Lang, Template};
use domain::time::civil::Zone;
use domain::{Instant, Role};
use notify::{Channel, Fault, Outgoing, SendOutcome};
use store::health::lapses;
use store::messages::reader::{self, Reader};
use store::on_call::testing::person;
use store::people::users;
use store::testing::{NOW, entries};
use store::{Actor, Tx, Urgency, escalation, messages, versions};

/// A provider that is down until an instant.
struct Down {
    until: Instant,
    asked: Mutex<usize>,
    wire: Wire,
}

impl Channel for Down {
    fn channel(&self) -> message::Channel {
        message::Channel::Email
    }

    fn send(&self, message: &Outgoing, now: Instant) -> SendOutcome {
        *self.asked.lock().unwrap() += 1;
        if now >= self.until {
            return self.wire.send(message, now);
        }
        SendOutcome {
            attempt: Attempt::Later(None),
            provider_id: None,
            code: "down",
            fault: Some(Fault::Provider),
        }
    }
}

fn mail(ward: &Ward) -> Vec<messages::Stored> {
    let about = ward.alert.to_string();
    let mut all = ward.home.read(|view| messages::of_case(view, escalation::ALERT, &about)).unwrap();
    all.retain(|message| message.channel == message::Channel::Email);
    all
}

#[test]
fn an_outage_is_left_alone_and_loses_nothing() {
    for ward in wards() {
        ward.sends_e_mail();
        let down = Arc::new(Down { until: at(30), asked: Mutex::default(), wire: Wire::default() });
        let mut post = Outbox::new((*ward.home).clone(), down.clone(), Breakers::default(), String::new());
        for second in 0..(45 * 60) {
            let now = NOW.plus(Duration::from_secs(second));
            if second % 60 == 0 {
                ward.tick(now);
            }
            while post.run(now).unwrap().more {}
        }
        // Five pages were planned by then, each with retries of its own: nobody hammers who is down. What a later one
        // says again was not sent beside it.
        assert!(*down.asked.lock().unwrap() < 60, "{}", down.asked.lock().unwrap());
        let mut given = down.wire.given.lock().unwrap().clone();
        given.sort();
        given.dedup();
        let (all, again): (Vec<_>, Vec<_>) =
            mail(&ward).into_iter().partition(|message| message.way.state == State::Accepted);
        let replanned_cancelled = again.iter().all(|message| message.way.state == State::Cancelled);
        assert_eq!((given.len(), all.len(), again.len(), replanned_cancelled), (4, 4, 1, true));
        assert!(all.iter().all(|message| message.accepted_at >= Some(at(30))), "when it was taken is kept");
        let events = ward.home.read(|view| messages::events(view, again[0].id)).unwrap();
        let last = events.last().and_then(|(.., code)| code.as_deref());
        assert_eq!((last, entries(&ward.home, "message.suppressed")), (Some("superseded"), 1));
    }
}

/// Keeps what it is given.
#[derive(Default)]
struct Inbox(Mutex<Vec<String>>);

impl Channel for Inbox {
    fn channel(&self) -> message::Channel {
        message::Channel::Email
    }

    fn send(&self, message: &Outgoing, _now: Instant) -> SendOutcome {
        self.0.lock().unwrap().push(format!("{}: {}", message.subject, message.text));
        SendOutcome { attempt: Attempt::Accepted, provider_id: None, code: "box", fault: None }
    }
}

#[test]
fn a_message_is_in_the_language_and_on_the_clock_of_its_reader() {
    for ward in wards() {
        ward.sends_e_mail();
        let manaus = Reader { lang: Lang::En, zone: Zone::parse("America/Manaus").unwrap() };
        let reader = ward.people[1];
        ward.home.write(Actor::Operator, NOW, |tx| reader::write_for(tx, reader, manaus)).unwrap();
        let inbox = Arc::new(Inbox::default());
        let mut post = Outbox::new((*ward.home).clone(), inbox.clone(), Breakers::default(), String::new());
        for minute in 0..=5 {
            ward.tick(at(minute));
            while post.run(at(minute)).unwrap().more {}
        }
        let [first, second] = &inbox.0.lock().unwrap()[..] else { panic!("{:?}", inbox.0) };
        assert!(first.contains("09:00") && first.contains("Entre"), "São Paulo: {first}");
        assert!(second.contains("08:00") && !second.contains("Entre"), "Manaus: {second}");
    }
}

/// Acked on the phone, the message still came, and again with the next attempt (oncall 4654).
#[test]
fn an_answer_ends_the_attempts_of_what_is_under_way() {
    for ward in wards() {
        ward.sends_e_mail();
        ward.tick(NOW);
        let house = |now, f: &mut dyn FnMut(&mut Tx<'_>) -> store::Result<Vec<messages::Stored>>| {
            ward.home.keep_house(Urgency::Urgent, "test", now, |tx| f(tx)).unwrap()
        };
        let claimed = house(NOW, &mut |tx| messages::claim(tx, message::Channel::Email, None, 10));
        assert_eq!(claimed.len(), 1);
        assert!(
            house(NOW, &mut |tx| messages::claim(tx, message::Channel::Email, None, 10)).is_empty(),
            "one has it"
        );
        ward.act(1, Act::Ack, at(1));
        house(at(1), &mut |tx| {
            let wait = Some(Duration::from_secs(5));
            messages::attempted(
                tx,
                &claimed[0],
                &messages::Answer::new(Attempt::Later(None), "smtp_451"),
                wait,
            )?;
            Ok(vec![])
        });
        assert_eq!(mail(&ward)[0].way.state, State::Failed);
        assert!(house(at(9), &mut |tx| messages::claim(tx, message::Channel::Email, None, 10)).is_empty());
    }
}

/// Others were looked at for half a minute before it was its turn: another node took its claim for one that never
/// reported, and the message went twice.
#[test]
fn the_time_for_an_answer_is_counted_from_when_a_message_leaves_and_not_from_its_claim() {
    for ward in wards() {
        ward.sends_e_mail();
        ward.tick(NOW);
        let house = |second, f: &dyn Fn(&mut Tx<'_>) -> store::Result<usize>| {
            let now = NOW.plus(Duration::from_secs(second));
            ward.home.keep_house(Urgency::Urgent, "test", now, |tx| f(tx)).unwrap()
        };
        let claim = |second| {
            let now = NOW.plus(Duration::from_secs(second));
            let take = |tx: &mut Tx<'_>| messages::claim(tx, message::Channel::Email, None, 10);
            ward.home.keep_house(Urgency::Urgent, "test", now, take).unwrap()
        };
        let first = claim(0);
        let leaves = |second, claimed: &[messages::Stored]| {
            house(second, &|tx| messages::hand_over(tx, claimed).map(|cleared| cleared.len()))
        };
        assert_eq!((first.len(), leaves(25, &first)), (1, 1));
        let given_up = |second| house(second, &|tx| messages::overdue(tx, 10));
        assert_eq!((given_up(54), given_up(55)), (0, 1), "it left at 25");
        let second = claim(55);
        assert_eq!(leaves(56, &first), 0, "whoever was slower hands nothing over");
        assert_eq!(leaves(56, &second), 1);
    }
}

/// Stuck in sending for ever (chatwoot 13807); receipts that contradict each other (chatwoot 13377).
#[test]
fn an_attempt_that_never_reported_is_made_again_and_receipts_only_move_forward() {
    for ward in wards() {
        ward.sends_e_mail();
        ward.tick(NOW);
        let claim = |now| {
            let take = |tx: &mut Tx<'_>| messages::claim(tx, message::Channel::Email, None, 10);
            ward.home.keep_house(Urgency::Urgent, "test", now, take).unwrap()
        };
        let first = claim(NOW);
        let wire = Arc::new(Wire::default());
        let mut post = Outbox::new((*ward.home).clone(), wire.clone(), Breakers::default(), String::new());
        post.run(at(0).plus(Duration::from_secs(29))).unwrap();
        assert!(wire.given.lock().unwrap().is_empty());
        while post.run(at(1)).unwrap().more {}
        assert_eq!(*wire.given.lock().unwrap(), [first[0].key.clone()], "the same key");
        let receipt = |receipt| {
            let take = |tx: &mut Tx<'_>| messages::receipt(tx, &first[0].key, receipt);
            ward.home.keep_house(Urgency::Urgent, "test", at(2), take).unwrap()
        };
        assert!(receipt(Receipt::Undeliverable));
        assert!(!receipt(Receipt::Delivered));
        assert_eq!(mail(&ward)[0].way.state, State::Failed);
        assert_eq!((entries(&ward.home, "message.sent"), receipt(Receipt::Undeliverable)), (1, false));
    }
}

/// Hours passed and nobody knew (grafana oncall 1206): what is late is raised by who did not plan it.
#[test]
fn the_auditor_raises_what_was_planned_and_not_done_and_takes_it_back_once_it_is() {
    for ward in wards() {
        let boss = person(&ward.home, Role::Manager);
        let mut auditor = Auditor::new((*ward.home).clone(), Status::default());
        auditor.run(at(1)).unwrap();
        let standing = || ward.home.read(lapses::standing).unwrap();
        assert!(standing().is_empty(), "a minute is not late");
        auditor.run(at(3)).unwrap();
        let kinds: Vec<String> = standing().into_iter().map(|one| one.lapse.kind).collect();
        assert_eq!(kinds, ["late_step"]);
        assert_eq!(entries(&ward.home, "engine.lapse"), 1);
        auditor.run(at(4)).unwrap();
        assert_eq!(entries(&ward.home, "engine.lapse"), 1, "told once");
        let unread = ward.home.read(|view| messages::unread(view, boss, 9)).unwrap();
        assert_eq!(unread.iter().map(|one| one.template.as_str()).collect::<Vec<_>>(), ["lapse"]);
        ward.tick(at(5));
        auditor.run(at(6)).unwrap();
        assert!(standing().is_empty());
        let alive = |now| ward.home.read(|view| crate::health::auditor::heartbeat(view, now)).unwrap();
        assert_eq!((alive(at(8)), alive(at(10))), (Some(at(6)), None), "a dead auditor is noticed");
    }
}

/// What the log says was sent is what was sent, whatever the template says by then.
#[test]
fn a_message_is_written_from_the_template_that_was_in_force_when_it_was_planned() {
    for ward in wards() {
        ward.sends_e_mail();
        ward.tick(NOW);
        let rewrite = |tx: &mut Tx<'_>| {
            let mut page = versions::in_force::<Template>(tx, "page", NOW)?.unwrap();
            page.body.subject.pt = "Outra coisa".to_owned();
            versions::publish(tx, "page", &page.body, page.version)
        };
        ward.home.write(Actor::Operator, at(1), rewrite).unwrap();
        let inbox = Arc::new(Inbox::default());
        let mut post = Outbox::new((*ward.home).clone(), inbox.clone(), Breakers::default(), String::new());
        post.run(at(1)).unwrap();
        ward.tick(at(5));
        post.run(at(5)).unwrap();
        let given = inbox.0.lock().unwrap().clone();
        let new: Vec<bool> = given.iter().map(|message| message.starts_with("Outra coisa [")).collect();
        assert_eq!(new, [false, true], "{given:?}");
    }
}

/// Whoever left between the plan and the attempt gets nothing more.
#[test]
fn a_message_to_somebody_who_may_no_longer_sign_in_is_not_sent() {
    for ward in wards() {
        ward.sends_e_mail();
        ward.tick(NOW);
        ward.home.write(Actor::Operator, NOW, |tx| users::disable(tx, ward.people[0]).map(drop)).unwrap();
        let wire = Arc::new(Wire::default());
        let mut post = Outbox::new((*ward.home).clone(), wire.clone(), Breakers::default(), String::new());
        while post.run(at(1)).unwrap().more {}
        assert_eq!(wire.given.lock().unwrap().len(), 0);
        assert_eq!((mail(&ward)[0].way.state, entries(&ward.home, "message.failed")), (State::Failed, 1));
    }
}

#[test]
fn a_page_that_nobody_could_send_in_time_is_not_sent_afterwards() {
    for ward in wards() {
        ward.sends_e_mail();
        ward.tick(NOW);
        let wire = Arc::new(Wire::default());
        let mut post = Outbox::new((*ward.home).clone(), wire.clone(), Breakers::default(), String::new());
        let late = NOW.plus(messages::PAGE_LASTS).plus(Duration::from_micros(1));
        while post.run(late).unwrap().more {}
        assert_eq!(wire.given.lock().unwrap().len(), 0);
        let page = &mail(&ward)[0];
        let events = ward.home.read(|view| messages::events(view, page.id)).unwrap();
        let ended = [(late, "failed".to_owned(), Some("out_of_date".to_owned()))];
        assert_eq!((page.way.state, events.as_slice()), (State::Failed, ended.as_slice()));
    }
}
