//! A running program: started on free ports with its own data, spoken to from outside, ended by its own id.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;

use super::api::Api;
use super::until::until;

const START: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(10);

/// The one line on standard output.
#[derive(Debug, Deserialize)]
pub(crate) struct Ready {
    pub http: String,
    pub mqtt: String,
    #[serde(default)]
    pub users: Vec<User>,
    #[serde(default)]
    pub devices: Vec<Device>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct User {
    pub role: String,
    pub email: String,
    pub password: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Device {
    pub device_id: String,
    pub token: String,
    pub patient_id: String,
    pub replayed: bool,
}

/// A process that ends with its test.
pub(crate) struct Node {
    child: Child,
    lines: Mutex<Receiver<String>>,
    errors: PathBuf,
    pub ready: Ready,
    _home: tempfile::TempDir,
}

impl Node {
    /// A demo on fresh data.
    pub(crate) fn demo() -> Self {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("data");
        Self::start(home, &["demo"], &data)
    }

    /// A demo on data that outlives it.
    pub(crate) fn demo_in(data: &Path) -> Self {
        Self::start(tempfile::tempdir().unwrap(), &["demo"], data)
    }

    /// A node on data that is there.
    pub(crate) fn serve(data: &Path, flags: &[&str]) -> Self {
        let mut arguments = vec!["serve"];
        arguments.extend(flags);
        Self::start(tempfile::tempdir().unwrap(), &arguments, data)
    }

    /// A node of the program that cargo built beside the tests, with what only debug builds have.
    #[cfg(debug_assertions)]
    pub(crate) fn struck(data: &Path, thread: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        Self::begin(Path::new(env!("CARGO_BIN_EXE_zelo")), home, &["serve", "--strike", thread], data, None)
    }

    /// A node whose log nobody reads: standard error is a pipe, and its reader is gone.
    pub(crate) fn unheard(data: &Path, arguments: &[&str]) -> Self {
        let mut node =
            Self::begin(&program(), tempfile::tempdir().unwrap(), arguments, data, Some(Stdio::piped()));
        drop(node.child.stderr.take());
        node
    }

    fn start(home: tempfile::TempDir, arguments: &[&str], data: &Path) -> Self {
        Self::begin(&program(), home, arguments, data, None)
    }

    fn begin(
        program: &Path,
        home: tempfile::TempDir,
        arguments: &[&str],
        data: &Path,
        stderr: Option<Stdio>,
    ) -> Self {
        let errors = home.path().join("stderr");
        let mut child = Command::new(program)
            .args(arguments)
            .args(["--json", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--data-dir"])
            .arg(data)
            .current_dir(home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr.unwrap_or_else(|| File::create(&errors).unwrap().into()))
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let stdout = child.stdout.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let line = lines.recv_timeout(START);
        let line = line.unwrap_or_else(|why| {
            let _already_ended = child.kill();
            panic!("no line on standard output ({why}): {}", fs::read_to_string(&errors).unwrap())
        });
        let ready = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line}"));
        Self { child, lines: Mutex::new(lines), errors, ready, _home: home }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The API for someone without a name.
    pub(crate) fn api(&self) -> Api {
        Api::new(&self.ready.http)
    }

    /// The API for the demo's user of a role.
    pub(crate) fn as_role(&self, role: &str) -> Api {
        let user = self.ready.users.iter().find(|user| user.role == role);
        let user = user.unwrap_or_else(|| panic!("the demo has no {role}"));
        self.api().signed_in(&user.email, &user.password)
    }

    /// The host and port of MQTT.
    pub(crate) fn mqtt(&self) -> (&str, u16) {
        let (host, port) = self.ready.mqtt.rsplit_once(':').unwrap();
        (host, port.parse().unwrap())
    }

    /// What the program said on standard error so far.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.errors).unwrap_or_default()
    }

    /// Asks it to end (SIGTERM) and waits as long as it may take.
    pub(crate) fn stop(mut self) -> ExitStatus {
        self.signal("TERM");
        let status = until("the end after SIGTERM", STOP, || self.child.try_wait().unwrap());
        let more = self.lines.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(STOP);
        assert_eq!(more, Err(RecvTimeoutError::Disconnected), "one line only on standard output");
        status
    }

    /// Waits until it ends by itself: its exit code, and what it said.
    pub(crate) fn ended(mut self, patience: Duration) -> (Option<i32>, String) {
        let status = until("the end by itself", patience, || self.child.try_wait().unwrap());
        (status.code(), self.said())
    }

    /// Asks it to end (SIGTERM); [`Node::ended`] waits for it.
    pub(crate) fn ask_to_end(&self) {
        self.signal("TERM");
    }

    /// Holds it where it is (SIGSTOP), until [`Node::resume`].
    pub(crate) fn pause(&self) {
        self.signal("STOP");
    }

    pub(crate) fn resume(&self) {
        self.signal("CONT");
    }

    /// Ends it without a word (SIGKILL).
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.pid().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let said = self.said();
            let lines: Vec<&str> = said.lines().collect();
            eprintln!("the program said at last:\n{}", lines[lines.len().saturating_sub(40)..].join("\n"));
        }
        let _already_ended = self.child.kill();
        let _already_waited = self.child.wait();
    }
}

/// The program under test: the release build that `tests/run` made, or the one cargo built beside the tests.
pub(crate) fn program() -> PathBuf {
    let chosen = std::env::var_os("ZELO_BIN");
    chosen.map_or_else(|| env!("CARGO_BIN_EXE_zelo").into(), PathBuf::from)
}
