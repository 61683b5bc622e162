//! How connections end: goodbye, silence, token, no room, lost messages, and the stop of the house.

use super::house::{Edge, Event, TOKEN_ID, device, topic};
use super::raw::{Hello, Raw, publish};
use mqtt::gateway::EndReason;
use std::time::Duration;
use uuid::Uuid;

#[tokio::test]
async fn the_will_is_told_when_a_device_is_lost_and_forgotten_when_it_says_goodbye() {
    let mut edge = Edge::new();
    for (goodbye, reason, announced) in [
        (&[0xe0, 0][..], EndReason::Device(0), false),
        (&[0xe0, 1, 4], EndReason::Device(4), true),
        (&[], EndReason::Lost, true),
        (&[0xf0, 0], EndReason::Protocol(0x82), true),
    ] {
        let device = device();
        let hello =
            Hello { will: Some((topic(device, "status"), "gone".into(), false)), ..Hello::new(5, device) };
        let mut raw = Raw::login_as(edge.handle.local_addr(), device, &hello).await;
        raw.send(goodbye).await;
        drop(raw);
        assert_eq!(edge.ended().await, (reason, announced.then(|| "gone".into())), "{goodbye:x?}");
    }
}

#[tokio::test]
async fn a_publish_and_goodbye_at_once_reaches_the_backend() {
    let mut edge = Edge::new();
    let mut raw = Raw::login(edge.handle.local_addr(), 5, device()).await;
    let last = publish(5, 0x32, &topic(raw.device, "telemetry"), 1, &[], b"last words");
    raw.send(&[last, vec![0xe0, 0]].concat()).await;
    assert_eq!(edge.ended().await.0, EndReason::Device(0));
    assert_eq!(edge.house.seen()[0].payload, "last words");
}

#[tokio::test]
async fn a_silent_device_is_disconnected_after_one_and_a_half_keep_alives() {
    let mut edge = Edge::new();
    let device = device();
    let hello = Hello { keep_alive: 1, ..Hello::new(5, device) };
    let mut raw = Raw::login_as(edge.handle.local_addr(), device, &hello).await;
    let since = tokio::time::Instant::now();
    let (code, reason) = raw.disconnected().await;
    assert_eq!(code, 0x8d);
    assert!(reason.contains("silent"), "{reason}");
    assert!(since.elapsed() > Duration::from_millis(1400), "{:?}", since.elapsed());
    assert_eq!(edge.ended().await.0, EndReason::Silent);
}

#[tokio::test]
async fn a_device_that_only_waits_for_answers_is_not_silent() {
    let edge = Edge::with(|o| o.max_in_flight_bytes = 100);
    let device = device();
    let hello = Hello { keep_alive: 1, ..Hello::new(5, device) };
    let mut raw = Raw::login_as(edge.handle.local_addr(), device, &hello).await;
    raw.telemetry(1, 1, "hold").await;
    while edge.house.withheld() == 0 {
        tokio::task::yield_now().await;
    }
    // Longer than one and a half keep-alives go by at once.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(20)).await;
    tokio::time::resume();
    // A login needs several turns of the loop: whatever is due has been done.
    Raw::login(edge.handle.local_addr(), 5, super::house::device()).await;
    assert!(edge.handle.registry().is_connected(device), "it was not taken for silent");
    edge.house.release();
    assert_eq!(raw.ack().await.1, 1);
}

#[tokio::test]
async fn a_keep_alive_above_the_maximum_is_replaced() {
    let edge = Edge::with(|o| o.max_keep_alive_s = 1);
    let mut raw = Raw::login(edge.handle.local_addr(), 5, device()).await;
    assert_eq!(raw.disconnected().await.0, 0x8d);
}

#[tokio::test]
async fn a_token_that_ends_ends_the_session() {
    let mut edge = Edge::new();
    *edge.house.expires_in.lock().unwrap() = Some(Duration::from_millis(300));
    let mut raw = Raw::login(edge.handle.local_addr(), 5, device()).await;
    raw.telemetry(1, 1, "ok").await;
    assert_eq!(raw.ack().await.1, 1);
    let (code, reason) = raw.disconnected().await;
    assert_eq!(code, 0x87);
    assert!(reason.contains("has ended"), "{reason}");
    assert_eq!(edge.ended().await.0, EndReason::TokenEnded);
}

#[tokio::test]
async fn a_revoked_token_ends_the_session_that_came_with_it_and_no_other() {
    let mut edge = Edge::new();
    for level in [4, 5] {
        let mut raw = Raw::login(edge.handle.local_addr(), level, device()).await;
        raw.telemetry(1, 1, "hold").await;
        while edge.house.withheld() == 0 {
            tokio::task::yield_now().await;
        }
        let registry = edge.handle.registry();
        assert_eq!(registry.token_of(raw.device), Some(Some(TOKEN_ID)));
        assert!(!registry.end_token(raw.device, Uuid::from_u128(8), "revoked"), "it came with another");
        assert!(!registry.end_token(device(), TOKEN_ID, "revoked"), "nobody is there");
        assert!(registry.end_token(raw.device, TOKEN_ID, "revoked"));
        edge.house.release();
        assert_eq!(raw.ack().await.1, 1, "what is in flight is answered first");
        if level == 5 {
            assert_eq!(raw.disconnected().await, (0x87, "revoked".into()));
        } else {
            assert_eq!(raw.next().await, None);
        }
        assert_eq!(edge.ended().await.0, EndReason::TokenEnded);
        assert_eq!(edge.handle.registry().token_of(raw.device), None);
    }
}

#[tokio::test]
async fn a_message_that_is_not_stored_is_not_acknowledged() {
    let mut edge = Edge::new();
    for level in [4, 5] {
        let mut raw = Raw::login(edge.handle.local_addr(), level, device()).await;
        let telemetry = topic(raw.device, "telemetry");
        let one = publish(level, 0x32, &telemetry, 1, &[], b"ok");
        let two = publish(level, 0x32, &telemetry, 2, &[], b"lose");
        let three = publish(level, 0x32, &telemetry, 3, &[], b"ok");
        raw.send(&[one, two, three].concat()).await;
        assert_eq!(raw.packet().await, (0x40, vec![0, 1]));
        if level == 5 {
            assert_eq!(raw.disconnected().await, (0x80, "message not stored: send it again".into()));
        } else {
            assert_eq!(raw.next().await, None);
        }
        assert_eq!(edge.ended().await.0, EndReason::NotStored);
    }
}

#[tokio::test]
async fn without_room_in_time_the_connection_closes_unacknowledged() {
    let mut edge = Edge::with(|o| o.room_timeout = Duration::from_millis(200));
    *edge.house.full.lock().unwrap() = true;
    let mut raw = Raw::login(edge.handle.local_addr(), 5, device()).await;
    raw.telemetry(1, 1, "ok").await;
    assert_eq!(raw.disconnected().await.0, 0x89);
    assert_eq!(edge.ended().await.0, EndReason::NotStored);
    assert_eq!(edge.handle.registry().metrics().in_flight_bytes, 0, "its room is free again");
}

#[tokio::test]
async fn what_is_in_flight_is_answered_before_a_goodbye_however_long_the_house_takes_within_bounds() {
    // A session that is ended may take longer than the stop of the house.
    let mut edge = Edge::with(|o| o.drain_timeout = Duration::ZERO);
    let mut raw = Raw::login(edge.handle.local_addr(), 5, device()).await;
    raw.telemetry(1, 1, "hold").await;
    raw.telemetry(1, 2, "revoke").await;
    while edge.house.seen().len() < 2 {
        tokio::task::yield_now().await;
    }
    assert!(edge.handle.registry().disconnect(raw.device, 0x98, "consent revoked"));
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(29)).await;
    tokio::time::resume();
    Raw::login(edge.handle.local_addr(), 5, device()).await;
    edge.house.release();
    assert_eq!(raw.ack().await.1, 1);
    assert_eq!(raw.ack().await.1, 2);
    assert_eq!(raw.disconnected().await, (0x98, "consent revoked".into()));
    while edge.ended().await.0 != EndReason::House(0x98) {}
}

#[tokio::test]
async fn a_device_whose_messages_find_no_room_can_still_be_disconnected() {
    let mut edge = Edge::with(|o| o.room_timeout = Duration::from_millis(100));
    *edge.house.full.lock().unwrap() = true;
    let mut raw = Raw::login(edge.handle.local_addr(), 5, device()).await;
    raw.telemetry(1, 1, "ok").await;
    while edge.handle.registry().metrics().in_flight_bytes == 0 {
        tokio::task::yield_now().await;
    }
    assert!(edge.handle.registry().disconnect(raw.device, 0x98, "consent revoked"));
    assert_eq!(raw.disconnected().await.0, 0x98);
    assert_eq!(edge.ended().await.0, EndReason::House(0x98));
}

#[tokio::test]
async fn answers_that_never_come_close_the_connection_once_it_holds_its_fill() {
    let mut edge = Edge::with(|o| {
        o.max_in_flight_bytes = 100;
        o.room_timeout = Duration::from_millis(200);
    });
    let mut raw = Raw::login(edge.handle.local_addr(), 5, device()).await;
    raw.telemetry(1, 1, "hold").await;
    assert_eq!(raw.disconnected().await.0, 0x89);
    assert_eq!(edge.ended().await.0, EndReason::NotStored);
    edge.house.release();
    assert_eq!(edge.handle.registry().metrics().in_flight_bytes, 0);
}

#[tokio::test]
async fn the_room_of_all_holds_back_the_next_until_there_is_space() {
    let mut edge = Edge::with(|o| o.max_total_in_flight_bytes = 100);
    let mut first = Raw::login(edge.handle.local_addr(), 5, device()).await;
    let mut second = Raw::login(edge.handle.local_addr(), 5, device()).await;
    first.telemetry(1, 1, "hold").await;
    first.send(&publish(5, 0x30, &topic(first.device, "status"), 0, &[], b"x")).await;
    edge.event().await;
    edge.event().await;
    while edge.house.withheld() == 0 {
        tokio::task::yield_now().await;
    }
    // Of whom nothing waits a little is read all the same: a flood of others does not hold it up.
    second.telemetry(1, 2, "hold").await;
    while edge.house.withheld() == 1 {
        tokio::task::yield_now().await;
    }
    second.telemetry(1, 3, "ok").await;
    // A login needs several turns of the loop: the second had its chance to be read.
    Raw::login(edge.handle.local_addr(), 5, device()).await;
    assert_eq!(edge.house.seen().len(), 2, "no more of the second is read");
    edge.house.release();
    assert_eq!(first.ack().await.1, 1);
    assert_eq!(second.ack().await.1, 2);
    assert_eq!(second.ack().await.1, 3);
}

#[tokio::test]
async fn of_whom_nothing_waits_no_more_than_a_little_is_read_while_the_room_of_all_is_full() {
    let mut edge = Edge::with(|o| o.max_total_in_flight_bytes = 100);
    let mut first = Raw::login(edge.handle.local_addr(), 5, device()).await;
    let mut second = Raw::login(edge.handle.local_addr(), 5, device()).await;
    first.telemetry(1, 1, "hold").await;
    first.send(&publish(5, 0x30, &topic(first.device, "status"), 0, &[], b"x")).await;
    edge.event().await;
    edge.event().await;
    while edge.house.withheld() == 0 {
        tokio::task::yield_now().await;
    }
    let many: Vec<u8> = (1..=100)
        .flat_map(|id| publish(5, 0x32, &topic(second.device, "telemetry"), id, &[], b"hold"))
        .collect();
    second.send(&many).await;
    while edge.house.withheld() < 2 {
        tokio::task::yield_now().await;
    }
    Raw::login(edge.handle.local_addr(), 5, device()).await;
    let bytes = (edge.house.seen().len() - 1) * many.len() / 100;
    assert!(bytes <= 1024, "{bytes}");
    edge.house.release();
    assert_eq!(first.ack().await.1, 1);
}

#[tokio::test]
async fn stopping_answers_what_is_in_flight_and_says_goodbye() {
    let mut edge = Edge::new();
    let mut raw = Raw::login(edge.handle.local_addr(), 5, device()).await;
    let waiting = Raw::open(edge.handle.local_addr()).await;
    raw.telemetry(1, 1, "hold").await;
    raw.send(&publish(5, 0x30, &topic(raw.device, "status"), 0, &[], b"here")).await;
    while edge.event().await != Event::Status("here".into()) {}
    let Edge { house, handle, .. } = edge;
    let stop = tokio::spawn(handle.stop());
    house.release();
    assert_eq!(raw.ack().await.1, 1);
    let (code, reason) = raw.disconnected().await;
    assert_eq!(code, 0x8b);
    assert!(reason.contains("stopping"), "{reason}");
    drop(raw);
    tokio::time::timeout(Duration::from_secs(5), stop).await.expect("stops in time").unwrap();
    drop(waiting);
}
