//! Judgement as patients live it: values beyond belief, reds that are learned late, and late readings far behind the
//! present. Through a real MQTT client, on every backend at hand.

use std::time::Duration;

use domain::Outcome;
use domain::{Clock, Instant, Level};
use rules::Episode;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason};
use rumqttc::v5::{AsyncClient, Event, EventLoop};
use serde_json::{Value, json};
use store::alerts::StoredAlert;
use store::alerts::lists;
use store::devices::bindings;
use store::rules::reevaluations;
use store::{Actor, escalation};

use crate::support::clinic::{Bed, Clinic, eventually};

fn alerts_of(clinic: &Clinic, bed: &Bed) -> Vec<StoredAlert> {
    clinic.store.read(|view| lists::of_patient(view, bed.patient_key, 100)).unwrap()
}

fn stories(clinic: &Clinic, bed: &Bed) -> Vec<Episode> {
    let mut all: Vec<Episode> = alerts_of(clinic, bed).into_iter().map(|alert| alert.episode).collect();
    all.sort_by_key(|episode| episode.started_at);
    all
}

fn is_escalating(clinic: &Clinic, alert: &StoredAlert) -> bool {
    clinic.store.read(|view| escalation::of_alert(view, alert.id())).unwrap().is_some()
}

fn one(signal: &str, at: Instant, value: f64) -> Value {
    json!({ "ts": at.millis(), "values": { signal: value } })
}

/// Publishes one message and waits for its answer; gives the notices that came meanwhile.
async fn send(bed: &Bed, (client, events): &mut (AsyncClient, EventLoop), message: &Value) -> Vec<Value> {
    client.publish(bed.topic(), QoS::AtLeastOnce, false, message.to_string()).await.unwrap();
    let mut notices = Vec::new();
    let answered = async {
        loop {
            match events.poll().await.unwrap() {
                Event::Incoming(Packet::PubAck(ack)) => break assert_eq!(ack.reason, PubAckReason::Success),
                Event::Incoming(Packet::Publish(notice)) => {
                    notices.push(serde_json::from_slice(&notice.payload).unwrap());
                }
                _ => {}
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), answered).await.expect("the answer comes");
    notices
}

fn house_of(clinic: &Clinic) {
    clinic.store.write(Actor::Operator, Clock::System.now(), escalation::seed).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn values_beyond_belief_are_judged_and_asked_for_again() {
    for clinic in Clinic::each(3) {
        house_of(&clinic);
        let house = clinic.house(&clinic.store).await;
        let [falling, racing, lone] = &clinic.beds[..] else { panic!("three beds") };
        let now = Clock::System.now();

        let mut wire = falling.client(&house);
        wire.0.subscribe(falling.topic().replace("telemetry", "notices"), QoS::AtMostOnce).await.unwrap();
        let mut notices = Vec::new();
        for (index, value) in (0..).zip([100.0, 62.0, 45.0, 38.0, 33.0, 28.0, 23.0]) {
            let at = now.minus(Duration::from_secs(1_800)).plus(Duration::from_secs(300 * index));
            notices.extend(send(falling, &mut wire, &one("glucose", at, value)).await);
        }
        eventually("the fall is red", || {
            alerts_of(&clinic, falling)
                .iter()
                .any(|alert| alert.episode.rule == "glucose_low" && alert.case.facts.level == Level::Red)
        })
        .await;
        notices.extend(send(falling, &mut wire, &one("steps", now, 1.0)).await);
        assert!(
            notices.iter().any(|notice| notice["code"] == "E_SUSPECT"
                && notice["signals"][0]["signal"] == "glucose"
                && notice["signals"][0]["code"] == "E_SUSPECT"),
            "the device is asked: {notices:?}"
        );

        let from = now.minus(Duration::from_secs(90));
        let minute: Vec<Value> =
            (0..=60).map(|s| one("heart_rate", from.plus(Duration::from_secs(s)), 225.0)).collect();
        send(racing, &mut racing.client(&house), &Value::Array(minute)).await;
        eventually("a racing heart is red and calls people", || {
            let all = alerts_of(&clinic, racing);
            all.iter().any(|alert| alert.case.facts.level == Level::Red && is_escalating(&clinic, alert))
        })
        .await;

        let mut wire = lone.client(&house);
        for (minutes, value) in [(10, 120.0), (5, 450.0)] {
            let at = now.minus(Duration::from_secs(60 * minutes));
            send(lone, &mut wire, &one("glucose", at, value)).await;
        }
        eventually("alone it is yellow", || alerts_of(&clinic, lone).len() == 1).await;
        let alert = alerts_of(&clinic, lone).remove(0);
        assert_eq!((alert.episode.rule.as_str(), alert.case.facts.peak), ("glucose_high", Level::Yellow));
        assert!(!is_escalating(&clinic, &alert));
        send(lone, &mut wire, &one("glucose", now, 118.0)).await;
        assert_eq!(alerts_of(&clinic, lone)[0].case.facts.peak, Level::Yellow);
        house.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_red_that_is_learned_late_and_still_true_pages() {
    for clinic in Clinic::each(1) {
        house_of(&clinic);
        let house = clinic.house(&clinic.store).await;
        let bed = &clinic.beds[0];
        let mut wire = bed.client(&house);
        let head = Clock::System.now().minus(Duration::from_secs(45 * 60));
        for minutes in [0, 20, 15, 10, 5] {
            let at = head.minus(Duration::from_secs(60 * minutes));
            send(bed, &mut wire, &one("glucose", at, 48.0)).await;
        }
        eventually("it has an escalation", || {
            let all = alerts_of(&clinic, bed);
            all.iter().any(|alert| alert.case.facts.level == Level::Red && is_escalating(&clinic, alert))
        })
        .await;
        assert_eq!(alerts_of(&clinic, bed).len(), 1);
        house.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn late_readings_far_behind_the_present_tell_the_clean_story() {
    for clinic in Clinic::each(2) {
        house_of(&clinic);
        let house = clinic.house(&clinic.store).await;
        let [clean, late] = &clinic.beds[..] else { panic!("two beds") };
        let start = Clock::System.now().minus(Duration::from_secs(3 * 3_600));
        let at = |second: u64| start.plus(Duration::from_secs(second));
        let value = |second: u64| match second {
            100..=180 | 400..=500 => 130.0,
            181..=240 => 110.0,
            _ => 80.0,
        };
        let message = |seconds: Vec<u64>| {
            Value::Array(seconds.into_iter().map(|s| one("heart_rate", at(s), value(s))).collect())
        };
        let is_lost = |second: &u64| (120..=160).contains(second) || (430..=470).contains(second);
        let present = || (10_600..10_700).collect::<Vec<u64>>();
        send(clean, &mut clean.client(&house), &message((0..700).chain(present()).collect())).await;
        let mut wire = late.client(&house);
        let rest = (0..700).filter(|s| !is_lost(s)).chain(present()).collect();
        send(late, &mut wire, &message(rest)).await;
        let settled = || clinic.store.read(reevaluations::backlog).unwrap().0 == 0;
        eventually("the rest is judged", settled).await;
        let before = stories(&clinic, late);
        send(late, &mut wire, &message((0..700).filter(is_lost).collect())).await;
        eventually("what was lost is judged", settled).await;
        let told = stories(&clinic, clean);
        assert_eq!(told.iter().map(Episode::peak).collect::<Vec<_>>(), [Level::Red, Level::Red]);
        assert_ne!(before, told);
        assert_eq!(stories(&clinic, late), told);
        assert!(alerts_of(&clinic, late).iter().all(|alert| !is_escalating(&clinic, alert)), "long over");
        house.stop().await;
    }
}

/// Publishes an Observation of a heart rate and gives the answer's code, user properties and reason.
async fn observe(
    bed: &Bed,
    (client, events): &mut (AsyncClient, EventLoop),
    (status, at, value): (&str, Instant, Option<f64>),
) -> (PubAckReason, Vec<(String, String)>, String) {
    let mut resource = json!({
        "resourceType": "Observation", "status": status, "effectiveDateTime": at.rfc3339(),
        "code": { "coding": [{ "system": "http://loinc.org", "code": "8867-4" }] },
    });
    if let Some(value) = value {
        resource["valueQuantity"] =
            json!({ "value": value, "system": "http://unitsofmeasure.org", "code": "/min" });
    }
    client.publish(bed.topic(), QoS::AtLeastOnce, false, resource.to_string()).await.unwrap();
    let answered = async {
        loop {
            if let Event::Incoming(Packet::PubAck(ack)) = events.poll().await.unwrap() {
                let said = ack.properties;
                let why = said.as_ref().and_then(|said| said.reason_string.clone()).unwrap_or_default();
                return (ack.reason, said.map_or_else(Vec::new, |said| said.user_properties), why);
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), answered).await.expect("the answer comes")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_takes_back_and_corrects_its_own_readings_and_nobody_elses() {
    for clinic in Clinic::each(2) {
        house_of(&clinic);
        let house = clinic.house(&clinic.store).await;
        let [bed, other] = &clinic.beds[..] else { panic!("two beds") };
        let (mut wire, mut stranger) = (bed.client(&house), other.client(&house));
        // On a whole second: a resource tells its instant in milliseconds.
        let start = Instant::from_secs(Clock::System.now().secs() - 600);
        let at = |second: u64| start.plus(Duration::from_secs(second));
        let values = || {
            let read = clinic.values(bed);
            read.iter().map(|(at, value)| ((at.micros() - start.micros()) / 1_000_000, *value)).collect()
        };
        let now: Vec<(i64, f64)> = values();
        assert_eq!(now, []);

        // Nothing to take back: told so, and nothing is kept.
        let (reason, _, why) = observe(bed, &mut wire, ("entered-in-error", at(1), Some(170.0))).await;
        assert_eq!(reason, PubAckReason::PayloadFormatInvalid);
        assert!(why.contains("heart_rate E_UNKNOWN_READING record 0"), "{why}");

        // A red minute that was never measured: taken back, its alert is retracted.
        let minute: Vec<Value> = (0..=60).map(|s| one("heart_rate", at(s), 130.0)).collect();
        send(bed, &mut wire, &Value::Array(minute)).await;
        eventually("red", || alerts_of(&clinic, bed).iter().any(|one| one.case.facts.level == Level::Red))
            .await;
        // Somebody else's device names the same instants, and changes nothing.
        let (reason, ..) = observe(other, &mut stranger, ("entered-in-error", at(30), Some(130.0))).await;
        assert_eq!(reason, PubAckReason::PayloadFormatInvalid);
        for second in 0..=60 {
            let said = (second % 2 == 0).then_some(130.0);
            let (reason, parts, _) = observe(bed, &mut wire, ("entered-in-error", at(second), said)).await;
            assert_eq!((reason, parts), (PubAckReason::Success, Vec::new()));
        }
        eventually("retracted", || {
            alerts_of(&clinic, bed).iter().all(|one| one.case.outcome == Some(Outcome::Retracted))
        })
        .await;
        let now: Vec<(i64, f64)> = values();
        assert_eq!(now, []);

        // Corrected, and then the wrong value alone is taken back: the right one stays.
        observe(bed, &mut wire, ("final", at(90), Some(170.0))).await;
        for status in ["corrected", "amended"] {
            let value = if status == "amended" { 70.0 } else { 71.0 };
            assert_eq!(observe(bed, &mut wire, (status, at(90), Some(value))).await.0, PubAckReason::Success);
        }
        let (reason, parts, _) = observe(bed, &mut wire, ("entered-in-error", at(90), Some(170.0))).await;
        assert_eq!((reason, parts), (PubAckReason::Success, Vec::new()));
        let now: Vec<(i64, f64)> = values();
        assert_eq!(now, [(90, 70.0)]);
        house.stop().await;

        // Everything that was put right outlives the house, and the log holds it.
        let house = clinic.house(&clinic.store).await;
        let now: Vec<(i64, f64)> = values();
        assert_eq!(now, [(90, 70.0)]);
        eventually("in the log", || clinic.entries("reading.amended") == 63).await;
        clinic.verify();

        // Once the device is somebody else's, it changes nothing of what it measured here.
        clinic
            .store
            .write(Actor::Operator, Clock::System.now(), |tx| {
                bindings::unbind(tx, bed.device, None, Clock::System.now())?;
                bindings::bind(tx, bed.device, other.patient, Clock::System.now(), false).map(drop)
            })
            .unwrap();
        let mut wire = bed.client(&house);
        for (status, value) in [("entered-in-error", None), ("corrected", Some(99.0))] {
            let (reason, parts, why) = observe(bed, &mut wire, (status, at(90), value)).await;
            assert_eq!(reason, PubAckReason::Success);
            assert_eq!(parts, [("quarantined".to_owned(), "heart_rate".to_owned())]);
            assert!(why.contains("heart_rate E_NOT_BOUND"), "{why}");
        }
        let now: Vec<(i64, f64)> = values();
        assert_eq!(now, [(90, 70.0)]);
        house.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_two_wearers_gives_each_what_is_theirs_under_their_own_consent() {
    for clinic in Clinic::each(2) {
        house_of(&clinic);
        let house = clinic.house(&clinic.store).await;
        let [first, second] = &clinic.beds[..] else { panic!("two beds") };
        let start = Instant::from_secs(Clock::System.now().secs() - 1_200);
        let at = |second: u64| start.plus(Duration::from_secs(second));
        // It was offline while it changed hands, and lay on a table for a minute.
        let handed_over = |tx: &mut store::Tx<'_>| {
            bindings::unbind(tx, first.device, None, at(600))?;
            bindings::bind(tx, first.device, second.patient, at(660), true).map(drop)
        };
        clinic.store.write(Actor::Operator, Clock::System.now(), handed_over).unwrap();
        let of = |bed: &Bed| -> Vec<i64> {
            let read = clinic.values(bed);
            read.iter().map(|(at, _)| (at.micros() - start.micros()) / 1_000_000).collect()
        };
        let mut wire = first.client(&house);
        wire.0.subscribe(first.topic().replace("telemetry", "notices"), QoS::AtMostOnce).await.unwrap();
        let pulse = |second: u64| one("heart_rate", at(second), 130.0);
        let told = |notices: &[Value], code: &str| -> u64 {
            let parts = notices.iter().flat_map(|notice| notice["signals"].as_array().unwrap());
            parts.filter(|part| part["code"] == code).map(|part| part["count"].as_u64().unwrap()).sum()
        };
        let mut notices = Vec::new();
        for seconds in [vec![500, 510, 630, 700, 710], vec![720, 640, 520, 730]] {
            let message = seconds.into_iter().map(pulse).collect();
            notices.extend(send(first, &mut wire, &Value::Array(message)).await);
        }
        // The red of whoever wears it now, in a message that begins with the other's.
        let minute = (740..=800).step_by(2).map(pulse);
        let message = std::iter::once(pulse(530)).chain(minute).collect();
        notices.extend(send(first, &mut wire, &Value::Array(message)).await);
        assert_eq!(of(first), [500, 510, 520, 530]);
        assert_eq!(of(second)[..4], [700, 710, 720, 730]);
        eventually("red", || alerts_of(&clinic, second).iter().any(|one| one.case.facts.level == Level::Red))
            .await;
        assert_eq!(alerts_of(&clinic, first).len(), 0);

        // Who wore it before takes the permission back: that is nobody else's.
        clinic.revoke(first);
        for seconds in [vec![540, 810], vec![820, 550]] {
            let message = seconds.into_iter().map(pulse).collect();
            notices.extend(send(first, &mut wire, &Value::Array(message)).await);
        }
        notices.extend(send(first, &mut wire, &one("steps", at(900), 1.0)).await);
        assert_eq!(of(second)[of(second).len() - 2..], [810, 820]);
        assert_eq!((told(&notices, "E_NOT_BOUND"), told(&notices, "E_REVOKED")), (2, 2), "{notices:?}");
        eventually("in the log", || clinic.entries("consent.revoked") == 1).await;
        clinic.verify();
        house.stop().await;
    }
}
