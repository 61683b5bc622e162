//! Two nodes on one database give the log of one: each step is done once, each message leaves once.

use std::collections::BTreeMap;
use std::sync::{Arc, Barrier};

use crate::tests::ward::{Ward, Wire, at, cycle, raise, ward};
use domain::AlertId;
use domain::messages::{self as message, State};
use notify::Channel;
use store::testing::{Home, NOW, stores};
use store::{Store, escalation, messages};

const REDS: usize = 12;

/// What was done for each alert: the step, the round and the instant, without ids.
type Story = Vec<Vec<(String, Option<usize>, u8, i64)>>;

fn story(home: &Home, alerts: &[AlertId]) -> Story {
    let of = |alert: &AlertId| {
        let id = home.read(|view| escalation::of_alert(view, *alert)).unwrap().unwrap().id;
        let steps = home.read(|view| escalation::steps(view, &id)).unwrap();
        steps.into_iter().map(|did| (did.did, did.step, did.round, did.at.micros())).collect()
    };
    alerts.iter().map(of).collect()
}

fn clinic(home: Home) -> (Ward, Vec<AlertId>) {
    let ward = ward(home);
    ward.sends_e_mail();
    let mut alerts = vec![ward.alert];
    alerts.extend((1..REDS).map(|_| raise(&ward.home, NOW)));
    (ward, alerts)
}

/// Every minute both nodes do what is due, at the same moment. What another node was quicker at is left to it.
fn run(nodes: &[Store], wire: &Arc<Wire>, minutes: u64) {
    let start = Barrier::new(nodes.len());
    std::thread::scope(|scope| {
        for node in nodes {
            let (start, wire): (_, Arc<dyn Channel>) = (&start, wire.clone());
            scope.spawn(move || {
                for minute in 0..=minutes {
                    start.wait();
                    loop {
                        match cycle(node, &wire, at(minute)) {
                            Ok(0) => break,
                            Ok(_) => {}
                            Err(error) if error.may_pass() => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                    start.wait();
                }
            });
        }
    });
}

#[test]
fn two_nodes_give_the_log_of_one() {
    let mut stories: BTreeMap<usize, Story> = BTreeMap::new();
    for count in [1, 2] {
        for home in stores() {
            let (ward, alerts) = clinic(home);
            let nodes: Vec<Store> = (0..count).map(|_| ward.home.reopened().unwrap()).collect();
            if count == 2 && matches!(ward.home.url(), store::Url::Sqlite(_)) {
                continue;
            }
            let wire = Arc::new(Wire::default());
            run(&nodes, &wire, 35);
            let mut given = wire.given.lock().unwrap().clone();
            let all = given.len();
            given.sort();
            given.dedup();
            assert_eq!(given.len(), all, "{count} nodes: no message leaves twice");
            let of = |alert: &AlertId| {
                let about = alert.to_string();
                let mut all =
                    ward.home.read(|view| messages::of_case(view, escalation::ALERT, &about)).unwrap();
                all.retain(|one| one.channel == message::Channel::Email && one.way.state == State::Accepted);
                all.len()
            };
            let calls: usize = alerts.iter().map(of).sum();
            assert_eq!(calls, REDS * 5, "three steps, and twice the people for nobody reached");
            assert!((5..=calls).contains(&all), "and they went together: {all} mails");
            let same = story(&ward.home, &alerts);
            assert_eq!(*stories.entry(0).or_insert_with(|| same.clone()), same, "{count} nodes");
        }
    }
}
