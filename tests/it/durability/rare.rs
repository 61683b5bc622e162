//! A rare value goes through every room that keeps something: journal, chunk, quarantine, finding, log, backup. Then
//! the bytes on disk are searched for it, and for the person's name, CPF and address.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use zelo::domain::{Clock, Level};
use zelo::store::{Url, alerts, telemetry};

use super::run;
use super::writer::{heart_rate, send_all};
use crate::support::clinic::{CPF, Clinic, EMAIL, NAME, eventually};

const RARE: f64 = 173.406_25;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rare_value_and_a_rare_name_are_nowhere_in_the_bytes() {
    for clinic in Clinic::each(1) {
        search(clinic).await;
    }
}

async fn search(clinic: Clinic) {
    let house = clinic.house(&clinic.store).await;
    let bed = &clinic.beds[0];
    let now = Clock::System.now().millis();
    let mut bodies: Vec<String> = (0..70).map(|n| heart_rate(now - 200_000 + n * 1_000, RARE)).collect();
    // Hours that are over are rolled into chunks.
    bodies.extend((0..1_200).map(|n| heart_rate(now - 50 * 3_600_000 + n * 1_000, RARE)));
    let (taken, refused) = send_all(bed.client(&house), bed.topic(), bodies).await;
    assert_eq!((taken, refused), (1_270, vec![]));
    // Another value for the same instant is set aside; what cannot be read is, too.
    let aside = vec![heart_rate(now - 200_000, RARE + 1.0), heart_rate(now - 100_000, 17_340.625)];
    send_all(bed.client(&house), bed.topic(), aside).await;
    let of_patient = alerts::Filter { patient_key: Some(bed.patient_key), ..alerts::Filter::default() };
    eventually("a red is open", || {
        let found = clinic.store.read(|view| alerts::page(view, of_patient, 10)).unwrap();
        found.iter().any(|alert| alert.case.facts.peak == Level::Red)
    })
    .await;
    let (store, at) = (clinic.store.clone(), Clock::System.now());
    let over = at.minus(Duration::from_hours(1));
    tokio::task::spawn_blocking(move || telemetry::roll(&store, at, over)).await.unwrap().unwrap();
    assert!(clinic.stored(bed) < 1_270, "hours that are over are in chunks");
    eventually("the log is sealed", || clinic.store.read(zelo::store::receipts::open).unwrap() == 0).await;

    let (data, out) = (clinic.dir.path(), clinic.dir.path().join("out"));
    nothing_in(&files(data), &bed.device.to_string(), clinic.backend());
    house.stop().await;
    match clinic.store.url() {
        Url::Sqlite(_) => {
            run(data, &["backup", "--out", &out.to_string_lossy()]);
            nothing_in(&files(&out), &bed.device.to_string(), "backup");
        }
        Url::Postgres(_) => {
            let Some(dump) = dump(&clinic) else {
                println!("skipped: the dump of PostgreSQL (no pg_dump here)");
                return;
            };
            fs::create_dir(&out).unwrap();
            fs::write(out.join("dump.sql"), dump).unwrap();
            nothing_in(&files(&out), &bed.device.to_string(), "pg_dump");
        }
    }
}

fn needles() -> Vec<(&'static str, Vec<u8>)> {
    let digits: Vec<String> =
        CPF.as_bytes().chunks(3).map(|part| String::from_utf8_lossy(part).into()).collect();
    let cpf = format!("{}.{}.{}-{}", digits[0], digits[1], digits[2], digits[3]);
    let mut needles = vec![
        ("the value as text", RARE.to_string().into_bytes()),
        ("the value, big-endian", RARE.to_be_bytes().to_vec()),
        ("the value, little-endian", RARE.to_le_bytes().to_vec()),
        ("the name", NAME.as_bytes().to_vec()),
        ("a part of the name", b"Xavantina".to_vec()),
        ("the CPF", CPF.as_bytes().to_vec()),
        ("the CPF with its dots", cpf.into_bytes()),
        ("the address", EMAIL.as_bytes().to_vec()),
    ];
    // PostgreSQL writes bytes as hexadecimal text.
    let hex: Vec<_> = needles.iter().map(|(what, bytes)| (*what, hex::encode(bytes).into_bytes())).collect();
    needles.extend(hex);
    needles
}

/// `seen` must be found, or the search looks in the wrong place.
fn nothing_in(files: &[PathBuf], seen: &str, place: &str) {
    let mut found = false;
    for file in files {
        let bytes = fs::read(file).unwrap();
        found |= holds(&bytes, seen.as_bytes());
        for (what, needle) in needles() {
            assert!(!holds(&bytes, &needle), "{place}: {what} is in {}", file.display());
        }
    }
    assert!(found || place == "postgres", "{place}: what is kept in clear is found");
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    let Some((first, rest)) = needle.split_first() else { return false };
    bytes.iter().enumerate().any(|(at, byte)| byte == first && bytes[at + 1..].starts_with(rest))
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all
}

/// The schema as `pg_dump` writes it.
fn dump(clinic: &Clinic) -> Option<Vec<u8>> {
    #[expect(clippy::disallowed_methods, reason = "where the test server is, only the runner knows")]
    let server = std::env::var("ZELO_TEST_POSTGRES").ok()?;
    let done = Command::new("pg_dump").arg("--schema").arg(clinic.schema()?).arg(server).output().ok()?;
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(done.stdout)
}
