//! CONNECT: who gets in, what is announced, who is told what.

use super::house::{Edge, Event, TOKEN, device, topic};
use super::raw::{Hello, Raw, publish};
use mqtt::gateway::{EndReason, Protocol};
use mqtt_protocol_core::mqtt::packet::{Property, v5_0};

async fn refused(edge: &Edge, hello: &Hello) -> (u8, String) {
    let mut raw = Raw::open(edge.handle.local_addr()).await;
    raw.send(&hello.bytes()).await;
    let (first, body) = raw.packet().await;
    assert_eq!(first, 0x20);
    assert_eq!(raw.next().await, None, "closed after a refusing CONNACK");
    let reason = if hello.level == 5 {
        let (connack, _) = v5_0::Connack::parse(&body).unwrap();
        connack
            .props()
            .iter()
            .find_map(|p| if let Property::ReasonString(v) = p { Some(v.val().to_owned()) } else { None })
    } else {
        None
    };
    (body[1], reason.unwrap_or_default())
}

#[tokio::test]
async fn both_protocols_are_let_in_on_one_port() {
    let mut edge = Edge::new();
    for (level, protocol) in [(4, Protocol::V311), (5, Protocol::V5)] {
        let device = device();
        let mut raw = Raw::login(edge.handle.local_addr(), level, device).await;
        assert_eq!(edge.event().await, Event::Connected(device, protocol));
        assert!(edge.handle.registry().is_connected(device));
        raw.send(&[0xc0, 0]).await;
        assert_eq!(raw.packet().await, (0xd0, vec![]), "PINGRESP");
        raw.send(&[0xe0, 0]).await;
        assert_eq!(edge.event().await, Event::Disconnected(device, EndReason::Device(0), None));
        assert_eq!(edge.handle.registry().connected_count(), 0);
    }
}

#[tokio::test]
async fn connack_of_mqtt_5_announces_what_is_offered() {
    let edge = Edge::new();
    let device = device();
    let hello = Hello { client_id: String::new(), keep_alive: 0, ..Hello::new(5, device) };
    let mut raw = Raw::open(edge.handle.local_addr()).await;
    raw.send(&hello.bytes()).await;
    let (_, body) = raw.packet().await;
    let (connack, _) = v5_0::Connack::parse(&body).unwrap();
    let properties: Vec<String> = connack.props().iter().map(ToString::to_string).collect();
    let properties = properties.join(" ");
    for property in [
        Property::ReceiveMaximum(mqtt_protocol_core::mqtt::packet::ReceiveMaximum::new(256).unwrap()),
        Property::MaximumPacketSize(
            mqtt_protocol_core::mqtt::packet::MaximumPacketSize::new(1 << 20).unwrap(),
        ),
        Property::RetainAvailable(mqtt_protocol_core::mqtt::packet::RetainAvailable::new(0).unwrap()),
        Property::TopicAliasMaximum(mqtt_protocol_core::mqtt::packet::TopicAliasMaximum::new(16).unwrap()),
        Property::SessionExpiryInterval(
            mqtt_protocol_core::mqtt::packet::SessionExpiryInterval::new(0).unwrap(),
        ),
        Property::ServerKeepAlive(mqtt_protocol_core::mqtt::packet::ServerKeepAlive::new(1200).unwrap()),
    ] {
        assert!(connack.props().contains(&property), "{property} in {properties}");
    }
    assert!(
        connack.props().iter().any(|p| matches!(p, Property::AssignedClientIdentifier(_))),
        "{properties}"
    );
    assert!(!connack.session_present());
}

#[tokio::test]
async fn wrong_credentials_are_refused_with_a_reason() {
    let edge = Edge::new();
    for (level, code) in [(5, 0x87), (4, 5)] {
        let good = Hello::new(level, device());
        let wrong = [
            (Hello { password: Some("guess".into()), ..good.clone() }, "token unknown"),
            (Hello { user_name: Some("ana".into()), ..good.clone() }, "must be the device id"),
            (Hello { password: None, ..good.clone() }, "password missing"),
            (Hello { user_name: None, password: None, ..good.clone() }, "user name missing"),
        ];
        for (hello, reason) in wrong {
            let (refused_with, why) = refused(&edge, &hello).await;
            assert_eq!(refused_with, code, "{reason}");
            assert!(level == 4 || why.contains(reason), "{why:?} says {reason:?}");
            assert!(!why.contains(TOKEN));
        }
    }
    assert_eq!(edge.handle.registry().metrics().refused_connects, [(0x87, 8)]);
}

#[tokio::test]
async fn an_empty_client_id_needs_a_clean_session_in_3_1_1() {
    let edge = Edge::new();
    let empty = Hello { client_id: String::new(), ..Hello::new(4, device()) };
    assert_eq!(refused(&edge, &Hello { clean: false, ..empty.clone() }).await.0, 2);
    Raw::login_as(edge.handle.local_addr(), device(), &empty).await;
}

#[tokio::test]
async fn other_protocol_levels_hear_which_are_spoken() {
    let edge = Edge::new();
    let mut raw = Raw::open(edge.handle.local_addr()).await;
    raw.send(&Hello { level: 6, ..Hello::new(5, device()) }.bytes()).await;
    assert_eq!(raw.packet().await, (0x20, vec![0, 1]));
    assert_eq!(raw.next().await, None);
}

#[tokio::test]
async fn a_will_is_only_taken_on_the_own_status_topic_and_not_retained() {
    let edge = Edge::new();
    let (own, other) = (device(), device());
    let foreign = Hello { will: Some((topic(other, "status"), "gone".into(), false)), ..Hello::new(5, own) };
    let (code, reason) = refused(&edge, &foreign).await;
    assert_eq!(code, 0x87);
    assert!(reason.starts_with("E_TOPIC"), "{reason}");
    assert_eq!(refused(&edge, &Hello { level: 4, ..foreign }).await.0, 5);
    let retained = Hello { will: Some((topic(own, "status"), "gone".into(), true)), ..Hello::new(5, own) };
    assert_eq!(refused(&edge, &retained).await.0, 0x9a);
}

#[tokio::test]
async fn the_later_connection_takes_the_session_over_whatever_its_client_id() {
    let mut edge = Edge::new();
    let device = device();
    let mut older = Raw::login(edge.handle.local_addr(), 5, device).await;
    let hello = Hello { client_id: "another".into(), ..Hello::new(4, device) };
    let mut newer = Raw::login_as(edge.handle.local_addr(), device, &hello).await;
    let (code, reason) = older.disconnected().await;
    assert_eq!(code, 0x8e);
    assert!(reason.contains("taken over"), "{reason}");
    assert_eq!(edge.ended().await, (EndReason::TakenOver, None));
    assert!(edge.handle.registry().is_connected(device), "the newer one sits there");
    newer.telemetry(1, 7, "ok").await;
    assert_eq!(newer.packet().await, (0x40, vec![0, 7]));
}

#[tokio::test]
async fn what_is_pipelined_behind_connect_is_acknowledged() {
    let edge = Edge::new();
    for level in [4, 5] {
        let device = device();
        let mut raw = Raw::open(edge.handle.local_addr()).await;
        let first = publish(level, 0x32, &topic(device, "telemetry"), 1, &[], b"ok");
        let second = publish(level, 0x32, &topic(device, "telemetry"), 2, &[], b"ok");
        raw.send(&[Hello::new(level, device).bytes(), first, second].concat()).await;
        assert_eq!(raw.packet().await.0, 0x20);
        assert_eq!(raw.packet().await, (0x40, vec![0, 1]));
        assert_eq!(raw.packet().await, (0x40, vec![0, 2]));
    }
}

#[tokio::test]
async fn enhanced_authentication_is_refused() {
    let edge = Edge::new();
    let hello =
        Hello { props: [&[0x15][..], &super::raw::string("SCRAM")].concat(), ..Hello::new(5, device()) };
    assert_eq!(refused(&edge, &hello).await.0, 0x8c);
}
