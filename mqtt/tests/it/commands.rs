//! Down to the device: commands until they are acknowledged, subscriptions, notices.

use super::house::{Edge, Event, device, topic};
use super::raw::{Hello, Raw, publish, string, subscribe};
use bytes::Bytes;
use uuid::Uuid;

/// Takes a PUBLISH at QoS 1: its identifier and payload.
async fn message(raw: &mut Raw, level: u8, name: &str) -> (u16, String) {
    let (first, body) = raw.packet().await;
    assert_eq!(first, 0x32, "a new QoS 1 message, not {body:x?}");
    let body = body.strip_prefix(&*string(name)).expect("on its topic").to_vec();
    let id = u16::from_be_bytes([body[0], body[1]]);
    let properties = if level == 5 { 1 + usize::from(body[2]) } else { 0 };
    (id, String::from_utf8(body[2 + properties..].to_vec()).unwrap())
}

async fn listen(raw: &mut Raw, level: u8, leaf: &str) {
    raw.send(&subscribe(level, 77, &[&topic(raw.device, leaf)], 1)).await;
    let (first, body) = raw.packet().await;
    assert_eq!((first, *body.last().unwrap()), (0x90, 1), "granted QoS 1");
}

async fn acked(edge: &mut Edge) -> (Uuid, u8) {
    loop {
        if let Event::CommandAcked(id, code) = edge.event().await {
            return (id, code);
        }
    }
}

#[tokio::test]
async fn a_command_waits_for_the_subscription_and_is_kept_until_acknowledged() {
    let mut edge = Edge::new();
    for level in [4, 5] {
        let device = device();
        let commands = topic(device, "commands");
        let id = edge.house.queue_command(device, "sync now");
        let mut raw = Raw::login(edge.handle.local_addr(), level, device).await;
        listen(&mut raw, level, "commands").await;
        assert_eq!(message(&mut raw, level, &commands).await.1, "sync now");
        drop(raw);

        let mut again = Raw::login(edge.handle.local_addr(), level, device).await;
        listen(&mut again, level, "commands").await;
        let (packet_id, payload) = message(&mut again, level, &commands).await;
        assert_eq!(payload, "sync now", "not acknowledged, so it comes again");
        let [high, low] = packet_id.to_be_bytes();
        again.send(&[0x40, 2, high, low]).await;
        assert_eq!(acked(&mut edge).await, (id, 0));

        let next = edge.house.queue_command(device, "reboot");
        assert!(edge.handle.registry().push_command(device));
        let (packet_id, payload) = message(&mut again, level, &commands).await;
        assert_eq!(payload, "reboot", "the acknowledged one does not come again");
        let [high, low] = packet_id.to_be_bytes();
        again.send(&if level == 5 { vec![0x40, 3, high, low, 0x87] } else { vec![0x40, 2, high, low] }).await;
        assert_eq!(acked(&mut edge).await, (next, if level == 5 { 0x87 } else { 0 }));

        again.send(&publish(level, 0x32, &topic(device, "replies"), 5, &[], b"done")).await;
        assert_eq!(again.packet().await, (0x40, vec![0, 5]));
        assert_eq!(edge.event().await, Event::Reply("done".into()));
    }
}

#[tokio::test]
async fn commands_respect_the_receive_maximum_of_the_device() {
    let edge = Edge::new();
    let device = device();
    let commands = topic(device, "commands");
    for text in ["1", "2", "3"] {
        edge.house.queue_command(device, text);
    }
    let hello = Hello { props: vec![0x21, 0, 2], ..Hello::new(5, device) };
    let mut raw = Raw::login_as(edge.handle.local_addr(), device, &hello).await;
    listen(&mut raw, 5, "commands").await;
    let (first, payload) = message(&mut raw, 5, &commands).await;
    assert_eq!(payload, "1");
    assert_eq!(message(&mut raw, 5, &commands).await.1, "2");
    edge.handle.registry().push_command(device);
    raw.send(&[0xc0, 0]).await;
    assert_eq!(raw.packet().await.0, 0xd0, "no third before an acknowledgement, none twice");
    let [high, low] = first.to_be_bytes();
    raw.send(&[0x40, 2, high, low]).await;
    assert_eq!(message(&mut raw, 5, &commands).await.1, "3");
}

#[tokio::test]
async fn more_commands_than_fit_the_window_all_arrive_in_order() {
    let edge = Edge::new();
    let device = device();
    let commands = topic(device, "commands");
    for _ in 0..100 {
        edge.house.queue_command(device, "x");
    }
    let mut raw = Raw::login(edge.handle.local_addr(), 4, device).await;
    listen(&mut raw, 4, "commands").await;
    for _ in 0..100 {
        let (id, _) = message(&mut raw, 4, &commands).await;
        let [high, low] = id.to_be_bytes();
        raw.send(&[0x40, 2, high, low]).await;
    }
}

#[tokio::test]
async fn only_own_commands_and_notices_can_be_subscribed_to() {
    let edge = Edge::new();
    let own = device();
    let filters =
        [topic(own, "commands"), topic(own, "notices"), topic(own, "telemetry"), topic(device(), "commands")];
    let filters: Vec<&str> =
        filters.iter().map(String::as_str).chain(["#", "zelo/v1/devices/+/commands"]).collect();
    let mut raw = Raw::login(edge.handle.local_addr(), 4, own).await;
    raw.send(&subscribe(4, 1, &filters, 2)).await;
    assert_eq!(raw.packet().await, (0x90, vec![0, 1, 1, 1, 0x80, 0x80, 0x80, 0x80]));
    let mut raw = Raw::login(edge.handle.local_addr(), 5, own).await;
    raw.send(&subscribe(5, 1, &filters, 0)).await;
    let (first, body) = raw.packet().await;
    assert_eq!(first, 0x90);
    assert!(body.ends_with(&[0, 0, 0x87, 0x87, 0x87, 0x87]), "{body:x?}");
    assert!(String::from_utf8_lossy(&body).contains("E_TOPIC"));
    let mut terse =
        Raw::login_as(edge.handle.local_addr(), own, &Hello { props: vec![0x17, 0], ..Hello::new(5, own) })
            .await;
    terse.send(&subscribe(5, 1, &["#"], 0)).await;
    assert_eq!(terse.packet().await, (0x90, vec![0, 1, 0, 0x87]), "no reason where none is wanted");
    let mut raw = Raw::login(edge.handle.local_addr(), 5, own).await;
    let shared = format!("$share/group/{}", topic(own, "commands"));
    raw.send(&subscribe(5, 2, &[&shared], 0)).await;
    assert_eq!(*raw.packet().await.1.last().unwrap(), 0x87);
}

#[tokio::test]
async fn notices_reach_who_subscribed_and_stop_with_unsubscribe() {
    let edge = Edge::new();
    let mut raw = Raw::login(edge.handle.local_addr(), 5, device()).await;
    let notices = topic(raw.device, "notices");
    let registry = edge.handle.registry();
    assert!(registry.notice(raw.device, Bytes::from_static(b"unheard")));
    raw.send(&[0xc0, 0]).await;
    assert_eq!(raw.packet().await.0, 0xd0);
    listen(&mut raw, 5, "notices").await;
    registry.notice(raw.device, Bytes::from_static(b"heard"));
    assert_eq!(message(&mut raw, 5, &notices).await.1, "heard");
    let body = [&[0, 8, 0][..], &string(&notices)].concat();
    raw.send(&super::raw::packet(0xa2, &body)).await;
    assert_eq!(raw.packet().await, (0xb0, vec![0, 8, 0, 0]));
    raw.send(&super::raw::packet(0xa2, &body)).await;
    assert_eq!(raw.packet().await, (0xb0, vec![0, 8, 0, 0x11]));
    assert!(!registry.notice(device(), Bytes::from_static(b"nobody")));
}
