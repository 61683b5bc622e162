//! Programs that are called: each rests alone when it is down, is told the same each time, and asks again for what it
//! missed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::Module as _;
use crate::messages::outbox::{Breakers, Outbox, Whom};
use crate::tests::ward::{Ward, at, wards};
use domain::alerts::Act;
use domain::messages::{self as message, Attempt, State};
use domain::{Instant, Role, StaffIdentity, UserId};
use notify::{Address, Channel, Fault, Outgoing, SendOutcome};
use store::messages::Stored;
use store::messages::{self, webhooks};
use store::people::users;
use store::testing::{NOW, entries};
use store::{Tx, Urgency};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const LIVING: &str = "https://vivo.example/hook";
const DEAD: &str = "https://morto.example/hook";

/// Programs, some of which are down.
#[derive(Default)]
struct Programs {
    down: Mutex<Vec<&'static str>>,
    /// Those that want to hear nothing any more.
    gone: Mutex<Vec<&'static str>>,
    /// What each was given, in order: key and body.
    given: Mutex<BTreeMap<String, Vec<(String, String)>>>,
    asked: Mutex<BTreeMap<String, usize>>,
}

impl Channel for Programs {
    fn channel(&self) -> message::Channel {
        message::Channel::Webhook
    }

    fn send(&self, message: &Outgoing, _now: Instant) -> SendOutcome {
        let Address::Webhook { url, .. } = &message.to else { panic!("{message:?}") };
        *self.asked.lock().unwrap().entry(url.clone()).or_default() += 1;
        let down = self.down.lock().unwrap().iter().any(|down| down == url);
        let call = (message.key.clone(), message.text.clone());
        self.given.lock().unwrap().entry(url.clone()).or_default().push(call);
        if self.gone.lock().unwrap().iter().any(|gone| gone == url) {
            return SendOutcome { attempt: Attempt::Never, provider_id: None, code: "http_410", fault: None };
        }
        let attempt = if down { Attempt::Later(None) } else { Attempt::Accepted };
        SendOutcome { attempt, provider_id: None, code: "programs", fault: down.then_some(Fault::Provider) }
    }
}

fn house<T>(ward: &Ward, now: Instant, f: impl FnOnce(&mut Tx<'_>) -> store::Result<T>) -> T {
    ward.home.keep_house(Urgency::Urgent, "test", now, f).unwrap()
}

fn add(ward: &Ward, url: &str) -> String {
    house(ward, NOW, |tx| webhooks::insert(tx, url, SECRET))
}

fn of(ward: &Ward, id: &str) -> Vec<Stored> {
    ward.home.read(|view| messages::after(view, message::Channel::Webhook, id, 0, 100)).unwrap()
}

fn post(ward: &Ward, programs: &Arc<Programs>, breakers: &Breakers) -> Outbox {
    let channel: Arc<dyn Channel> = Arc::<Programs>::clone(programs);
    Outbox::new((*ward.home).clone(), channel, breakers.clone(), "https://zelo.example".into())
}

fn asked(programs: &Programs, url: &str) -> usize {
    programs.asked.lock().unwrap().get(url).copied().unwrap_or_default()
}

#[test]
fn a_program_that_is_down_rests_alone_and_the_others_are_called_as_ever() {
    for ward in wards() {
        let (dead, living) = (add(&ward, DEAD), add(&ward, LIVING));
        let programs = Arc::new(Programs { down: Mutex::new(vec![DEAD]), ..Programs::default() });
        let breakers = Breakers::default();
        let mut post = post(&ward, &programs, &breakers);
        for second in 0..(30 * 60) {
            let now = NOW.plus(Duration::from_secs(second));
            if second % 60 == 0 {
                ward.tick(now);
            }
            let (rested, before) = (breakers.resting().len(), asked(&programs, DEAD));
            while post.run(now).unwrap().more {}
            let now_asked = asked(&programs, DEAD) - before;
            assert!(rested == 0 || now_asked <= 1, "one message asks whether it is back: {now_asked}");
            let waits = of(&ward, &living).iter().filter(|one| one.way.state != State::Accepted).count();
            assert_eq!(waits, 0, "after {second} s");
        }
        let rests: Vec<Whom> = breakers.resting().into_iter().map(|rest| rest.whom).collect();
        assert_eq!(rests, [Whom::Recipient(message::Channel::Webhook, dead.clone())]);
        assert!(breakers.open_until()[0].1.is_some(), "the channel shows it");
        let asked = asked(&programs, DEAD);
        assert!(asked < 40, "nobody hammers who is down: {asked}");
        // It comes back: nothing was lost, and it is called by the same keys.
        programs.down.lock().unwrap().clear();
        for second in (30 * 60)..(36 * 60) {
            while post.run(NOW.plus(Duration::from_secs(second))).unwrap().more {}
        }
        let states: Vec<State> = of(&ward, &dead).iter().map(|one| one.way.state).collect();
        assert_eq!(
            (states.len(), states.iter().all(|state| *state == State::Accepted)),
            (4, true),
            "{states:?}"
        );
        assert_eq!(breakers.resting(), []);
    }
}

#[test]
fn a_call_says_that_something_waits_and_where_with_the_same_bytes_each_time() {
    for ward in wards() {
        add(&ward, DEAD);
        let programs = Arc::new(Programs { down: Mutex::new(vec![DEAD]), ..Programs::default() });
        let mut post = post(&ward, &programs, &Breakers::default());
        ward.tick(NOW);
        for second in [0, 10, 30] {
            post.run(NOW.plus(Duration::from_secs(second))).unwrap();
        }
        let given = programs.given.lock().unwrap()[DEAD].clone();
        assert_eq!(given.len(), 3);
        assert!(given.iter().all(|one| *one == given[0]), "{given:?}");
        let body: Value = serde_json::from_str(&given[0].1).unwrap();
        let wanted = json!({
            "type": "page", "at": NOW, "data": {
                "cursor": body["data"]["cursor"], "sequence": 1, "case": { "kind": "alert", "id": ward.alert },
                "link": format!("https://zelo.example/alerts/{}", ward.alert), "repetition": 1,
            },
        });
        assert_eq!(body, wanted);
        assert!(body["data"]["cursor"].is_i64());
    }
}

#[test]
fn a_program_that_lost_a_day_asks_for_it_again_by_the_same_ids() {
    for ward in wards() {
        let id = add(&ward, LIVING);
        let programs = Arc::new(Programs::default());
        let mut post = post(&ward, &programs, &Breakers::default());
        for minute in 0..20 {
            ward.tick(at(minute));
            while post.run(at(minute)).unwrap().more {}
        }
        let before = of(&ward, &id);
        assert_eq!(before.len(), 4);
        let first = before[0].id;
        let again = |now, after| house(&ward, now, |tx| webhooks::replay(tx, &id, after));
        assert_eq!(again(at(24 * 60), first), (3, None), "after the first");
        assert_eq!(again(at(24 * 60), first), (0, None), "what is due comes anyway");
        while post.run(at(24 * 60 + 1)).unwrap().more {}
        // Calls of one turn are made side by side.
        let keys = |from: usize| -> BTreeSet<String> {
            programs.given.lock().unwrap()[LIVING][from..].iter().map(|(key, _)| key.clone()).collect()
        };
        assert_eq!(keys(4), before[1..].iter().map(|one| one.key.clone()).collect());
        assert!(of(&ward, &id).iter().all(|one| one.way.state == State::Accepted));
        // Somebody answers while the last page is on its way back: it is wanted no more.
        again(at(24 * 60), before[2].id);
        ward.act(3, Act::Ack, at(24 * 60));
        assert_eq!(again(at(24 * 60 + 1), before[2].id), (0, None));
        while post.run(at(24 * 60 + 1)).unwrap().more {}
        assert_eq!(programs.asked.lock().unwrap()[LIVING], 8);
        let given = programs.given.lock().unwrap();
        let (_, last) = given[LIVING].last().unwrap();
        assert!(last.contains("\"acknowledged\""), "only the answer itself is told: {last}");
    }
}

#[test]
fn a_call_can_be_tried_and_a_program_that_is_disabled_is_called_no_more() {
    for ward in wards() {
        let id = add(&ward, LIVING);
        let programs = Arc::new(Programs::default());
        let mut post = post(&ward, &programs, &Breakers::default());
        let cursor = house(&ward, NOW, |tx| webhooks::try_out(tx, &id));
        post.run(NOW).unwrap();
        let (_, body) = programs.given.lock().unwrap()[LIVING][0].clone();
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((&body["type"], &body["data"]["cursor"]), (&json!("test"), &json!(cursor)));
        house(&ward, NOW, |tx| webhooks::try_out(tx, &id));
        house(&ward, NOW, |tx| webhooks::disable(tx, &id));
        while post.run(NOW).unwrap().more {}
        let states: Vec<State> = of(&ward, &id).iter().map(|one| one.way.state).collect();
        assert_eq!(states, [State::Accepted, State::Failed]);
        let refused = ward.home.keep_house(Urgency::Urgent, "test", NOW, |tx| webhooks::replay(tx, &id, 0));
        assert!(matches!(refused, Err(store::Error::NotFound("webhook"))), "{refused:?}");
        assert_eq!(entries(&ward.home, "message.failed"), 1);
    }
}

/// A receiver keeps its own picture of a case: it hears of the answer and the end, and no later word takes one back.
#[test]
fn a_program_hears_what_became_of_a_case() {
    for ward in wards() {
        let id = add(&ward, LIVING);
        let programs = Arc::new(Programs::default());
        ward.tick(NOW);
        ward.act(0, Act::Claim, at(1));
        ward.act(0, Act::Reassign { to: ward.people[1] }, at(1));
        ward.act(1, Act::Ack, at(2));
        ward.act(1, Act::Unack, at(2));
        ward.act(1, Act::Ack, at(3));
        ward.act(1, Act::Resolve { outcome: domain::Outcome::TrueAlarm }, at(3));
        let mut post = post(&ward, &programs, &Breakers::default());
        while post.run(at(4)).unwrap().more {}
        let mut planned: Vec<_> = of(&ward, &id).into_iter().filter(|one| one.sequence.is_some()).collect();
        planned.sort_by_key(|one| one.sequence);
        let numbers: Vec<Option<i64>> = planned.iter().map(|one| one.sequence).collect();
        let heard: Vec<&str> = planned.iter().map(|one| one.template.as_str()).collect();
        let wanted = ["claimed", "reassigned", "acknowledged", "reopened", "acknowledged", "resolved"];
        assert_eq!(heard, wanted);
        let counted: Vec<Option<i64>> = (1..=6).map(Some).collect();
        assert_eq!(numbers, counted, "what was cancelled before it left has no number: {planned:?}");
        assert!(planned.iter().all(|one| one.way.state == State::Accepted));
    }
}

/// A program that an administrator added: who, and the program.
fn added_by_somebody(ward: &Ward) -> (UserId, String) {
    let admin = house(ward, NOW, |tx| {
        let identity = StaffIdentity {
            name: "Rui Melo".parse().unwrap(),
            email: "rui@clinica.example".parse().unwrap(),
        };
        users::insert(tx, &users::NewUser { identity, role: Role::Admin, patient: None, password: None })
    });
    let actor = store::Actor::User { id: admin.id, role: Role::Admin };
    let id = ward.home.write(actor, NOW, |tx| webhooks::insert(tx, LIVING, SECRET)).unwrap();
    (admin.id, id)
}

#[test]
fn a_program_that_is_gone_ends_its_subscription_and_its_owner_hears_of_it() {
    for ward in wards() {
        let (admin, id) = added_by_somebody(&ward);
        ward.tick(NOW);
        let call = of(&ward, &id).remove(0);
        house(&ward, NOW, |tx| {
            let claimed = messages::claim(tx, message::Channel::Webhook, Some(&id), 1)?.remove(0);
            assert_eq!(claimed.id, call.id);
            messages::attempted(tx, &claimed, &messages::Answer::new(Attempt::Never, "http_410"), None)
        });
        let hook = ward.home.read(|view| webhooks::get(view, &id)).unwrap();
        assert_eq!(hook.disabled_at, Some(NOW));
        let unread = ward.home.read(|view| messages::unread(view, admin, 10)).unwrap();
        let templates: Vec<&str> = unread.iter().map(|one| one.template.as_str()).collect();
        assert_eq!(templates, ["webhook_gone"]);
    }
}

/// A program that redirected every call failed dozens of them, and whoever had added it was told nothing.
#[test]
fn whoever_added_a_program_that_redirects_or_refuses_its_calls_hears_of_it_once_a_day() {
    for ward in wards() {
        let (admin, id) = added_by_somebody(&ward);
        for minute in [0, 5, 10] {
            ward.tick(at(minute));
            house(&ward, at(minute), |tx| {
                let claimed = messages::claim(tx, message::Channel::Webhook, Some(&id), 1)?.remove(0);
                messages::attempted(tx, &claimed, &messages::Answer::new(Attempt::Never, "http_3xx"), None)
            });
        }
        assert_eq!(ward.home.read(|view| webhooks::get(view, &id)).unwrap().disabled_at, None);
        let unread = ward.home.read(|view| messages::unread(view, admin, 10)).unwrap();
        let templates: Vec<&str> = unread.iter().map(|one| one.template.as_str()).collect();
        assert_eq!(templates, ["webhook_refuses"]);
    }
}

#[test]
fn a_program_that_answers_410_is_called_once_and_no_more_while_the_others_are_called_as_ever() {
    for ward in wards() {
        let (gone, living) = (add(&ward, DEAD), add(&ward, LIVING));
        let programs = Arc::new(Programs { gone: Mutex::new(vec![DEAD]), ..Programs::default() });
        let breakers = Breakers::default();
        let mut post = post(&ward, &programs, &breakers);
        for minute in 0..30 {
            ward.tick(at(minute));
            while post.run(at(minute)).unwrap().more {}
        }
        let heard = asked(&programs, LIVING);
        assert!(heard > 3, "each step: {heard}");
        assert_eq!(
            (asked(&programs, DEAD), of(&ward, &gone).len()),
            (1, 1),
            "nothing more is planned for it"
        );
        assert_eq!(of(&ward, &gone)[0].way.state, State::Failed);
        let disabled = |id: &str| ward.home.read(|view| webhooks::get(view, id)).unwrap().disabled_at;
        assert_eq!((disabled(&gone), disabled(&living)), (Some(NOW), None));
        assert_eq!(breakers.resting(), [], "it is no provider's fault");
    }
}

/// Pages are worth sending for a day; whoever asks for older ones wants them all the same.
#[test]
fn a_program_that_lost_a_weekend_gets_what_it_asks_for() {
    for ward in wards() {
        let id = add(&ward, LIVING);
        let programs = Arc::new(Programs::default());
        let mut post = post(&ward, &programs, &Breakers::default());
        ward.tick(NOW);
        while post.run(NOW).unwrap().more {}
        let monday = 72 * 60;
        assert_eq!(house(&ward, at(monday), |tx| webhooks::replay(tx, &id, 0)), (1, None));
        while post.run(at(monday + 1)).unwrap().more {}
        assert_eq!((asked(&programs, LIVING), of(&ward, &id)[0].way.state), (2, State::Accepted));
    }
}
