//! The spine in one process: a real MQTT client publishes, consent decides, the reading is stored, judged,
//! audited and acknowledged; a revocation stops all of it.

use std::time::Duration;

use consent::{Giver, Purpose};
use domain::{AlertState, Clock, Instant, Level};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason};
use rumqttc::v5::{Event, EventLoop};
use store::alerts::lists;
use store::{Actor, consents};

use crate::support::clinic::{Clinic, eventually};

fn readings(clinic: &Clinic) -> usize {
    Clinic::instants(&clinic.store, &clinic.beds[0]).len()
}

/// Polls until `wanted` says so of an event, within ten seconds.
async fn until<T>(events: &mut EventLoop, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = wanted(events.poll().await.unwrap()) {
                return found;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), found).await.expect("the event comes within ten seconds")
}

fn puback(event: Event) -> Option<PubAckReason> {
    match event {
        Event::Incoming(Packet::PubAck(ack)) => Some(ack.reason),
        _ => None,
    }
}

/// What the gateway says when it ends or refuses the connection.
async fn refusal(events: &mut EventLoop) -> String {
    loop {
        if let Err(error) = events.poll().await {
            return format!("{error:?}");
        }
    }
}

fn second_by_second(from: Instant, values: impl IntoIterator<Item = u32>) -> String {
    let samples = values.into_iter().zip(0..).map(|(value, second)| {
        let at = from.plus(Duration::from_secs(second)).millis();
        serde_json::json!({ "ts": at, "values": { "heart_rate": value } })
    });
    serde_json::Value::Array(samples.collect()).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_red_is_raised_live_and_a_revocation_stops_everything() {
    for clinic in Clinic::each(1) {
        live(clinic).await;
    }
}

async fn live(clinic: Clinic) {
    let house = clinic.house(&clinic.store).await;
    let bed = &clinic.beds[0];
    let (client, mut events) = bed.client(&house);
    let from = Clock::System.now().minus(Duration::from_secs(200));
    client.publish(bed.topic(), QoS::AtLeastOnce, false, second_by_second(from, [80; 61])).await.unwrap();
    assert_eq!(until(&mut events, puback).await, PubAckReason::Success);
    assert_eq!(readings(&clinic), 61);

    let red = from.plus(Duration::from_secs(61));
    client.publish(bed.topic(), QoS::AtLeastOnce, false, second_by_second(red, [130; 61])).await.unwrap();
    assert_eq!(until(&mut events, puback).await, PubAckReason::Success);
    let found = || clinic.store.read(|view| lists::of_patient(view, bed.patient_key, 10)).unwrap();
    eventually("a red is open", || found().iter().any(|alert| alert.case.facts.peak == Level::Red)).await;
    assert_eq!(found().len(), 1);

    let resent = second_by_second(red, [130; 61]);
    client.publish(bed.topic(), QoS::AtLeastOnce, false, resent).await.unwrap();
    assert_eq!(until(&mut events, puback).await, PubAckReason::Success);
    assert_eq!(readings(&clinic), 122, "the same identity and value is stored once");

    let patient = bed.patient;
    clinic
        .store
        .write(Actor::Operator, Clock::System.now(), |tx| {
            consents::revoke(tx, patient, Purpose::TelemetryCollect, &Giver::Subject.into())
        })
        .unwrap();
    let goodbye = tokio::time::timeout(Duration::from_secs(10), refusal(&mut events)).await.unwrap();
    assert!(goodbye.contains("AdministrativeAction") && goodbye.contains("LGPD art. 8 §5"), "{goodbye}");
    assert!(found().iter().all(|alert| alert.case.state == AlertState::Resolved));
    let again = tokio::time::timeout(Duration::from_secs(10), refusal(&mut events)).await.unwrap();
    assert!(again.contains("NotAuthorized"), "CONNECT is refused until a new grant: {again}");

    eventually("every second is sealed", || clinic.store.read(store::audit::receipts::open).unwrap() == 0)
        .await;
    house.stop().await;
    clinic.verify();
}
