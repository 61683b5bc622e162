//! Whoever hands a red on by name is not told any more that it waits for them.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::tests::ward::{Ward, Wire, at, cycle, raise, wards};
use domain::AlertId;
use domain::alerts::Act;
use domain::messages as message;
use notify::Channel;
use store::testing::NOW;
use store::{Urgency, messages};

/// The cases that wait for somebody on their dashboard.
fn shown(ward: &Ward, who: usize) -> BTreeSet<String> {
    let unread = ward.home.read(|view| messages::unread(view, ward.people[who], 99)).unwrap();
    unread.into_iter().map(|one| one.subject).collect()
}

fn set(cases: &[AlertId]) -> BTreeSet<String> {
    cases.iter().map(AlertId::to_string).collect()
}

/// How many messages to somebody were given to the wire.
fn mails(ward: &Ward, wire: &Wire, who: usize) -> usize {
    let user = ward.people[who].to_string();
    wire.given.lock().unwrap().iter().filter(|key| key.contains(&user)).count()
}

/// Twelve reds were handed on within a second of the call; the message named eight of them, and the dashboard all
/// twelve.
#[test]
fn whoever_hands_a_red_on_is_told_of_it_no_more_and_whoever_is_given_it_is() {
    for ward in wards() {
        ward.sends_e_mail();
        let others: Vec<AlertId> = (0..3).map(|_| raise(&ward.home, NOW)).collect();
        ward.tick(NOW);
        let all = [&[ward.alert], others.as_slice()].concat();
        assert_eq!(shown(&ward, 0), set(&all));
        others.iter().for_each(|red| ward.act_on(*red, 0, Act::Reassign { to: ward.people[2] }, NOW));
        assert_eq!((shown(&ward, 0), shown(&ward, 2)), (set(&[ward.alert]), set(&others)));
        ward.act(0, Act::Reassign { to: ward.people[3] }, NOW);
        let wire = Arc::new(Wire::default());
        let channel: Arc<dyn Channel> = Arc::<Wire>::clone(&wire);
        cycle(&ward.home, &channel, at(1)).unwrap();
        let left = [0, 2, 3].map(|who| mails(&ward, &wire, who));
        assert_eq!(left, [0, 1, 1], "none to whoever handed them on, one each to whoever has them");
        // They may answer all the same, and hear of it again once it is given back to them.
        ward.act(3, Act::Reassign { to: ward.people[0] }, at(2));
        assert_eq!((shown(&ward, 0), shown(&ward, 3)), (set(&[ward.alert]), set(&[])));
        ward.act_on(others[0], 0, Act::Ack, at(2));
    }
}

#[test]
fn a_message_that_is_about_to_leave_counts_no_red_that_was_handed_on() {
    for ward in wards() {
        ward.sends_e_mail();
        let second = raise(&ward.home, NOW);
        ward.tick(NOW);
        let to = ward.people[0].to_string();
        let house = |run: &dyn Fn(&mut store::Tx<'_>) -> store::Result<Vec<messages::Stored>>| {
            ward.home.keep_house(Urgency::Urgent, "test", NOW, |tx| run(tx)).unwrap()
        };
        let claimed = house(&|tx| messages::claim_cases(tx, message::Channel::Email, &to, 50));
        assert_eq!(claimed.len(), 2);
        ward.act_on(second, 0, Act::Reassign { to: ward.people[2] }, NOW);
        let left = house(&|tx| {
            Ok(messages::hand_over(tx, &claimed)?.iter().map(|one| one.message().clone()).collect())
        });
        let left: Vec<&str> = left.iter().map(|one| one.subject.as_str()).collect();
        assert_eq!(left, [ward.alert.to_string()]);
    }
}

/// A third person gives what one has to another: it leaves the hands of the first, who did not hand it on themselves.
#[test]
fn whoever_had_a_red_that_somebody_else_hands_on_is_told_of_it_no_more_either() {
    for ward in wards() {
        ward.tick(NOW);
        ward.act(0, Act::Reassign { to: ward.people[1] }, at(1));
        assert_eq!(shown(&ward, 1), set(&[ward.alert]));
        ward.act(3, Act::Reassign { to: ward.people[2] }, at(2));
        assert_eq!((shown(&ward, 1), shown(&ward, 2)), (set(&[]), set(&[ward.alert])));
    }
}
