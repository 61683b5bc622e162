//! A revocation against eight busy writers: nothing is stored once it is committed, whatever was under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant as Moment};

use domain::Clock;
use tokio::sync::mpsc;

use super::writer::{Told, heart_rate, write};
use crate::support::clinic::{Clinic, eventually};

const WRITERS: usize = 8;
const REVOCATIONS: usize = 104;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_a_revocation_nothing_is_stored_however_busy_the_writers_are() {
    for clinic in Clinic::each(WRITERS) {
        race(clinic).await;
    }
}

async fn race(clinic: Clinic) {
    let clinic = Arc::new(clinic);
    let house = Arc::new(clinic.house(&clinic.store).await);
    let stop = Arc::new(AtomicBool::new(false));
    let (ended, mut endings) = mpsc::unbounded_channel::<(usize, Told)>();
    let (again, _) = tokio::sync::broadcast::channel::<usize>(64);
    let mut writers = Vec::new();
    for n in 0..WRITERS {
        let (clinic, house, ended, stop) =
            (Arc::clone(&clinic), Arc::clone(&house), ended.clone(), Arc::clone(&stop));
        let mut granted = again.subscribe();
        writers.push(tokio::spawn(async move {
            let bed = &clinic.beds[n];
            let last = Arc::new(AtomicI64::new(0));
            while !stop.load(Ordering::Relaxed) {
                // No instant twice, and none before the grant.
                last.fetch_max(Clock::System.now().millis(), Ordering::Relaxed);
                let instant = Arc::clone(&last);
                let next = move || heart_rate(instant.fetch_add(1, Ordering::Relaxed), 80.0);
                let told = write(bed.client(&house), bed.topic(), next).await;
                drop(ended.send((n, told)));
                while !matches!(granted.recv().await, Ok(bed) if bed == n) {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                }
            }
        }));
    }
    let everyone_writes = || clinic.beds.iter().all(|bed| clinic.readings(bed) > 20);
    eventually("all write", everyone_writes).await;

    let (mut calls, mut goodbyes, mut refused, mut late, mut open) = (Vec::new(), Vec::new(), 0, 0, 0);
    for turn in 0..REVOCATIONS {
        let n = turn % WRITERS;
        let bed = &clinic.beds[n];
        let before = clinic.readings(bed);
        eventually("it writes", || clinic.readings(bed) > before).await;
        let (revoking, began) = (Arc::clone(&clinic), Moment::now());
        tokio::task::spawn_blocking(move || revoking.revoke(&revoking.beds[n])).await.unwrap();
        calls.push(began.elapsed());
        let at_once = clinic.readings(bed);
        let (who, told) =
            tokio::time::timeout(Duration::from_secs(20), endings.recv()).await.unwrap().unwrap();
        assert_eq!(who, n, "only the revoked person's device is disconnected: {:?}", told.goodbye);
        goodbyes.push(told.ended.unwrap().duration_since(began));
        assert!(told.goodbye.contains("AdministrativeAction"), "{}", told.goodbye);
        for why in &told.refused {
            assert!(why.starts_with("NotAuthorized") && why.contains("E_REVOKED"), "{why}");
        }
        refused += told.refused.len();
        open += told.open;
        late += clinic.readings(bed) - at_once;
        clinic.grant(bed);
        again.send(n).unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    let stored: i64 = clinic.beds.iter().map(|bed| clinic.readings(bed)).sum();
    println!(
        "{}: {REVOCATIONS} revocations, {WRITERS} writers, {stored} readings stored; call {}; disconnected {}; \
         refused in flight {refused}; cut off unanswered {open}; stored after: {late}",
        clinic.backend(),
        quantiles(&mut calls),
        quantiles(&mut goodbyes)
    );
    assert_eq!(late, 0, "readings stored after a revocation");
    assert!(refused > 0, "something was in flight");
    writers.iter().for_each(tokio::task::JoinHandle::abort);
    for writer in writers {
        let _aborted = writer.await;
    }
    Arc::into_inner(house).unwrap().stop().await;
    clinic.verify();
}

fn quantiles(times: &mut [Duration]) -> String {
    times.sort();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    format!("p50 {:?} p99 {:?} max {:?}", at(50), at(99), at(100))
}
