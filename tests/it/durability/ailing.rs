//! A node that is ill says so: threads that end, a log that nobody reads, and a part that does not stay up.

use std::io::BufRead;
use std::time::Duration;

use domain::Clock;
use rumqttc::v5::Event;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason};
use store::Url;

use super::writer::heart_rate;
use crate::support::clinic::{Bed, Clinic, eventually};
use crate::support::node::{Node, program};
use crate::support::until::until;

/// Publishes one reading until it is acknowledged, on as many connections as it takes.
async fn acknowledged(bed: &Bed, house: &zelo::app::House, value: f64) {
    let body = heart_rate(Clock::System.now().millis(), value);
    for _attempt in 0..8 {
        let (client, mut events) = bed.client(house);
        let sent = async {
            client.publish(bed.topic(), QoS::AtLeastOnce, false, body.clone()).await.unwrap();
            loop {
                match events.poll().await {
                    Ok(Event::Incoming(Packet::PubAck(ack))) => return Some(ack.reason),
                    Ok(_) => {}
                    Err(_closed) => return None,
                }
            }
        };
        match tokio::time::timeout(Duration::from_secs(5), sent).await {
            Ok(Some(reason)) => return assert_eq!(reason, PubAckReason::Success),
            Ok(None) | Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
    panic!("acknowledged in the end");
}

#[cfg(debug_assertions)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_thread_that_falls_is_seen_and_works_again() {
    for clinic in Clinic::each(1) {
        let (bed, store) = (&clinic.beds[0], clinic.store.clone());
        let house = clinic.house(&store).await;
        acknowledged(bed, &house, 70.0).await;
        let threads = store.threads();
        let struck = threads.names();
        for needed in [
            "ingest",
            "device-events",
            "engine",
            "engine-roll",
            "engine-jobs",
            "engine-audit",
            "engine-seat",
            "outbox",
            "health",
            "mqtt",
            "takeovers",
            "commands",
            "aside",
            "seats",
            "revocations",
        ] {
            assert!(struck.contains(&needed), "{needed} is watched: {struck:?}");
        }
        for (n, name) in (0_u8..).zip(&struck) {
            threads.strike(name, 1);
            // Those that wait for devices are given something to do.
            let busy = tokio::spawn({
                let address = house.gateway.local_addr();
                let (client, mut events) = bed.client_of(&address.ip().to_string(), address.port());
                let body = heart_rate(Clock::System.now().millis(), 71.0);
                let topic = bed.topic();
                async move {
                    drop(client.publish(topic, QoS::AtLeastOnce, false, body).await);
                    while events.poll().await.is_ok() {}
                }
            });
            let (began, name) = (std::time::Instant::now(), *name);
            while !threads.ill().iter().any(|ill| ill.thread == name) {
                assert!(began.elapsed() < Duration::from_secs(2), "{}: {name} fell unseen", clinic.backend());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            busy.abort();
            acknowledged(bed, &house, 72.0 + f64::from(n)).await;
            eventually("it is well again", || threads.ill().is_empty()).await;
        }
        let expected = i64::try_from(struck.len()).unwrap();
        eventually("each end is an entry", || clinic.entries("node.thread_ended") == expected).await;
        house.stop().await;
        clinic.verify();
    }
}

/// Somebody at the console of the database holds a table, and nothing is taken, judged or escalated meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_whose_work_waits_for_somebody_elses_lock_says_so_within_two_seconds() {
    let Some(clinic) = Clinic::postgres(1) else { return };
    let (bed, store) = (&clinic.beds[0], clinic.store.clone());
    let house = clinic.house(&store).await;
    acknowledged(bed, &house, 70.0).await;
    for table in ["readings", "alerts", "escalations", "nodes"] {
        let held = clinic.foreign(&format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"));
        let address = house.gateway.local_addr();
        let (client, mut events) = bed.client_of(&address.ip().to_string(), address.port());
        let body = heart_rate(Clock::System.now().millis(), 71.0);
        let topic = bed.topic();
        let busy = tokio::spawn(async move {
            drop(client.publish(topic, QoS::AtLeastOnce, false, body).await);
            while events.poll().await.is_ok() {}
        });
        let began = std::time::Instant::now();
        let named = format!("waits for a lock ({table})");
        while !store.troubles().iter().any(|trouble| trouble.stops && trouble.words.contains(&named)) {
            assert!(began.elapsed() < Duration::from_secs(3), "{table}: {:?}", store.troubles());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        drop(held);
        busy.abort();
        acknowledged(bed, &house, 72.0).await;
        eventually("it is well again", || store.troubles().is_empty()).await;
    }
    house.stop().await;
    clinic.verify();
}

/// The log's reader goes away; then much is logged. Everything goes on.
#[test]
fn a_log_that_nobody_reads_harms_nothing() {
    let data = tempfile::tempdir().unwrap();
    let node = Node::unheard(&data.path().join("data"), &["demo", "--log", "trace"]);
    let admin = node.as_role("admin");
    let count = |name: &str| {
        let metrics = admin.get("/metrics").with(200);
        let line = metrics.as_str().unwrap().lines().find(|line| line.starts_with(name)).unwrap().to_owned();
        line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    let stored = "zelo_edge{what=\"readings_stored\"}";
    until("lines are lost", Duration::from_secs(20), || (count("zelo_log_lines_lost") > 100).then_some(()));
    let before = count(stored);
    until("readings are stored all the same", Duration::from_secs(20), || {
        (count(stored) > before).then_some(())
    });
    assert_eq!(node.api().get("/readyz").status, 200);
    assert!(node.stop().success());
}

/// A part of a node that does not stay up ends the node, with a code of its own.
#[cfg(debug_assertions)]
#[test]
fn a_thread_that_does_not_stay_up_ends_the_node() {
    let clinic = Clinic::sqlite(1);
    let dir = std::sync::Arc::clone(&clinic.dir);
    drop(clinic);
    let node = Node::struck(dir.path(), "engine-audit");
    let api = node.api();
    let ready = until("it is not ready", Duration::from_secs(2), || {
        Some(api.get("/readyz")).filter(|got| got.status == 503)
    });
    assert!(ready.body.as_str().unwrap().contains("engine-audit"), "{}", ready.body);
    let (code, said) = node.ended(Duration::from_secs(40));
    assert_eq!(code, Some(6), "{said}");
    assert!(said.contains("the thread engine-audit ended again and again"), "{said}");
}

/// A balancer that asks sees that the node goes before its port is closed.
#[test]
fn a_node_that_ends_is_not_ready_before_its_port_closes() {
    let clinic = Clinic::sqlite(1);
    let dir = std::sync::Arc::clone(&clinic.dir);
    drop(clinic);
    let node = Node::serve(dir.path(), &[]);
    let api = node.api();
    assert_eq!(api.get("/readyz").status, 200);
    let began = std::time::Instant::now();
    node.ask_to_end();
    let said = until("it is not ready", Duration::from_secs(1), || {
        Some(api.get("/readyz")).filter(|got| got.status == 503)
    });
    assert!(said.body.as_str().unwrap().contains("this node is ending"), "{}", said.body);
    assert_eq!(api.get("/healthz").status, 200, "it still answers");
    let (code, said) = node.ended(Duration::from_secs(10));
    assert_eq!(code, Some(0), "{said}");
    assert!(began.elapsed() >= Duration::from_millis(900), "for the time that is set");
}

/// What a restore needs cannot be written: whoever asks is told, and it is caught up as soon as it can be.
#[test]
fn a_file_of_withdrawals_that_cannot_be_written_is_told_until_it_can_be() {
    let clinic = Clinic::sqlite(1);
    let dir = std::sync::Arc::clone(&clinic.dir);
    drop(clinic);
    let node = Node::serve(dir.path(), &[]);
    let api = node.api();
    let file = dir.path().join("revocations.log");
    assert_eq!(api.get("/readyz").body, "ready\n");
    let whole = std::fs::read(&file).unwrap();
    // What stands in its place takes no line, whoever asks.
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    let said = until("it is told", Duration::from_secs(9), || {
        Some(api.get("/readyz")).filter(|got| got.body != "ready\n")
    });
    assert_eq!(
        (said.status, said.body.as_str().unwrap()),
        (200, "ready\nrevocations.log cannot be written: look at the data directory's disk and rights\n")
    );
    let engine = api.get("/healthz/engine").with(503);
    assert!(engine["ailments"].to_string().contains("revocations.log cannot be written"), "{engine}");
    std::fs::remove_dir(&file).unwrap();
    until("it is well again", Duration::from_secs(9), || {
        (api.get("/readyz").body == "ready\n").then_some(())
    });
    assert!(std::fs::read(&file).unwrap().len() >= whole.len());
    node.ask_to_end();
    assert_eq!(node.ended(Duration::from_secs(10)).0, Some(0));
}

/// Whoever starts a node may end it at once: here while it waits for a database that takes its call and says nothing.
#[test]
fn a_node_that_is_told_to_end_before_it_serves_ends_with_exit_code_0() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let firm =
        ["--organisation", "Clínica", "--cnpj", "1", "--address", "Rua", "--contact", "a@clinica.invalid"];
    let dpo = ["--dpo-name", "Dpo", "--dpo-contact", "d@clinica.invalid"];
    let admin = ["--admin-email", "z@clinica.invalid", "--admin-name", "Zenaide"];
    super::run(&data, &[&["init"], &firm[..], &dpo[..], &admin[..]].concat());
    let database = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://zelo@{}/zelo", database.local_addr().unwrap());
    let serve =
        ["serve", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--database-url", &url, "--data-dir"];
    let mut node = std::process::Command::new(program()).args(serve).arg(&data).spawn().unwrap();
    let _silent = database.accept().unwrap();
    let told = std::process::Command::new("kill").args(["-TERM", &node.id().to_string()]).status().unwrap();
    assert!(told.success());
    let ended = until("it ends", Duration::from_secs(10), || node.try_wait().unwrap());
    assert_eq!(ended.code(), Some(0), "{ended}");
}

/// Nothing was promised to anybody yet: whatever the database does, the process may leave.
#[test]
fn a_node_that_waits_for_a_locked_table_at_its_start_ends_with_exit_code_0_when_it_is_told_to() {
    let Some(clinic) = Clinic::postgres(0) else { return };
    let Url::Postgres(url) = clinic.store.url() else { unreachable!() };
    for (table, signals) in [("nodes", 1), ("audit_entries", 1), ("nodes", 2)] {
        let held = clinic.foreign(&format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"));
        let serve =
            ["serve", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--database-url", url, "--data-dir"];
        let mut node =
            std::process::Command::new(program()).args(serve).arg(clinic.dir.path()).spawn().unwrap();
        until("it waits", Duration::from_secs(20), || (clinic.waiting_for(table) > 0).then_some(()));
        for _ in 0..signals {
            let kill = std::process::Command::new("kill").args(["-TERM", &node.id().to_string()]).status();
            assert!(kill.unwrap().success());
        }
        let ended = until("it ends", Duration::from_secs(10), || node.try_wait().unwrap());
        assert_eq!(ended.code(), Some(0), "{table}: {ended}");
        drop(held);
    }
}

/// It prepares a clinic first, and hears who ends it meanwhile.
#[test]
fn a_demo_that_is_told_to_end_while_it_prepares_ends_with_exit_code_0() {
    let home = tempfile::tempdir().unwrap();
    let mut demo = std::process::Command::new(program())
        .args(["demo", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--data-dir"])
        .arg(home.path().join("data"))
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = std::io::BufReader::new(demo.stderr.take().unwrap()).lines();
    assert!(said.next().unwrap().unwrap().starts_with("Preparing"));
    let kill = std::process::Command::new("kill").args(["-TERM", &demo.id().to_string()]).status();
    assert!(kill.unwrap().success());
    let ended = until("it ends", Duration::from_secs(20), || demo.try_wait().unwrap());
    assert_eq!(ended.code(), Some(0), "{ended}");
    assert_eq!(std::io::read_to_string(demo.stdout.take().unwrap()).unwrap(), "", "it served nobody");
}
