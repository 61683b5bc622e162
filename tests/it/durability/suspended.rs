//! A machine that was suspended: its clocks stood still together, and what waited for it is decided by the time that it is.
//! The database's clock is moved ahead instead, which looks the same from within.

use std::time::Duration;

use domain::{Clock, Instant};
use rumqttc::v5::Event;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason};
use store::{Actor, devices};
use zelo::app::House;

use super::nodes::{acked, ended, next};
use super::writer::heart_rate;
use crate::support::clinic::{Bed, Clinic, eventually};

const SECOND: Duration = Duration::from_secs(1);

async fn publish(bed: &Bed, house: &House, body: String) -> PubAckReason {
    let (device, mut answers) = bed.client(house);
    device.publish(bed.topic(), QoS::AtLeastOnce, false, body).await.unwrap();
    next(&mut answers, acked).await
}

fn unstamped() -> String {
    r#"{"heart_rate":71}"#.to_owned()
}

/// From now on the machine's time goes on.
fn runs(machine: Clock) -> tokio::task::JoinHandle<()> {
    let step = Duration::from_millis(100);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(step).await;
            machine.advance(step);
        }
    })
}

/// What the database's clock shows, which is so far ahead.
fn shows(ahead: u64) -> Instant {
    Clock::System.now().plus(SECOND * u32::try_from(ahead).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reading_that_waited_for_a_suspended_machine_is_decided_by_the_time_that_it_is() {
    for stamped in [false, true] {
        let Some(clinic) = Clinic::postgres(1) else { return };
        let bed = &clinic.beds[0];
        let store = clinic.on_a_clock_to_shift();
        // Its steady side stands still too: no look of the seat comes between.
        let machine = Clock::driven(Clock::System.now());
        let (house, clock) = clinic.house_following(&store, machine.clone()).await;
        clinic.shift(SECOND * 20);
        // Meanwhile, at another node.
        clinic.revoke_at(bed, shows(14));
        clinic.grant_at(bed, shows(15));
        let before = shows(20);
        let body = if stamped { heart_rate(shows(17).millis(), 71.0) } else { unstamped() };
        assert_eq!(publish(bed, &house, body).await, PubAckReason::Success, "stamped: {stamped}");
        assert_eq!(clinic.readings(bed), 1);
        assert!(clock.now() >= before, "and it knows the time from now on");
        let goes_on = runs(machine);
        assert_eq!(publish(bed, &house, unstamped()).await, PubAckReason::Success);
        goes_on.abort();
        house.stop().await;
        clinic.verify();
    }
}

/// A node that stood still for so long decides nothing beside one that is right: devices are told to come again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_off_by_more_than_clocks_may_be_refuses_nothing_for_good() {
    let Some(clinic) = Clinic::postgres(2) else { return };
    let [waits, comes] = &clinic.beds[..] else { unreachable!() };
    let store = clinic.on_a_clock_to_shift();
    let machine = Clock::driven(Clock::System.now());
    let (house, _) = clinic.house_following(&store, machine.clone()).await;
    let (device, mut answers) = waits.client(&house);
    device.publish(waits.topic(), QoS::AtLeastOnce, false, unstamped()).await.unwrap();
    assert_eq!(next(&mut answers, acked).await, PubAckReason::Success);
    clinic.shift(SECOND * 90);
    let right = format!(
        "INSERT INTO nodes (slot, id, home, seen_at, ahead_by) VALUES (5, 'right', 'elsewhere', {}, 0)",
        shows(90).micros()
    );
    assert_eq!(clinic.tamper(&right), 1);
    // A token that another node gave out meanwhile looks as if it came from the future.
    let later = shows(88);
    let token = clinic.store.write(Actor::Operator, later, |tx| devices::issue_token(tx, comes.device, None));
    let token = clinic.tokens.for_device(comes.device, token.unwrap(), None, later).unwrap();
    let (_, mut refused) = Bed { token, ..comes.clone() }.client(&house);
    let why = next(&mut refused, ended).await;
    assert!(why.contains("ServerBusy"), "{why}");
    device.publish(waits.topic(), QoS::AtLeastOnce, false, unstamped()).await.unwrap();
    let answered = next(&mut answers, |event| match event {
        Ok(Event::Incoming(Packet::PubAck(ack))) => Some(Some(ack.reason)),
        Ok(_) => None,
        Err(_closed) => Some(None),
    });
    assert_eq!(answered.await, None, "it is not stored, and comes again");

    machine.advance(SECOND * 90);
    let goes_on = runs(machine);
    eventually("it takes part again", || house.standing.takes_part()).await;
    assert_eq!(publish(waits, &house, unstamped()).await, PubAckReason::Success);
    goes_on.abort();
    house.stop().await;
    clinic.verify();
}

/// What has no stamp of its own is measured when it is received, by the clock that dated the grant.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_grant_permits_what_is_received_after_it_though_the_databases_clock_is_ahead() {
    let Some(clinic) = Clinic::postgres(1) else { return };
    let bed = &clinic.beds[0];
    let store = clinic.on_a_clock_to_shift();
    clinic.shift(SECOND * 10);
    let (house, clock) = clinic.house_following(&store, Clock::System).await;
    clinic.revoke_at(bed, clock.now());
    clinic.grant_at(bed, clock.now());
    assert_eq!(publish(bed, &house, unstamped()).await, PubAckReason::Success);
    // By the device's own clock it was measured ten seconds before the yes, and nobody can prove that it was not.
    let measured = heart_rate(Clock::System.now().millis(), 71.0);
    assert_eq!(publish(bed, &house, measured).await, PubAckReason::NotAuthorized);
    assert_eq!(clinic.readings(bed), 1);
    house.stop().await;
    clinic.verify();
}
