//! Outcomes as acknowledgements: codes, reasons, order, and QoS 2 exactly once.

use super::house::{Edge, Event, device, topic};
use super::raw::{Hello, Raw, publish, string, subscribe};
use mqtt::gateway::{EndReason, Protocol};

#[tokio::test]
async fn each_outcome_has_its_code_and_says_why() {
    let edge = Edge::new();
    let mut raw = Raw::login(edge.handle.local_addr(), 5, device()).await;
    for (qos, first) in [(1, 0x40), (2, 0x50)] {
        for (at, (payload, code, words)) in (1..).zip([
            ("ok", 0x00, ""),
            ("refuse", 0x87, "E_REFUSED LGPD art. 11"),
            ("malformed", 0x99, "byte 3: expected a number"),
            ("quota", 0x97, "10,000 readings a message"),
            ("parts", 0x00, "refused=spo2 quarantined=weight"),
        ]) {
            let id = at + 10 * u16::from(qos);
            raw.telemetry(qos, id, payload).await;
            assert_eq!(raw.ack().await, (first, id, code, words.into()), "{payload} at QoS {qos}");
        }
    }
    assert_eq!(edge.handle.registry().metrics().refused, [(0x87, 2), (0x97, 2), (0x99, 2)]);
    assert_eq!(edge.handle.registry().metrics().in_flight_bytes, 0);
}

#[tokio::test]
async fn a_3_1_1_device_gets_a_plain_acknowledgement_and_a_notice() {
    let edge = Edge::new();
    let device = device();
    let mut raw = Raw::login(edge.handle.local_addr(), 4, device).await;
    raw.telemetry(1, 3, "refuse").await;
    assert_eq!(raw.packet().await, (0x40, vec![0, 3]));
    raw.telemetry(2, 4, "refuse").await;
    assert_eq!(raw.packet().await, (0x50, vec![0, 4]));
    raw.send(&subscribe(4, 9, &[&topic(device, "notices")], 1)).await;
    assert_eq!(raw.packet().await, (0x90, vec![0, 9, 1]));
    raw.telemetry(0, 0, "notice").await;
    let (first, body) = raw.packet().await;
    assert_eq!(first, 0x32, "a notice at QoS 1");
    assert!(body.starts_with(&string(&topic(device, "notices"))));
    assert!(body.ends_with(b"{\"code\":\"E_X\"}"));
}

#[tokio::test]
async fn reasons_are_left_out_where_they_are_unwelcome_or_too_long() {
    let edge = Edge::new();
    for props in [vec![0x17, 0], vec![0x27, 0, 0, 0, 200]] {
        let device = device();
        let hello = Hello { props: props.clone(), ..Hello::new(5, device) };
        let small = props[0] == 0x27;
        let mut raw = Raw::login_as(edge.handle.local_addr(), device, &hello).await;
        raw.telemetry(1, 1, "refuse").await;
        let (first, id, code, words) = raw.ack().await;
        assert_eq!((first, id, code), (0x40, 1, 0x87));
        assert_eq!(
            words.is_empty(),
            !small,
            "problem information asked not to be sent, 200 bytes are enough"
        );
    }
}

#[tokio::test]
async fn acknowledgements_leave_in_receive_order() {
    let mut edge = Edge::new();
    let mut raw = Raw::login(edge.handle.local_addr(), 5, device()).await;
    for id in 1..=40 {
        raw.telemetry(1, id, if id == 20 { "ok" } else { "hold" }).await;
    }
    raw.send(&publish(5, 0x32, &topic(raw.device, "status"), 41, &[], b"ok")).await;
    while edge.event().await != Event::Status("ok".into()) {}
    assert_eq!(edge.house.withheld(), 39);
    edge.house.release();
    for id in 1..=41 {
        assert_eq!(raw.ack().await, (0x40, id, 0, String::new()));
    }
}

#[tokio::test]
async fn qos_2_is_delivered_once_and_answered_after_the_commit() {
    let edge = Edge::new();
    for level in [4, 5] {
        let mut raw = Raw::login(edge.handle.local_addr(), level, device()).await;
        let telemetry = topic(raw.device, "telemetry");
        let before = edge.house.seen().len();
        raw.telemetry(2, 5, "hold").await;
        // Again, while the first is not committed: no PUBREC may come before the commit.
        raw.send(&publish(level, 0x3c, &telemetry, 5, &[], b"hold")).await;
        raw.send(&[0xc0, 0]).await;
        assert_eq!(raw.packet().await.0, 0xd0, "PINGRESP and no PUBREC before it");
        edge.house.release();
        assert_eq!(raw.packet().await, (0x50, vec![0, 5]));
        raw.send(&publish(level, 0x3c, &telemetry, 5, &[], b"hold")).await;
        assert_eq!(raw.packet().await, (0x50, vec![0, 5]), "PUBREC again");
        raw.send(&[0x62, 2, 0, 5]).await;
        assert_eq!(raw.packet().await, (0x70, vec![0, 5]));
        assert_eq!(edge.house.seen().len() - before, 1, "delivered once");
        raw.telemetry(2, 5, "ok").await;
        assert_eq!(raw.packet().await, (0x50, vec![0, 5]), "the identifier is free again");
        assert_eq!(edge.house.seen().len() - before, 2);
    }
}

#[tokio::test]
async fn a_refused_qos_2_message_may_be_sent_again_with_its_identifier() {
    let edge = Edge::new();
    let mut raw = Raw::login(edge.handle.local_addr(), 5, device()).await;
    raw.telemetry(2, 5, "refuse").await;
    assert_eq!(raw.ack().await.2, 0x87);
    raw.telemetry(2, 5, "ok").await;
    assert_eq!(raw.ack().await, (0x50, 5, 0, String::new()));
}

#[tokio::test]
async fn the_backend_sees_what_was_sent() {
    let edge = Edge::new();
    let mut raw = Raw::login(edge.handle.local_addr(), 5, device()).await;
    let content_type = [&[0x03][..], &string("application/senml+json")].concat();
    raw.send(&publish(5, 0x3a, "v1/devices/me/telemetry", 9, &content_type, b"first")).await;
    assert_eq!(raw.ack().await.1, 9);
    let seen = edge.house.seen();
    assert_eq!(seen[0].content_type.as_deref(), Some("application/senml+json"));
    assert_eq!((seen[0].packet_id, seen[0].qos, seen[0].resent), (Some(9), 1, true));
    assert_eq!((seen[0].payload.as_str(), seen[0].protocol), ("first", Protocol::V5));
}

#[tokio::test]
async fn an_identifier_that_comes_twice_in_flight_is_answered_twice() {
    let mut edge = Edge::new();
    let mut raw = Raw::login(edge.handle.local_addr(), 5, device()).await;
    raw.telemetry(1, 5, "hold").await;
    raw.send(&publish(5, 0x3a, &topic(raw.device, "telemetry"), 5, &[], b"hold")).await;
    raw.send(&publish(5, 0x30, &topic(raw.device, "status"), 0, &[], b"here")).await;
    while edge.event().await != Event::Status("here".into()) {}
    edge.house.release();
    assert_eq!(raw.ack().await.1, 5);
    assert_eq!(raw.ack().await.1, 5);
}

#[tokio::test]
async fn topic_aliases_are_resolved() {
    let edge = Edge::new();
    let mut raw = Raw::login(edge.handle.local_addr(), 5, device()).await;
    raw.send(&publish(5, 0x32, &topic(raw.device, "telemetry"), 1, &[0x23, 0, 16], b"a")).await;
    assert_eq!(raw.ack().await.2, 0);
    raw.send(&publish(5, 0x32, "", 2, &[0x23, 0, 16], b"b")).await;
    assert_eq!(raw.ack().await.2, 0);
    assert_eq!(edge.house.seen()[1].payload, "b");
    raw.send(&publish(5, 0x32, "", 3, &[0x23, 0, 17], b"c")).await;
    assert_eq!(raw.disconnected().await.0, 0x94);
}

#[tokio::test]
async fn only_the_own_topics_are_open() {
    let edge = Edge::new();
    let mut raw = Raw::login(edge.handle.local_addr(), 5, device()).await;
    let foreign =
        [topic(device(), "telemetry"), topic(raw.device, "commands"), "sensors".into(), "$SYS/x".into()];
    for (id, name) in (1..).zip(&foreign) {
        raw.send(&publish(5, 0x32, name, id, &[], b"x")).await;
        let (_, acked, code, words) = raw.ack().await;
        assert_eq!((acked, code), (id, 0x87));
        assert!(words.starts_with("E_TOPIC publish to your own"), "{words}");
    }
    assert!(edge.house.seen().is_empty());
}

#[tokio::test]
async fn a_3_1_1_device_is_told_of_a_foreign_topic_by_notice() {
    let edge = Edge::new();
    let mut raw = Raw::login(edge.handle.local_addr(), 4, device()).await;
    raw.send(&publish(4, 0x32, "sensors", 1, &[], b"unheard")).await;
    assert_eq!(raw.packet().await, (0x40, vec![0, 1]));
    raw.send(&subscribe(4, 2, &[&topic(raw.device, "notices")], 0)).await;
    assert_eq!(raw.packet().await, (0x90, vec![0, 2, 0]));
    raw.send(&publish(4, 0x32, "sensors", 3, &[], b"x")).await;
    assert_eq!(raw.packet().await, (0x40, vec![0, 3]));
    let (first, body) = raw.packet().await;
    let body = String::from_utf8_lossy(&body);
    assert_eq!(first, 0x30);
    assert!(
        body.contains("E_TOPIC Some(3) 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"),
        "{body}"
    );
}

#[tokio::test]
async fn a_flood_on_a_foreign_topic_holds_nothing() {
    let edge = Edge::new();
    let mut raw = Raw::login(edge.handle.local_addr(), 5, device()).await;
    raw.send(&subscribe(5, 2, &[&topic(raw.device, "notices")], 1)).await;
    assert_eq!(raw.packet().await.0, 0x90);
    let large = publish(5, 0x30, "foreign/topic", 0, &[], &vec![b'x'; 1_000_000]);
    for _ in 0..50 {
        raw.send(&large).await;
    }
    raw.telemetry(1, 9, "ok").await;
    while raw.packet().await.0 != 0x40 {}
    assert_eq!(edge.handle.registry().metrics().in_flight_bytes, 0);
}

#[tokio::test]
async fn in_flight_answers_come_before_the_disconnect_of_a_revocation() {
    let mut edge = Edge::new();
    let mut raw = Raw::login(edge.handle.local_addr(), 5, device()).await;
    let telemetry = topic(raw.device, "telemetry");
    let burst: Vec<u8> = (1..=5).flat_map(|id| publish(5, 0x32, &telemetry, id, &[], b"revoke")).collect();
    raw.send(&burst).await;
    for id in 1..=5 {
        assert_eq!(raw.ack().await, (0x40, id, 0x87, "E_REVOKED LGPD art. 8 §5".into()));
    }
    assert_eq!(raw.disconnected().await, (0x98, "consent revoked".into()));
    assert_eq!(edge.ended().await, (EndReason::House(0x98), None));
}

#[tokio::test]
async fn a_disconnect_of_the_house_waits_for_answers_in_flight() {
    let mut edge = Edge::new();
    let mut raw = Raw::login(edge.handle.local_addr(), 5, device()).await;
    raw.telemetry(1, 1, "hold").await;
    raw.send(&publish(5, 0x30, &topic(raw.device, "status"), 0, &[], b"here")).await;
    while edge.event().await != Event::Status("here".into()) {}
    assert!(edge.handle.registry().disconnect(raw.device, 0x98, "consent revoked"));
    edge.house.release();
    assert_eq!(raw.ack().await.1, 1);
    assert_eq!(raw.disconnected().await, (0x98, "consent revoked".into()));
    assert_eq!(edge.ended().await.0, EndReason::House(0x98));
    assert!(!edge.handle.registry().disconnect(raw.device, 0x98, "consent revoked"), "nobody is there");
}
