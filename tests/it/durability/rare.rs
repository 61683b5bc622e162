//! One of everything personal and measured goes through every room that keeps something. Then the bytes on disk are
//! searched for it: database, write-ahead log, backup, dump, and what was left in the directory for passing files.

mod search;
mod seeds;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use domain::{Clock, Level};
use store::alerts::lists;
use store::{Url, readings};

use self::search::{Needles, files};
use self::seeds::{ANOTHER, IMPLAUSIBLE, RARE, payloads, seed};
use super::run;
use super::writer::{heart_rate, send_all};
use crate::support::clinic::{Clinic, eventually};

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
    // Another value for the same instant is set aside, and what is implausible.
    let aside = vec![heart_rate(now - 200_000, ANOTHER), heart_rate(now - 100_000, IMPLAUSIBLE)];
    send_all(bed.client(&house), bed.topic(), aside).await;
    let formats = payloads(now - 300_000);
    let (taken, refused) = send_all(bed.client(&house), bed.topic(), formats.clone()).await;
    assert!(taken >= formats.len() - 1, "{refused:?}");
    let red = || {
        let found = clinic.store.read(|view| lists::of_patient(view, bed.patient_key, 10)).unwrap();
        found.into_iter().find(|alert| alert.case.facts.peak == Level::Red).map(|alert| alert.case.id)
    };
    eventually("a red is open", || red().is_some()).await;
    let needles = Needles::new(seed(&clinic, bed, red().unwrap()).needles(&formats));
    let (store, at) = (clinic.store.clone(), Clock::System.now());
    let over = at.minus(Duration::from_hours(1));
    tokio::task::spawn_blocking(move || readings::roll(&store, at, over)).await.unwrap().unwrap();
    assert!(clinic.stored(bed) < 1_270, "hours that are over are in chunks");
    eventually("the log is sealed", || clinic.store.read(store::audit::receipts::open).unwrap() == 0).await;

    let (data, out) = (clinic.dir.path(), clinic.dir.path().join("out"));
    // In clear on purpose: it must be found, or the search looks in the wrong place.
    let (seen, seen_as_bytes) = (bed.device.to_string(), "heart_rate");
    assert!(Needles::new(vec![("x".into(), seen_as_bytes.into())]).found(&formats[5]).is_some());
    match clinic.store.url() {
        Url::Sqlite(_) => {
            nothing_in(&needles, &files(data), &seen, "SQLite, database and write-ahead log");
            house.stop().await;
            run(data, &["backup", "--out", &out.to_string_lossy()]);
            nothing_in(&needles, &files(&out), &seen, "the backup");
        }
        Url::Postgres(_) => {
            match files_of_the_server(&clinic) {
                Some(files) => nothing_in(&needles, &files, &seen, "PostgreSQL, tables and write-ahead log"),
                None => {
                    println!("skipped: the files of PostgreSQL (its directory is not readable from here)")
                }
            }
            house.stop().await;
            fs::create_dir(&out).unwrap();
            let Some(dump) = dump(&clinic) else {
                println!("skipped: the dump of PostgreSQL (no pg_dump here)");
                return;
            };
            fs::write(out.join("dump.sql"), dump).unwrap();
            nothing_in(&needles, &files(&out), &seen, "pg_dump");
        }
    }
    let export = data.join("export");
    run_export(&clinic, &export);
    let passing = files(&export);
    assert!(passing.len() > 5, "the export is there");
    for file in passing {
        let bytes = fs::read(&file).unwrap();
        assert_eq!(needles.found(&bytes), None, "the export: {}", file.display());
    }
}

/// What an auditor takes away holds none of it either.
fn run_export(clinic: &Clinic, to: &std::path::Path) {
    use audit::tile::Dir;
    use store::audit as log;
    let signer = log::load(&clinic.store, &clinic.keys()).unwrap();
    let scope = log::Scope::Patient(clinic.beds[0].patient);
    log::export(&clinic.store, &signer, &Dir(to.to_owned()), scope).unwrap();
}

fn nothing_in(needles: &Needles, files: &[PathBuf], seen: &str, place: &str) {
    let control = Needles::new(vec![("what is kept in clear".into(), seen.into())]);
    let mut found = false;
    for file in files {
        // A server may take a file away while it is looked at.
        let Ok(bytes) = fs::read(file) else { continue };
        found |= control.found(&bytes).is_some();
        assert_eq!(needles.found(&bytes), None, "{place}: in {}", file.display());
    }
    assert!(found, "{place}: what is kept in clear is found");
}

/// The tables of the clinic's schema as files, and the newest segments of the write-ahead log.
fn files_of_the_server(clinic: &Clinic) -> Option<Vec<PathBuf>> {
    let root = "SELECT setting AS told FROM pg_settings WHERE name = 'data_directory'";
    let root = PathBuf::from(clinic.ask_after_a_checkpoint(root).pop()?);
    fs::read_dir(&root).ok()?;
    let tables = clinic.ask_after_a_checkpoint(
        "SELECT pg_relation_filepath(c.oid) AS told FROM pg_class c \
         LEFT JOIN pg_class o ON o.reltoastrelid = c.oid \
         WHERE pg_relation_filepath(c.oid) IS NOT NULL \
         AND current_schema()::regnamespace IN (c.relnamespace, o.relnamespace)",
    );
    let mut files: Vec<PathBuf> = tables.into_iter().map(|table| root.join(table)).collect();
    let mut log: Vec<PathBuf> = search::files(&root.join("pg_wal"));
    log.sort_by_key(|file| fs::metadata(file).and_then(|meta| meta.modified()).ok());
    files.extend(log.into_iter().rev().take(4));
    Some(files)
}

/// The schema as `pg_dump` writes it.
fn dump(clinic: &Clinic) -> Option<Vec<u8>> {
    #[expect(clippy::disallowed_methods, reason = "where the test server is, only the runner knows")]
    let server = std::env::var("ZELO_TEST_POSTGRES").ok()?;
    let done = Command::new("pg_dump").arg("--schema").arg(clinic.schema()?).arg(server).output().ok()?;
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(done.stdout)
}
