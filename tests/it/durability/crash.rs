//! The process is killed at a random instant under load, again and again: what was acknowledged is there, once,
//! after everything was sent again, and the log holds.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use domain::Clock;
use store::{Store, Url};

use super::run;
use super::writer::{heart_rate, send_all, write};
use crate::support::clinic::Clinic;
use crate::support::node::Node;

const KILLS: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_acknowledged_outlives_kill_9_and_is_stored_once() {
    for clinic in Clinic::each(1) {
        killed(clinic).await;
    }
}

async fn killed(mut clinic: Clinic) {
    let (backend, dir, bed) = (clinic.backend(), Arc::clone(&clinic.dir), clinic.beds.remove(0));
    let data = dir.path();
    let flags = match clinic.store.url() {
        Url::Sqlite(_) => Vec::new(),
        Url::Postgres(url) => vec!["--database-url".to_owned(), url.clone()],
    };
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    // SQLite's file is closed, so that every start recovers it; on PostgreSQL the schema lives as long as this.
    let elsewhere = matches!(clinic.store.url(), Url::Postgres(_)).then_some(clinic);
    let verify = || run(data, &[&["audit", "verify"], flags.as_slice()].concat());

    // Far enough back that no stamp runs ahead of the clock, however fast the machine is.
    let start = Clock::System.now().millis() - 3_000_000;
    let (fresh, old) = (Arc::new(AtomicI64::new(start)), Arc::new(AtomicI64::new(start - 30 * 3_600_000)));
    let mut acked: HashSet<String> = HashSet::new();
    let mut unknown = 0;
    for round in 0..KILLS {
        let node = Node::serve(data, &flags);
        let (host, port) = node.mqtt();
        let (fresh, old) = (Arc::clone(&fresh), Arc::clone(&old));
        let mut turn = 0_u64;
        let next = move || {
            turn += 1;
            // Every other reading is of an hour that is long over.
            let clock = if turn.is_multiple_of(2) { &fresh } else { &old };
            heart_rate(clock.fetch_add(7, Ordering::Relaxed), 80.0)
        };
        let load = tokio::spawn(write(bed.client_of(host, port), bed.topic(), next));
        let noise = Clock::System.now().micros().unsigned_abs() % 900;
        tokio::time::sleep(Duration::from_millis(700 + noise)).await;
        node.kill();
        let told = load.await.unwrap();
        assert!(!told.stored.is_empty(), "round {round} stored something: {:?}", told.goodbye);
        assert_eq!(told.refused, [""; 0]);
        unknown += told.open;
        acked.extend(told.stored);
        verify();
    }

    let node = Node::serve(data, &flags);
    let (host, port) = node.mqtt();
    let again: Vec<String> = acked.iter().cloned().collect();
    let (taken, refused) = send_all(bed.client_of(host, port), bed.topic(), again).await;
    assert_eq!((taken, refused), (acked.len(), vec![]), "everything is taken again");
    assert!(node.stop().success());
    verify();

    let store =
        elsewhere.as_ref().map_or_else(|| Store::open_dir(data).unwrap(), |clinic| clinic.store.clone());
    let kept = Clinic::instants(&store, &bed);
    let once: HashSet<i64> = kept.iter().copied().collect();
    let missing = acked.iter().filter(|body| !once.contains(&instant(body))).count();
    println!(
        "{backend}: {KILLS} kills, {} acknowledged, {unknown} unanswered, {} stored; missing {missing}, doubled {}",
        acked.len(),
        kept.len(),
        kept.len() - once.len()
    );
    assert_eq!(missing, 0, "acknowledged and not there");
    assert_eq!(Clinic::set_aside(&store, &bed), [""; 0], "nothing was set aside");
    assert_eq!(kept.len(), once.len(), "stored twice");
    assert!(kept.len() <= acked.len() + unknown, "stored and never sent");
}

fn instant(body: &str) -> i64 {
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    body["ts"].as_i64().unwrap()
}
