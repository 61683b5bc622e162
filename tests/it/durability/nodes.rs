//! Two nodes on one PostgreSQL: a revocation on one reaches the other, a device has one session, and what either
//! judged the other goes on from.

use std::time::Duration;

use domain::{Clock, Level};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason};
use rumqttc::v5::{Event, EventLoop};
use store::Actor;
use store::alerts::lists;
use store::devices::{self, commands};
use store::health::nodes::Clocks;
use store::rules::reevaluations;

use super::writer::heart_rate;
use crate::support::clinic::{Clinic, eventually};

pub(super) async fn next<T>(
    events: &mut EventLoop,
    mut wanted: impl FnMut(Result<Event, String>) -> Option<T>,
) -> T {
    let found = async {
        loop {
            if let Some(found) = wanted(events.poll().await.map_err(|error| format!("{error:?}"))) {
                return found;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), found).await.expect("the event comes within twenty seconds")
}

pub(super) fn acked(event: Result<Event, String>) -> Option<PubAckReason> {
    match event {
        Ok(Event::Incoming(Packet::PubAck(ack))) => Some(ack.reason),
        Ok(_) => None,
        Err(error) => panic!("{error}"),
    }
}

pub(super) fn ended(event: Result<Event, String>) -> Option<String> {
    // The client tells a DISCONNECT as the error that ends it.
    event.err()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_are_one_house() {
    let Some(clinic) = Clinic::postgres(1) else {
        println!("skipped: ZELO_TEST_POSTGRES is not set (tests/run sets it)");
        return;
    };
    let bed = &clinic.beds[0];
    let elsewhere = clinic.again();
    let (a, b) = (clinic.house(&clinic.store).await, clinic.house(&elsewhere).await);
    assert_ne!(a.standing.number(), b.standing.number(), "each node has a slot of its own");

    let (at_a, mut from_a) = bed.client(&a);
    let began = Clock::System.now().minus(Duration::from_secs(300)).millis();
    let send = |second: i64, value| heart_rate(began + second * 1_000, value);
    for second in 0..90 {
        at_a.publish(
            bed.topic(),
            QoS::AtLeastOnce,
            false,
            send(second, if second < 60 { 80.0 } else { 130.0 }),
        )
        .await
        .unwrap();
        assert_eq!(next(&mut from_a, acked).await, PubAckReason::Success);
    }

    let (at_b, mut from_b) = bed.client(&b);
    at_b.publish(bed.topic(), QoS::AtLeastOnce, false, send(90, 130.0)).await.unwrap();
    assert_eq!(next(&mut from_b, acked).await, PubAckReason::Success);
    let goodbye = next(&mut from_a, ended).await;
    assert!(goodbye.contains("SessionTakenOver"), "{goodbye}");
    eventually("the first node lets go", || !a.registry.is_connected(bed.device.0)).await;
    assert!(b.registry.is_connected(bed.device.0), "the later session stays");
    assert!(clinic.store.read(|view| devices::get(view, bed.device)).unwrap().online);

    for second in 91..125 {
        at_b.publish(bed.topic(), QoS::AtLeastOnce, false, send(second, 130.0)).await.unwrap();
        assert_eq!(next(&mut from_b, acked).await, PubAckReason::Success);
    }
    let found = || clinic.store.read(|view| lists::of_patient(view, bed.patient_key, 10)).unwrap();
    eventually("the minute that began at one node and ended at the other is red", || {
        found().iter().any(|alert| alert.case.facts.peak == Level::Red)
    })
    .await;
    assert_eq!(found().len(), 1, "one episode, one alert");
    let backlog = || clinic.store.read(reevaluations::backlog).unwrap().0;
    eventually("nothing is left to be judged again", || backlog() == 0).await;

    at_b.subscribe(format!("zelo/v1/devices/{}/commands", bed.device), QoS::AtLeastOnce).await.unwrap();
    let subscribed = |event| matches!(event, Ok(Event::Incoming(Packet::SubAck(_)))).then_some(());
    next(&mut from_b, subscribed).await;
    let order = serde_json::json!({ "set_interval_s": 60 });
    let left = clinic.store.write(Actor::Operator, Clock::System.now(), |tx| {
        commands::insert(tx, bed.device, &order, Clock::System.now().plus(commands::LASTS))
    });
    let heard = |event| match event {
        Ok(Event::Incoming(Packet::Publish(message))) => Some(message.payload),
        _ => None,
    };
    let heard = String::from_utf8(next(&mut from_b, heard).await.to_vec()).unwrap();
    assert!(
        heard.contains(&left.unwrap().to_string()),
        "a command left at one node reaches the device at the other"
    );

    clinic.revoke(bed);
    let goodbye = next(&mut from_b, ended).await;
    assert!(goodbye.contains("AdministrativeAction"), "{goodbye}");

    let (one, other) = (a.standing.number(), b.standing.number());
    a.stop().await;
    b.stop().await;
    let again = clinic.house(&elsewhere).await;
    assert_eq!(again.standing.number(), one.min(other), "a node that stopped gave its slot back");
    again.stop().await;
    clinic.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_consent_is_decided_by_one_clock_whatever_the_machines_of_the_nodes_show() {
    let Some(clinic) = Clinic::postgres(2) else {
        println!("skipped: ZELO_TEST_POSTGRES is not set (tests/run sets it)");
        return;
    };
    let elsewhere = clinic.again();
    let (real, apart) = (Clock::System.now(), Duration::from_secs(25));
    let (ahead, fast) = clinic.house_following(&clinic.store, Clock::driven(real.plus(apart))).await;
    let (behind, slow) = clinic.house_following(&elsewhere, Clock::driven(real.minus(apart))).await;
    let clocks = [&fast, &slow];
    for (bed, (giver, other)) in clinic.beds.iter().zip([(0, 1), (1, 0)]) {
        clinic.revoke_at(bed, clocks[other].now());
        clinic.grant_at(bed, clocks[giver].now());
        // As the seat does twice a second: between its looks these machines' time stands still.
        for (store, clock) in [(&clinic.store, &fast), (&elsewhere, &slow)] {
            Clocks::set(store, clock).unwrap();
        }
        // By the device's own clock, which is right.
        for house in [&ahead, &behind] {
            let (device, mut answers) = bed.client(house);
            let now = Clock::System.now().millis();
            device.publish(bed.topic(), QoS::AtLeastOnce, false, heart_rate(now, 71.0)).await.unwrap();
            assert_eq!(next(&mut answers, acked).await, PubAckReason::Success);
        }
        assert_eq!(clinic.readings(bed), 2);
    }
    for (house, side) in [(&ahead, 1), (&behind, -1)] {
        let off_ms = || house.standing.off();
        eventually("the machine's own clock is told", || off_ms().is_some_and(|ms| ms.signum() == side))
            .await;
        assert!(house.standing.takes_part());
    }
    ahead.stop().await;
    behind.stop().await;
    clinic.verify();
}
