//! What MQTT says a server must do with what it must not be sent. Each row is named by its conformance statement.

use super::house::{Edge, Event, device, topic};
use super::raw::{Hello, Raw, packet, publish, string, subscribe};
use std::time::Duration;

/// A CONNECT whose flags are changed.
fn connect(level: u8, change: impl Fn(u8) -> u8) -> Vec<u8> {
    changed(Hello::new(level, device()).bytes(), change)
}

fn changed(mut connect: Vec<u8>, change: impl Fn(u8) -> u8) -> Vec<u8> {
    let at = connect.windows(4).position(|bytes| bytes == b"MQTT").unwrap() + 5;
    connect[at] = change(connect[at]);
    connect
}

/// The same with a will.
fn with_will(level: u8, change: impl Fn(u8) -> u8) -> Vec<u8> {
    let device = device();
    let will = Some((topic(device, "status"), "gone".to_owned(), false));
    changed(Hello { will, ..Hello::new(level, device) }.bytes(), change)
}

async fn answer(edge: &Edge, bytes: &[u8]) -> Option<(u8, Vec<u8>)> {
    let mut raw = Raw::open(edge.handle.local_addr()).await;
    raw.send(bytes).await;
    raw.next().await
}

#[tokio::test]
async fn a_connect_that_cannot_be_is_closed_and_on_5_told() {
    let edge = Edge::new();
    for level in [4, 5] {
        let named = |client_id: &str| Hello { client_id: client_id.into(), ..Hello::new(level, device()) };
        let user = |name: &str| Hello { user_name: Some(name.into()), ..Hello::new(level, device()) };
        let own = device();
        let will = |topic: &str| Hello {
            will: Some((topic.into(), String::new(), false)),
            ..Hello::new(level, own)
        };
        let nul_topic = format!("{}\0", topic(own, "status"));
        let mut broken = named("x").bytes();
        let at = broken.windows(3).position(|bytes| bytes == [0, 1, b'x']).unwrap() + 2;
        broken[at] = 0xff;
        for (must, bytes) in [
            ("3.1.2-3 the reserved flag", connect(level, |flags| flags | 0x01)),
            ("3.1.2-11 will QoS without a will", connect(level, |flags| flags | 0x08)),
            ("3.1.2-11 will retain without a will", connect(level, |flags| flags | 0x20)),
            ("3.1.2-14 will QoS 3", with_will(level, |flags| flags | 0x18)),
            ("1.5.3-2 U+0000 in the client identifier", named("a\0b").bytes()),
            ("1.5.3-2 U+0000 in the user name", user("a\0b").bytes()),
            ("1.5.3-2 U+0000 in the will's topic", will(&nul_topic).bytes()),
            ("1.5.3-1 a client identifier that is not UTF-8", broken),
        ] {
            let answered = answer(&edge, &bytes).await;
            match (level, answered) {
                (4, answered) => assert_eq!(answered, None, "{must}: closed without a word"),
                (_, Some((0x20, body))) => assert!(body[1] >= 0x80, "{must}: {body:x?}"),
                (_, answered) => panic!("{must}: {answered:x?}"),
            }
        }
    }
    let lone_data = Hello { props: vec![0x16, 0, 1, b'x'], ..Hello::new(5, device()) }.bytes();
    let (_, body) = answer(&edge, &lone_data).await.unwrap();
    assert_eq!(body[1], 0x82, "authentication data without a method");
    assert_eq!(edge.handle.registry().connected_count(), 0);
}

/// A PUBLISH whose topic is these bytes.
fn raw_topic(level: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
    let properties: &[u8] = if level == 5 { &[0] } else { &[] };
    packet(0x30, &[&length[..], bytes, properties, b"payload"].concat())
}

fn property(bytes: &[u8]) -> Vec<u8> {
    publish(5, 0x32, "sensors", 1, bytes, b"")
}

/// An UNSUBSCRIBE from one filter.
fn unsubscribe(level: u8, filter: &str) -> Vec<u8> {
    let properties: &[u8] = if level == 5 { &[0] } else { &[] };
    packet(0xa2, &[&[0, 3][..], properties, &string(filter)].concat())
}

#[tokio::test]
async fn what_must_not_be_sent_closes_the_connection() {
    let edge = Edge::new();
    for level in [4, 5] {
        let mut rows = vec![
            ("1.5.3-2 U+0000 in a topic", raw_topic(level, b"top\0\0")),
            ("1.5.4 a control character in a topic", raw_topic(level, b"top\x1b[2J")),
            ("1.5.4 U+0085 in a topic", raw_topic(level, "top\u{85}".as_bytes())),
            ("1.5.4 a noncharacter in a filter", subscribe(level, 1, &["a\u{ffff}"], 0)),
            ("1.5.3-1 a surrogate in a topic", raw_topic(level, &[b'a', 0xed, 0xa0, 0x80])),
            ("1.5.3-1 an overlong form in a topic", raw_topic(level, &[0xc0, 0x80])),
            ("3.3.2-2 # in a topic", raw_topic(level, b"a/#")),
            ("3.3.2-2 + in a topic", raw_topic(level, b"a/+/b")),
            ("4.7.3-1 an empty topic", raw_topic(level, b"")),
            ("3.3.1-2 DUP at QoS 0", publish(level, 0x38, "sensors", 0, &[], b"")),
            ("3.3.1-4 QoS 3", publish(level, 0x36, "sensors", 1, &[], b"")),
            ("4.7.3-1 an empty filter", subscribe(level, 1, &[""], 0)),
            ("1.5.3-2 U+0000 in a filter", subscribe(level, 1, &["a\0"], 0)),
            ("4.7.1-2 # before the end", subscribe(level, 1, &["#/a"], 0)),
            ("4.7.1-2 # beside a character", subscribe(level, 1, &["a#"], 0)),
            ("4.7.1-3 + beside a character", subscribe(level, 1, &["a+/b"], 0)),
            ("3.8.3-4 QoS 3 asked for", subscribe(level, 1, &["a"], 3)),
            ("3.8.3-4 a reserved option", subscribe(level, 1, &["a"], 0x40)),
            ("3.8.3-4 a reserved option", subscribe(level, 1, &["a"], 0x80)),
            ("3.8.3-3 no filter", packet(0x82, if level == 5 { &[0, 1, 0] } else { &[0, 1] })),
            ("3.8.1-1 reserved bits of SUBSCRIBE", [&[0x80], &subscribe(level, 1, &["a"], 0)[1..]].concat()),
            ("3.10.3-2 no filter to leave", packet(0xa2, if level == 5 { &[0, 1, 0] } else { &[0, 1] })),
            ("4.7.3-1 an empty filter to leave", unsubscribe(level, "")),
            ("1.5.3-2 U+0000 in a filter to leave", unsubscribe(level, "a\0")),
            ("PUBACK with identifier 0", vec![0x40, 2, 0, 0]),
            ("PUBACK cut off", vec![0x40, 1, 0]),
            ("PUBREC with flags", vec![0x52, 2, 0, 1]),
            ("PINGREQ with a body", vec![0xc0, 1, 0]),
            ("SUBACK of a device", vec![0x90, 3, 0, 1, 0]),
        ];
        if level == 4 {
            rows.extend([
                ("m3.8.3-4 options of MQTT 5", subscribe(4, 1, &["a"], 0x04)),
                ("m3.8.3-4 options of MQTT 5", subscribe(4, 1, &["a"], 0x10)),
                ("m PUBACK too long", vec![0x40, 3, 0, 1, 0]),
                ("m3.14.1-1 DISCONNECT with a body", vec![0xe0, 1, 0]),
            ]);
        } else {
            rows.extend([
                ("v3.3.4-6 a subscription identifier", property(&[0x0b, 1])),
                ("v3.3.2-14 a wildcard in a response topic", property(&[0x08, 0, 1, b'#'])),
                ("v1.5.4-2 U+0000 in a content type", property(&[0x03, 0, 1, 0])),
                ("v1.5.4 a line end in a user property", property(&[0x26, 0, 1, b'k', 0, 1, b'\n'])),
                ("v1.5.4-2 U+0000 in a user property", property(&[0x26, 0, 1, b'k', 0, 1, 0])),
                ("v a content type twice", property(&[0x03, 0, 1, b'a', 0x03, 0, 1, b'b'])),
                ("v a property of another packet", property(&[0x21, 0, 1])),
                ("v3.8.3-4 no local on a shared subscription", subscribe(5, 1, &["$share/g/a"], 0x04)),
                ("v retain handling 3", subscribe(5, 1, &["a"], 0x30)),
                (
                    "v a subscription identifier 0",
                    packet(0x82, &[&[0, 1, 2, 0x0b, 0][..], &string("a"), &[0]].concat()),
                ),
                ("v PUBACK with U+0000 in its reason", vec![0x40, 8, 0, 1, 0, 4, 0x1f, 0, 1, 0]),
                ("v PUBACK too long", vec![0x40, 5, 0, 1, 0, 0, 0]),
            ]);
        }
        for (must, bytes) in rows {
            let mut raw = Raw::login(edge.handle.local_addr(), level, device()).await;
            raw.send(&bytes).await;
            if level == 5 {
                let (code, reason) = raw.disconnected().await;
                assert!(code >= 0x80 && !reason.is_empty(), "{must}: {code:x} {reason}");
            } else {
                assert_eq!(raw.next().await, None, "{must}");
            }
        }
    }
}

#[tokio::test]
async fn a_late_or_second_acknowledgement_is_ignored() {
    let mut edge = Edge::new();
    for level in [4, 5] {
        let device = device();
        let id = edge.house.queue_command(device, "sync");
        let mut raw = Raw::login(edge.handle.local_addr(), level, device).await;
        // As a device sends it that did not hear of the end of its last session.
        raw.send(&[0x40, 2, 0, 1, 0x70, 2, 0, 1]).await;
        if level == 5 {
            raw.send(&[0x40, 3, 0, 9, 0x83, 0x40, 4, 0, 9, 0, 0]).await;
        }
        // MQTT-4.3.3: who asks to release what is not there is let go on.
        raw.send(&[0x50, 2, 0, 7]).await;
        let (first, body) = raw.packet().await;
        assert_eq!((first, &body[..2]), (0x62, &[0, 7][..]));
        raw.send(&subscribe(level, 77, &[&topic(device, "commands")], 1)).await;
        assert_eq!(raw.packet().await.0, 0x90);
        let (first, body) = raw.packet().await;
        assert_eq!(first, 0x32);
        let at = 2 + topic(device, "commands").len();
        let [high, low] = [body[at], body[at + 1]];
        // Byte by byte: an acknowledgement may come in pieces.
        for byte in [0x40, 2, high, low] {
            raw.send(&[byte]).await;
        }
        raw.send(&[0x40, 2, high, low]).await;
        raw.send(&[0xc0, 0]).await;
        assert_eq!(raw.packet().await.0, 0xd0, "still served");
        loop {
            if let Event::CommandAcked(acked, code) = edge.event().await {
                assert_eq!((acked, code), (id, 0));
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_command_answered_as_if_at_qos_2_is_a_fault() {
    let edge = Edge::new();
    let device = device();
    edge.house.queue_command(device, "sync");
    let mut raw = Raw::login(edge.handle.local_addr(), 4, device).await;
    raw.send(&subscribe(4, 77, &[&topic(device, "commands")], 1)).await;
    assert_eq!(raw.packet().await.0, 0x90);
    let (_, body) = raw.packet().await;
    let at = 2 + topic(device, "commands").len();
    raw.send(&[0x50, 2, body[at], body[at + 1]]).await;
    assert_eq!(raw.next().await, None);
}

#[tokio::test]
async fn a_will_is_bounded() {
    let edge = Edge::with(|o| o.max_will_bytes = 10);
    let own = device();
    let hello =
        |body: &str| Hello { will: Some((topic(own, "status"), body.into(), false)), ..Hello::new(5, own) };
    let (_, body) = answer(&edge, &hello("0123456789a").bytes()).await.unwrap();
    assert_eq!(body[1], 0x97);
    let (_, body) = answer(&edge, &hello("0123456789").bytes()).await.unwrap();
    assert_eq!(body[1], 0);
}

#[tokio::test]
async fn sessions_wait_for_a_seat_while_nobody_writes_down_that_others_ended() {
    // Room for one seat: the second device waits until the first one's events are written down.
    let mut edge = Edge::with(|o| {
        o.max_seat_bytes = 600;
        o.connect_timeout = Duration::from_millis(300);
    });
    let first = Raw::login(edge.handle.local_addr(), 5, device()).await;
    assert_eq!(answer(&edge, &Hello::new(5, device()).bytes()).await, None, "no room in time");
    drop(first);
    edge.ended().await;
    Raw::login(edge.handle.local_addr(), 5, device()).await;
}

#[tokio::test]
async fn packets_that_are_begun_hold_their_room_and_must_be_finished() {
    let edge = Edge::with(|o| {
        o.max_total_in_flight_bytes = 100_000;
        o.room_timeout = Duration::from_millis(200);
    });
    let mut slow = Raw::login(edge.handle.local_addr(), 5, device()).await;
    let whole = publish(5, 0x32, &topic(slow.device, "telemetry"), 1, &[], &vec![b'x'; 200_000]);
    slow.send(&whole[..100]).await;
    while edge.handle.registry().metrics().in_flight_bytes < 199_000 {
        tokio::task::yield_now().await;
    }
    // The room is full, and the packet that filled it is still read to its end.
    slow.send(&whole[100..]).await;
    assert_eq!(slow.ack().await.1, 1);
    assert_eq!(edge.handle.registry().metrics().in_flight_bytes, 0);
    slow.send(&publish(5, 0x32, &topic(slow.device, "telemetry"), 2, &[], &vec![b'x'; 5_000])[..100]).await;
    let (code, reason) = slow.disconnected().await;
    assert_eq!(code, 0x80);
    assert!(reason.contains("not finished"), "{reason}");
}
