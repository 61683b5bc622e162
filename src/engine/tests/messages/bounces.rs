//! What comes back by mail: it counts once, whoever reads it and however often, and the next page goes by another way.

use std::sync::{Arc, Mutex};

use crate::Module as _;
use crate::messages::bounces::Bounces;
use crate::tests::ward::{Ward, Wire, at, cycle, raise, wards};
use domain::messages::{self as message, Receipt, State};
use notify::Channel;
use notify::bounce::Bounce;
use notify::mailbox::{Error, Reports, Visit, Watermark};
use store::escalation::{self, paging};
use store::testing::entries;
use store::{Store, messages, on_call};

/// A mailbox with one report a mail.
#[derive(Default)]
struct Inbox {
    mails: Mutex<Vec<Bounce>>,
    /// The watermark of each visit.
    visits: Mutex<Vec<Option<u32>>>,
    settled: Mutex<usize>,
    down: Mutex<bool>,
    validity: Mutex<u32>,
}

impl Reports for Inbox {
    fn visit(&self, since: Option<Watermark>) -> Result<Visit, Error> {
        if *self.down.lock().unwrap() {
            return Err(Error::Unreachable);
        }
        let validity = *self.validity.lock().unwrap();
        let last = since.filter(|mark| mark.validity == validity).map_or(0, |mark| mark.uid);
        self.visits.lock().unwrap().push(since.map(|mark| mark.uid));
        let mails = self.mails.lock().unwrap();
        let uid = u32::try_from(mails.len()).unwrap();
        let bounces = mails.iter().skip(usize::try_from(last).unwrap()).cloned().collect();
        let watermark = Watermark { validity, uid };
        Ok(Visit { bounces, settled: (last + 1..=uid).collect(), watermark, ..Visit::default() })
    }

    fn settle(&self, visit: &Visit) -> Result<(), Error> {
        *self.settled.lock().unwrap() += visit.settled.len();
        Ok(())
    }
}

fn mails(ward: &Ward) -> Vec<messages::Stored> {
    let about = ward.alert.to_string();
    let mut all = ward.home.read(|view| messages::of_case(view, escalation::ALERT, &about)).unwrap();
    all.retain(|message| message.channel == message::Channel::Email);
    all
}

fn bounce(message: &messages::Stored, permanent: bool) -> Bounce {
    Bounce { key: message.key.clone(), receipt: Receipt::Undeliverable, permanent, addresses: vec![] }
}

fn reader(store: &Store, mailbox: &Arc<Inbox>) -> Bounces {
    let mailbox: Arc<dyn Reports> = Arc::<Inbox>::clone(mailbox);
    Bounces::new(store.clone(), mailbox)
}

#[test]
fn a_mailbox_that_is_gone_ends_the_message_and_the_next_page_goes_by_another_way() {
    for ward in wards() {
        ward.sends_e_mail();
        let wire: Arc<dyn Channel> = Arc::new(Wire::default());
        cycle(&ward.home, &wire, at(0)).unwrap();
        let mailbox = Arc::new(Inbox::default());
        mailbox.mails.lock().unwrap().push(bounce(&mails(&ward)[0], true));
        let mut bounces = reader(&ward.home, &mailbox);
        assert_eq!(bounces.run(at(1)).unwrap().did, 1);
        assert_eq!(mails(&ward)[0].way.state, State::Failed);
        let lost = ward.home.read(|view| on_call::unreachable(view, ward.people[0])).unwrap();
        assert_eq!(
            (lost.len(), lost[0].channel, lost[0].why.as_str()),
            (1, message::Channel::Email, "bounced")
        );
        assert_eq!((entries(&ward.home, "message.failed"), *mailbox.settled.lock().unwrap()), (1, 1));
        // Read again by another node, and read anew after the mailbox numbered anew: heard once.
        let acts = entries(&ward.home, "admin.config");
        *mailbox.validity.lock().unwrap() = 7;
        let mut other = reader(&ward.home, &mailbox);
        assert_eq!(other.run(at(1)).unwrap().did, 1);
        assert_eq!((entries(&ward.home, "message.failed"), entries(&ward.home, "admin.config")), (1, acts));
        // The escalation goes on, by e-mail to whom it reaches.
        for minute in 1..=15 {
            cycle(&ward.home, &wire, at(minute)).unwrap();
        }
        let to: Vec<_> = mails(&ward).into_iter().map(|one| one.recipient).collect();
        let people = |places: [usize; 4]| places.map(|place| ward.people[place].to_string());
        assert_eq!(to, people([0, 1, 2, 3]));
        let channels = |user| ward.home.read(|view| paging::channels(view, user)).unwrap();
        assert_eq!(channels(ward.people[0]), [message::Channel::InApp]);
        assert_eq!(channels(ward.people[1]), [message::Channel::InApp, message::Channel::Email]);
        // Somebody looked into it.
        let system = store::Actor::Operator;
        let regain =
            |tx: &mut store::Tx<'_>| on_call::reached_again(tx, ward.people[0], message::Channel::Email);
        ward.home.write(system, at(20), regain).unwrap();
        *mailbox.validity.lock().unwrap() = 8;
        assert_eq!(reader(&ward.home, &mailbox).run(at(21)).unwrap().did, 1);
        assert_eq!(channels(ward.people[0]).len(), 2, "an old report does not come back");
    }
}

/// One message told of three cases; its report marked the first, and two pages showed it as arrived.
#[test]
fn a_report_on_a_message_of_several_cases_is_said_of_each() {
    for ward in wards() {
        ward.sends_e_mail();
        let others = [(); 2].map(|()| raise(&ward.home, at(0)));
        let wire = Arc::new(Wire::default());
        let channel: Arc<dyn Channel> = Arc::<Wire>::clone(&wire);
        cycle(&ward.home, &channel, at(0)).unwrap();
        let given = wire.given.lock().unwrap().clone();
        let [key] = given.as_slice() else { panic!("one mail: {given:?}") };
        assert_ne!(*key, mails(&ward)[0].key, "who has seen the first case alone has not seen this");
        let mailbox = Arc::new(Inbox::default());
        let report =
            Bounce { key: key.clone(), receipt: Receipt::Undeliverable, permanent: false, addresses: vec![] };
        mailbox.mails.lock().unwrap().push(report);
        reader(&ward.home, &mailbox).run(at(1)).unwrap();
        for case in [ward.alert, others[0], others[1]] {
            let all = ward.home.read(|view| messages::of_case(view, escalation::ALERT, &case.to_string()));
            let message =
                all.unwrap().into_iter().find(|one| one.channel == message::Channel::Email).unwrap();
            assert_eq!(message.way.state, State::Failed, "{case}");
            let events = ward.home.read(|view| messages::events(view, message.id)).unwrap();
            assert_eq!(events.last().and_then(|(.., code)| code.as_deref()), Some("bounced"));
        }
    }
}

#[test]
fn a_mailbox_that_is_full_ends_the_message_and_the_person_stays_in_reach() {
    for ward in wards() {
        ward.sends_e_mail();
        let wire: Arc<dyn Channel> = Arc::new(Wire::default());
        cycle(&ward.home, &wire, at(0)).unwrap();
        let mailbox = Arc::new(Inbox::default());
        mailbox.mails.lock().unwrap().push(bounce(&mails(&ward)[0], false));
        reader(&ward.home, &mailbox).run(at(1)).unwrap();
        assert_eq!(mails(&ward)[0].way.state, State::Failed);
        assert_eq!(ward.home.read(|view| on_call::unreachable(view, ward.people[0])).unwrap(), []);
        let events = ward.home.read(|view| messages::events(view, mails(&ward)[0].id)).unwrap();
        let last = events.last().map(|(_, what, code)| (what.as_str(), code.as_deref()));
        assert_eq!(last, Some(("failed", Some("bounced"))), "the alert's page can say why");
    }
}

#[test]
fn a_report_on_an_address_to_which_a_message_was_passed_on_loses_nobody() {
    for ward in wards() {
        ward.sends_e_mail();
        let wire: Arc<dyn Channel> = Arc::new(Wire::default());
        cycle(&ward.home, &wire, at(0)).unwrap();
        let unreachable_after = |addresses: &[&str], minute| {
            let mailbox = Arc::new(Inbox::default());
            let addresses = addresses.iter().map(|address| (*address).to_owned()).collect();
            let report = Bounce { addresses, ..bounce(&mails(&ward)[0], true) };
            mailbox.mails.lock().unwrap().push(report);
            reader(&ward.home, &mailbox).run(at(minute)).unwrap();
            ward.home.read(|view| on_call::unreachable(view, ward.people[0])).unwrap().len()
        };
        assert_eq!(unreachable_after(&["another@elsewhere.example"], 1), 0);
        assert_eq!(mails(&ward)[0].way.state, State::Failed, "the message did not arrive all the same");
    }
}

#[test]
fn it_looks_each_minute_from_where_it_stopped_and_a_server_that_is_down_loses_nothing() {
    for ward in wards() {
        ward.sends_e_mail();
        let wire: Arc<dyn Channel> = Arc::new(Wire::default());
        cycle(&ward.home, &wire, at(0)).unwrap();
        let mailbox = Arc::new(Inbox::default());
        let mut bounces = reader(&ward.home, &mailbox);
        let acts = entries(&ward.home, "admin.config");
        bounces.run(at(0)).unwrap();
        assert_eq!(bounces.every(), std::time::Duration::from_secs(60), "at most each minute");
        *mailbox.down.lock().unwrap() = true;
        mailbox.mails.lock().unwrap().push(bounce(&mails(&ward)[0], false));
        assert_eq!(bounces.run(at(1)).unwrap().did, 0);
        *mailbox.down.lock().unwrap() = false;
        assert_eq!(bounces.run(at(2)).unwrap().did, 1);
        assert_eq!(reader(&ward.home, &mailbox).run(at(3)).unwrap().did, 0);
        assert_eq!(*mailbox.visits.lock().unwrap(), [None, Some(0), Some(1)]);
        assert_eq!(entries(&ward.home, "admin.config"), acts, "how far it read is nobody's act");
    }
}
