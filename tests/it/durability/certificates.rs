//! A certificate at its end is told before somebody turns away for it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use crate::support::clinic::Clinic;
use crate::support::node::{Node, program};

/// A certificate and its key in a directory, as the flags of devices' TLS name them.
fn pair(dir: &Path, year: i32) -> Vec<String> {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(2019, 1, 1), date_time_ymd(year, 1, 1));
    let (cert_file, key_file) = (dir.join("cert.pem"), dir.join("key.pem"));
    std::fs::write(&cert_file, params.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    let files = [cert_file, key_file].map(|file| file.display().to_string());
    let [cert, key] = files;
    ["--mqtt-cert", &cert, "--mqtt-key", &key, "--mqtt-tls", "127.0.0.1:0"].map(str::to_owned).into()
}

/// Exit code and output of `zelo doctor`.
fn doctor(data: &Path, files: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(program());
    command.args(["doctor", "--data-dir"]).arg(data).current_dir(files);
    let done = command
        .env("ZELO_MQTT_CERT", files.join("cert.pem"))
        .env("ZELO_MQTT_KEY", files.join("key.pem"))
        .output()
        .unwrap();
    (done.status.code(), String::from_utf8(done.stdout).unwrap())
}

#[test]
fn an_expired_certificate_is_told_by_the_log_the_probes_and_the_doctor() {
    let clinic = Clinic::sqlite(1);
    let dir = std::sync::Arc::clone(&clinic.dir);
    drop(clinic);
    let files = tempfile::tempdir().unwrap();
    let flags = pair(files.path(), 2020);
    let node = Node::serve(dir.path(), &flags.iter().map(String::as_str).collect::<Vec<_>>());
    let words = "the certificate of MQTT over TLS expired at 2020-01-01";
    assert!(node.said().contains(words), "{}", node.said());
    let ready = node.api().get("/readyz").with(200);
    assert!(ready.as_str().unwrap().contains(words), "{ready}");
    let engine = node.api().get("/healthz/engine").with(503);
    assert!(engine["ailments"].to_string().contains(words), "{engine}");
    node.ask_to_end();
    assert_eq!(node.ended(Duration::from_secs(10)).0, Some(0));
    let (code, said) = doctor(dir.path(), files.path());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.lines().any(|line| line.starts_with("BAD  certificate") && line.contains(words)), "{said}");
    pair(files.path(), 2099);
    let (_, said) = doctor(dir.path(), files.path());
    assert!(said.contains("ok   certificate  MQTT over TLS: good until 2099"), "{said}");
}
