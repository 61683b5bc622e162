//! What people do with a house of several nodes now and then: a backup while it serves, a newer schema, a restore.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use domain::Clock;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::PubAckReason;
use store::Url;

use super::nodes::{acked, next};
use super::writer::heart_rate;
use crate::support::clinic::{Bed, Clinic, eventually};
use crate::support::node::{Node, program};

/// A data directory of another node: the keys of the first, and nothing else.
fn another(first: &Path) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys");
    std::fs::create_dir(&keys).unwrap();
    for file in std::fs::read_dir(first.join("keys")).unwrap().map(Result::unwrap) {
        std::fs::copy(file.path(), keys.join(file.file_name())).unwrap();
    }
    dir
}

fn zelo(data: &Path, url: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(program());
    command.args(arguments).args(["--database-url", url, "--json", "--data-dir"]).arg(data);
    command.current_dir(data).output().unwrap()
}

fn done(data: &Path, url: &str, arguments: &[&str]) -> String {
    let output = zelo(data, url, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

async fn publishes(bed: &Bed, node: &Node) {
    let (host, port) = node.mqtt();
    let (client, mut events) = bed.client_of(host, port);
    let at = Clock::System.now().millis();
    let body = heart_rate(at, 71.0);
    client.publish(bed.topic(), QoS::AtLeastOnce, false, body).await.unwrap();
    assert_eq!(next(&mut events, acked).await, PubAckReason::Success);
    // What is measured in one millisecond is one reading.
    while Clock::System.now().millis() <= at {
        tokio::task::yield_now().await;
    }
}

/// What brought the newest version of the schema, undone: the database as the program before this one left it.
fn undo_the_newest() -> String {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/postgres");
    let newest: PathBuf = std::fs::read_dir(all).unwrap().map(|dir| dir.unwrap().path()).max().unwrap();
    let down = std::fs::read_to_string(newest.join("down.sql")).unwrap();
    let version: String =
        newest.file_name().unwrap().to_string_lossy().split('_').next().unwrap().replace('-', "");
    format!("BEGIN; {down}; DELETE FROM __diesel_schema_migrations WHERE version = '{version}'; COMMIT")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_house_of_two_nodes_is_backed_up_while_it_serves_migrated_while_it_is_stopped_and_restored() {
    let Some(clinic) = Clinic::postgres(2) else { return };
    let Url::Postgres(url) = clinic.store.url().clone() else { panic!("on PostgreSQL") };
    let (kept, gone) = (&clinic.beds[0], &clinic.beds[1]);
    let first = clinic.dir.path();
    let serve = |data: &Path| Node::serve(data, &["--database-url", &url]);
    let a = serve(first);
    let (second, third) = (another(first), another(first));
    let b = serve(second.path());
    for node in [&a, &b] {
        publishes(kept, node).await;
        publishes(gone, node).await;
    }

    let out = third.path().join("backup");
    done(third.path(), &url, &["backup", "--out", &out.display().to_string()]);
    publishes(kept, &a).await;
    clinic.revoke(gone);
    let file = second.path().join("revocations.log");
    let told = || std::fs::read_to_string(&file).unwrap().contains("telemetry.collect");
    eventually("the node that did not take it writes down what was revoked", told).await;
    [a, b].into_iter().for_each(|node| assert!(node.stop().success()));

    drop(clinic.foreign(&undo_the_newest()));
    let refused = zelo(first, &url, &["serve"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("1 schema version(s) behind"), "{said}");
    assert_eq!(done(first, &url, &["migrate"]).trim(), r#"{"migrated":1}"#);
    let backups = std::fs::read_dir(first).unwrap().map(|file| file.unwrap().file_name());
    assert!(backups.into_iter().any(|name| name.to_string_lossy().starts_with("backup-before-migration-")));
    let (a, b) = (serve(first), serve(second.path()));
    for node in [&a, &b] {
        assert_eq!(node.api().get("/readyz").status, 200);
        publishes(kept, node).await;
    }
    assert_eq!((clinic.readings(kept), clinic.readings(gone)), (5, 2), "what there was, and what came");
    [a, b].into_iter().for_each(|node| assert!(node.stop().success()));
    clinic.verify();

    // Into an empty database, by the file of the node that took nothing away.
    let schema = clinic.schema().unwrap();
    let elsewhere = url.replace(schema, &format!("{schema}_back"));
    drop(clinic.foreign(&format!("CREATE SCHEMA {schema}_back")));
    let back = another(first);
    let restore =
        ["restore", "--from", &out.display().to_string(), "--revocations", &file.display().to_string()];
    let restored = done(back.path(), &elsewhere, &restore);
    assert!(restored.contains(r#""replayed":1"#), "{restored}");
    assert_eq!(
        zelo(back.path(), &elsewhere, &["audit", "verify"]).status.code(),
        Some(1),
        "until somebody says why"
    );
    done(
        back.path(),
        &elsewhere,
        &["audit", "acknowledge", "--by", "Ana Lima", "--reason", "the disk broke"],
    );
    done(back.path(), &elsewhere, &["audit", "verify"]);
    let node = Node::serve(back.path(), &["--database-url", &elsewhere]);
    publishes(kept, &node).await;
    let (host, port) = node.mqtt();
    let (_client, mut events) = gone.client_of(host, port);
    let refused = next(&mut events, |event| event.err()).await;
    assert!(refused.contains("NotAuthorized"), "what was revoked stays so: {refused}");
    assert!(node.stop().success());
    drop(clinic.foreign(&format!("DROP SCHEMA {schema}_back CASCADE")));
}
