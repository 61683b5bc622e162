//! What a device does wrong: told why, never a panic, and the others do not notice.

use super::house::{Edge, PATIENCE, device, topic};
use super::raw::{Hello, Raw, publish, subscribe};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_packet_over_the_maximum_is_refused_before_its_body() {
    let edge = Edge::new();
    let mut raw = Raw::login(edge.handle.local_addr(), 5, device()).await;
    raw.send(&[0x32, 0x80, 0x80, 0x41]).await;
    let (code, reason) = raw.disconnected().await;
    assert_eq!(code, 0x95);
    assert!(reason.contains("larger"), "{reason}");
    let mut old = Raw::login(edge.handle.local_addr(), 4, device()).await;
    old.send(&[0x32, 0x80, 0x80, 0x41]).await;
    assert_eq!(old.next().await, None);
}

#[tokio::test]
async fn the_largest_packet_is_taken() {
    let edge = Edge::new();
    let mut raw = Raw::login(edge.handle.local_addr(), 5, device()).await;
    let name = topic(raw.device, "telemetry");
    let overhead = publish(5, 0x32, &name, 1, &[], &vec![b'x'; 1_000_000]).len() - 1_000_000;
    let payload = vec![b'x'; (1 << 20) - overhead];
    let whole = publish(5, 0x32, &name, 1, &[], &payload);
    assert_eq!(whole.len(), 1 << 20);
    raw.send(&whole).await;
    assert_eq!(raw.ack().await.2, 0);
    assert_eq!(edge.house.seen()[0].payload.len(), payload.len());
}

#[tokio::test]
async fn a_retained_publish_is_disconnected_on_5_and_taken_without_retaining_on_3_1_1() {
    let edge = Edge::new();
    let mut raw = Raw::login(edge.handle.local_addr(), 5, device()).await;
    raw.send(&publish(5, 0x33, &topic(raw.device, "telemetry"), 1, &[], b"ok")).await;
    let (code, reason) = raw.disconnected().await;
    assert_eq!(code, 0x9a);
    assert!(reason.contains("retain"), "{reason}");
    let mut old = Raw::login(edge.handle.local_addr(), 4, device()).await;
    old.send(&publish(4, 0x33, &topic(old.device, "telemetry"), 1, &[], b"ok")).await;
    assert_eq!(old.packet().await, (0x40, vec![0, 1]));
}

#[tokio::test]
async fn faults_get_their_code() {
    let edge = Edge::new();
    let device = device();
    let telemetry = topic(device, "telemetry");
    for (name, bytes, code) in [
        ("QoS 3", publish(5, 0x36, &telemetry, 1, &[], b""), 0x81),
        ("identifier 0", publish(5, 0x32, &telemetry, 0, &[], b""), 0x82),
        ("reserved flags", vec![0x80, 0], 0x81),
        ("endless length", vec![0x30, 0xff, 0xff, 0xff, 0xff], 0x81),
        ("packet of a server", vec![0x20, 2, 0, 0], 0x82),
        ("a second CONNECT", Hello::new(5, device).bytes(), 0x82),
        ("AUTH", vec![0xf0, 0], 0x82),
        ("SUBSCRIBE without filters", subscribe(5, 1, &[], 0), 0x82),
    ] {
        let mut raw = Raw::login(edge.handle.local_addr(), 5, device).await;
        raw.send(&bytes).await;
        let (closed_with, reason) = raw.disconnected().await;
        assert_eq!(closed_with, code, "{name}: {reason}");
        assert!(!reason.is_empty());
    }
}

#[tokio::test]
async fn anything_before_connect_closes_at_once() {
    let edge = Edge::new();
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xc0, 0], &[0x10, 0xff, 0xff, 0x7f], &[0x10, 2, 0, 0]] {
        let mut raw = Raw::open(edge.handle.local_addr()).await;
        raw.send(bytes).await;
        assert_eq!(raw.next().await, None, "{bytes:x?}");
    }
}

#[tokio::test]
async fn who_does_not_connect_in_time_is_closed() {
    let edge = Edge::with(|o| o.connect_timeout = Duration::from_millis(100));
    let mut raw = Raw::open(edge.handle.local_addr()).await;
    raw.send(&[0x10]).await;
    assert_eq!(raw.next().await, None);
}

#[tokio::test]
async fn a_client_that_ignores_the_receive_maximum_is_not_punished() {
    let edge = Edge::with(|o| o.receive_maximum = 10);
    for level in [4, 5] {
        let mut raw = Raw::login(edge.handle.local_addr(), level, device()).await;
        let telemetry = topic(raw.device, "telemetry");
        let burst: Vec<u8> =
            (1..=2000).flat_map(|id| publish(level, 0x32, &telemetry, id, &[], b"ok")).collect();
        raw.send(&burst).await;
        for id in 1..=2000 {
            assert_eq!(raw.ack().await.1, id);
        }
    }
}

#[tokio::test]
async fn one_device_too_many_is_told_to_come_back_and_one_that_returns_takes_its_own_place() {
    let edge = Edge::with(|o| o.max_devices = 1);
    let first = device();
    let _session = Raw::login(edge.handle.local_addr(), 5, first).await;
    for (level, code) in [(5, 0x89), (4, 3)] {
        let mut second = Raw::open(edge.handle.local_addr()).await;
        second.send(&Hello::new(level, device()).bytes()).await;
        assert_eq!(second.packet().await.1[1], code, "level {level}");
    }
    let mut again = Raw::login(edge.handle.local_addr(), 5, first).await;
    again.telemetry(1, 1, "ok").await;
    assert_eq!(again.ack().await.1, 1);
}

/// Connects from another address of this host.
#[tokio::test]
async fn what_accepts_may_fall_and_be_made_anew_under_the_connections_that_there_are() {
    let (fall, falls) = tokio::sync::oneshot::channel::<()>();
    let edge = Edge::under(
        |_options| (),
        |mut accepting| {
            tokio::spawn(async move {
                tokio::select! { () = accepting() => {}, _now = falls => {} }
                accepting().await;
            })
        },
    );
    let mut before = Raw::login(edge.handle.local_addr(), 5, device()).await;
    fall.send(()).unwrap();
    let mut after = Raw::login(edge.handle.local_addr(), 5, device()).await;
    for raw in [&mut before, &mut after] {
        raw.send(&publish(5, 0x32, &topic(raw.device, "telemetry"), 1, &[], b"ok")).await;
        assert_eq!(raw.ack().await.2, 0);
    }
    let address = edge.handle.local_addr();
    edge.handle.stop().await;
    assert_eq!(before.disconnected().await.0, 0x8b);
    assert!(TcpStream::connect(address).await.is_err(), "the port is closed");
}

async fn from(source: [u8; 4], to: std::net::SocketAddr) -> Option<TcpStream> {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind((source, 0).into()).unwrap();
    socket.connect(to).await.ok()
}

/// Whether the other side has closed.
fn is_closed(stream: &TcpStream) -> bool {
    !matches!(stream.try_read(&mut [0]), Err(waits) if waits.kind() == std::io::ErrorKind::WouldBlock)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_who_say_nothing_take_no_place_from_devices() {
    let few = |o: &mut mqtt::gateway::Options| {
        (o.max_strangers, o.max_strangers_of_network, o.max_devices) = (16, 8, 16);
    };
    let edge = Edge::with(few);
    let address = edge.handle.local_addr();
    let mut known = Raw::login(address, 5, device()).await;
    let mut crowd = Vec::new();
    for number in 0..300_u16 {
        // One network first, then many.
        let source =
            if number < 100 { [127, 0, 0, 9] } else { [127, 0, 8, u8::try_from(number % 100).unwrap()] };
        crowd.extend(from(source, address).await);
        if number % 30 == 0 {
            let mut honest = Raw::login(address, if number % 60 == 0 { 4 } else { 5 }, device()).await;
            honest.telemetry(1, 1, "ok").await;
            assert_eq!(honest.ack().await.1, 1, "after {number} strangers");
        }
    }
    known.telemetry(1, 2, "ok").await;
    assert_eq!(known.ack().await.1, 2, "who has shown who it is, is never sent away");
    let metrics = edge.handle.registry().metrics();
    assert!(metrics.turned_away >= 250, "{metrics:?}");
    let open = |crowd: &[TcpStream]| crowd.iter().filter(|stream| !is_closed(stream)).count();
    let waited = std::time::Instant::now();
    while open(&crowd) > 16 {
        assert!(waited.elapsed() < PATIENCE, "{} are kept", open(&crowd));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_client_that_never_reads_is_dropped() {
    let edge = Edge::with(|o| o.write_timeout = Duration::from_millis(200));
    let mut stuck = Raw::login(edge.handle.local_addr(), 5, device()).await;
    let telemetry = topic(stuck.device, "telemetry");
    let burst: Vec<u8> = (1..=1000).flat_map(|id| publish(5, 0x32, &telemetry, id, &[], b"refuse")).collect();
    let flood = async {
        loop {
            stuck.try_send(&burst).await?
        }
    };
    // Until every buffer on the way is full: some megabytes of short answers, ten seconds of a busy machine.
    let broken: Result<(), std::io::Error> =
        tokio::time::timeout(PATIENCE * 6, flood).await.expect("dropped in time");
    broken.unwrap_err();
}

/// xorshift64*: a seed gives the same packets on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(high).unwrap() % n
    }

    fn mutate(&mut self, packet: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            let at = self.below(packet.len());
            let byte = u8::try_from(self.below(256)).unwrap();
            match self.below(5) {
                0 => packet[at] = byte,
                1 => packet[at] ^= 1 << self.below(8),
                2 => packet.insert(at, byte),
                3 if packet.len() > 1 => drop(packet.remove(at)),
                _ => packet.truncate(at.max(1)),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_mutated_packets_leave_it_serving() {
    let edge = Edge::new();
    let mut dice = Dice(0x5eed);
    let device = device();
    let (telemetry, commands) = (topic(device, "telemetry"), topic(device, "commands"));
    let will = Some((topic(device, "status"), "gone".into(), false));
    let mut sent = 0;
    while sent < 100_000 {
        let level = if dice.below(2) == 0 { 4 } else { 5 };
        let hello = Hello { will: will.clone(), ..Hello::new(level, device) }.bytes();
        let models = [
            hello.clone(),
            publish(level, 0x32, &telemetry, 7, &[], b"ok"),
            publish(level, 0x34, &telemetry, 8, &[], b"ok"),
            publish(5, 0x32, &telemetry, 9, &[0x23, 0, 1], b"ok"),
            subscribe(level, 3, &[&commands, "#"], 1),
            vec![0x62, 2, 0, 8],
            vec![0x40, 2, 0, 1],
            vec![0xe0, 2, 4, 0],
            vec![0xf0, 2, 0x18, 0],
            publish(level, 0x33, &telemetry, 10, &[], b"retained"),
            vec![0x32, 0x80, 0x80, 0x41],
        ];
        let mut bytes = if dice.below(3) == 0 { vec![] } else { hello };
        for _ in 0..20 {
            let mut packet = models[dice.below(models.len())].clone();
            dice.mutate(&mut packet);
            bytes.extend(packet);
            sent += 1;
        }
        let mut socket = TcpStream::connect(edge.handle.local_addr()).await.unwrap();
        // The gateway may close in the middle of it; that is its answer.
        drop(socket.write_all(&bytes).await);
        if dice.below(2) == 0 {
            drop(socket.shutdown().await);
            let mut rest = vec![];
            let end = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut rest)).await;
            assert!(end.is_ok(), "closed in time after {bytes:x?}");
        }
    }
    let mut raw = Raw::login(edge.handle.local_addr(), 5, super::house::device()).await;
    raw.telemetry(1, 1, "ok").await;
    assert_eq!(raw.ack().await, (0x40, 1, 0, String::new()));
    // Half of the sockets were dropped without a wait: what they sent may still be on its way.
    let registry = edge.handle.registry();
    let disconnect_codes =
        || registry.metrics().disconnects.into_iter().map(|(code, _)| code).collect::<Vec<_>>();
    let every_path = [0x81, 0x82, 0x94, 0x95, 0x9a];
    let settled = async {
        while registry.metrics().in_flight_bytes > 0
            || every_path.iter().any(|code| !disconnect_codes().contains(code))
        {
            tokio::task::yield_now().await;
        }
    };
    let reached = tokio::time::timeout(PATIENCE, settled).await;
    let metrics = registry.metrics();
    assert!(
        reached.is_ok(),
        "each way to be disconnected was reached and nothing is left in flight: {metrics:?}"
    );
    assert_eq!((metrics.crashed, metrics.accepted), (0, 5001), "{metrics:?}");
}
