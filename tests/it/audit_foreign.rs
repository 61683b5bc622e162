//! Tools that we did not write accept a fresh export of the audit log and refuse six altered copies of it. Runs
//! when `ZELO_TEST_FOREIGN=1`, which `tests/run` sets after installing Go, Node and OpenSSL.

#![cfg(test)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use audit::export::export;
use audit::tile::{Appender, Dir, Row};
use audit::verify::verify_dir;
use audit::{Signer, Vkey};

const ORIGIN: &str = "zelo.clinic/audit/2026";
const SIZE: u32 = 70_000;

#[expect(clippy::disallowed_methods, reason = "the switch that tests/run sets")]
fn skipped() -> bool {
    let skip = std::env::var("ZELO_TEST_FOREIGN").is_err();
    if skip {
        println!(
            "skipped: set ZELO_TEST_FOREIGN=1 to verify the audit log with foreign tools (tests/run does)"
        );
    }
    skip
}

fn signer(seed: u8) -> Signer {
    Signer::from_seed(ORIGIN, &[seed; 32]).unwrap()
}

fn entries() -> Vec<Vec<u8>> {
    (0..SIZE).map(|i| format!("{{\"i\":{},\"type\":\"access.read\"}}", i + 100_000).into_bytes()).collect()
}

/// A fresh export of the whole log, and the checkpoint it had at 30,000 entries.
fn fresh(dir: &Path) -> Dir {
    let (mut rows, mut log) = (BTreeMap::<(Row, u64), Vec<u8>>::new(), Appender::new(ORIGIN));
    let (mut checkpoint, mut earlier) = (String::new(), String::new());
    for batch in entries().chunks(10_000) {
        let written = log.append(batch, &signer(7)).unwrap();
        for piece in written.bundles.iter().chain(&written.tiles) {
            rows.insert((piece.place.row, piece.place.index), piece.bytes.clone());
        }
        (log, checkpoint) = (written.next, written.checkpoint);
        if log.size() == 30_000 {
            earlier.clone_from(&checkpoint);
        }
    }
    let dir = Dir(dir.to_owned());
    export(&dir, &rows, &checkpoint, &signer(7)).unwrap();
    fs::write(earlier_of(&dir), earlier).unwrap();
    dir
}

/// Beside the export, where a visitor kept it.
fn earlier_of(dir: &Dir) -> PathBuf {
    dir.0.with_extension("earlier")
}

/// The key as the visitor got it another way.
fn key() -> String {
    signer(7).vkey().to_string()
}

/// The export with one file altered; the file is put back when this is dropped.
struct Altered {
    path: PathBuf,
    whole: Vec<u8>,
}

impl Altered {
    fn new(dir: &Dir, name: &str, alter: impl FnOnce(&mut Vec<u8>)) -> Self {
        let path = dir.0.join(name);
        let whole = fs::read(&path).unwrap();
        let mut bytes = whole.clone();
        alter(&mut bytes);
        assert_ne!(bytes, whole, "{name}");
        fs::write(&path, bytes).unwrap();
        Self { path, whole }
    }
}

impl Drop for Altered {
    fn drop(&mut self) {
        fs::write(&self.path, &self.whole).unwrap();
    }
}

/// One way to tamper: its name, the file, and what happens to its bytes.
type Tampering = (&'static str, &'static str, fn(&mut Vec<u8>));

const TAMPERINGS: [Tampering; 8] = [
    ("guide", "VERIFY.md", |bytes| bytes[40] ^= 1),
    ("list", "files.sha256", |bytes| bytes[3] ^= 1),
    ("entry", "tile/entries/100", |bytes| bytes[9] ^= 1),
    ("tile", "tile/0/100", |bytes| bytes[8_000] ^= 1),
    ("checkpoint size", "checkpoint", |bytes| {
        let text = String::from_utf8(bytes.clone()).unwrap();
        *bytes = text.replace("\n70000\n", "\n69999\n").into_bytes();
    }),
    ("dropped tail", "tile/entries/273.p/112", |bytes| bytes.truncate(bytes.len() / 112 * 111)),
    ("swapped entries", "tile/entries/007", |bytes| {
        let length = bytes.len() / 256;
        let (one, two) = (bytes[..length].to_vec(), bytes[length..2 * length].to_vec());
        bytes[..length].copy_from_slice(&two);
        bytes[length..2 * length].copy_from_slice(&one);
    }),
    ("wrong key", "vkey.txt", |bytes| {
        let other: &Vkey = &signer(8).vkey().clone();
        *bytes = format!("{other}\n").into_bytes();
    }),
];

fn accepts_the_fresh_and_refuses_the_altered(dir: &Dir, judge: impl Fn() -> Output) {
    let accepted = |what: &str| {
        let output = judge();
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        println!("{what}: {} {}", output.status, said.trim());
        if !output.status.success() {
            // A refusal of the verifier, not of the shell or the compiler.
            assert!(said.contains("REFUSED") || said.contains("Verification Failure"), "{what}: {said}");
        }
        output.status.success()
    };
    assert!(accepted("fresh"));
    for (what, file, alter) in TAMPERINGS {
        let _put_back = Altered::new(dir, file, alter);
        assert!(!accepted(what), "{what} was accepted");
    }
    assert!(accepted("fresh again"));
}

#[test]
fn we_accept_the_fresh_export_and_refuse_eight_altered_copies() {
    let temp = tempfile::tempdir().unwrap();
    let dir = fresh(&temp.path().join("log"));
    let earlier = fs::read_to_string(earlier_of(&dir)).unwrap();
    let keys = [signer(7).vkey().clone()];
    let ok = || verify_dir(&dir, &keys, Some(&earlier)).unwrap().ok;
    assert!(ok());
    for (what, file, alter) in TAMPERINGS {
        let _put_back = Altered::new(&dir, file, alter);
        assert!(!ok(), "{what} was accepted");
    }
}

#[test]
fn go_sumdb_accepts_the_fresh_export_and_refuses_eight_altered_copies() {
    if skipped() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let dir = fresh(&temp.path().join("log"));
    let program = temp.path().join("verify");
    let go = |args: &[&str]| {
        let mut command = Command::new("go");
        command.args(args).current_dir(&dir.0);
        command
            .env("GO111MODULE", "off")
            .env("GOPATH", "/usr/share/gocode")
            .env("GOCACHE", temp.path().join("cache"));
        command.output().expect("go is not installed: apt-get install golang-go golang-golang-x-mod-dev")
    };
    let built = go(&["build", "-o", program.to_str().unwrap(), "verify.go"]);
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let earlier = earlier_of(&dir);
    let judge = || Command::new(&program).arg(&dir.0).arg(key()).arg(&earlier).output().unwrap();
    accepts_the_fresh_and_refuses_the_altered(&dir, judge);
    let _rewritten = Altered::new(&dir, "../log.earlier", |bytes| {
        let other = audit::Checkpoint { origin: ORIGIN.into(), size: 30_000, root: [1; 32] };
        *bytes = other.sign(&signer(7)).into_bytes();
    });
    assert!(!judge().status.success(), "a rewritten past was accepted");
}

#[test]
fn sigstore_accepts_the_fresh_export_and_refuses_eight_altered_copies() {
    if skipped() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let dir = fresh(&temp.path().join("log"));
    // Beside the export: what is installed into it would be files that its list does not know.
    let tools = temp.path().join("tools");
    fs::create_dir(&tools).unwrap();
    for file in ["verify.mjs", "package.json"] {
        fs::copy(dir.0.join(file), tools.join(file)).unwrap();
    }
    let mut npm = Command::new("npm");
    npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&tools);
    let installed = npm.output().expect("npm is not installed: apt-get install npm");
    assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
    let judge = || {
        Command::new("node").arg("verify.mjs").arg(&dir.0).arg(key()).current_dir(&tools).output().unwrap()
    };
    accepts_the_fresh_and_refuses_the_altered(&dir, judge);
}

#[test]
fn openssl_accepts_the_checkpoint_by_the_commands_of_the_guide_and_no_altered_one() {
    if skipped() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let dir = fresh(&temp.path().join("log"));
    let guide = fs::read_to_string(dir.0.join("VERIFY.md")).unwrap();
    let (_, section) = guide.split_once("## The signature alone").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let commands: String =
        section.lines().filter_map(|line| line.strip_prefix("    ")).map(|c| c.to_owned() + "\n").collect();
    let judge = || Command::new("sh").args(["-ec", &commands]).current_dir(&dir.0).output().unwrap();
    assert!(judge().status.success(), "{}", String::from_utf8_lossy(&judge().stderr));
    // This section reads the checkpoint and the key alone.
    let read = |file: &str| ["checkpoint", "vkey.txt"].contains(&file);
    for (what, file, alter) in TAMPERINGS.into_iter().filter(|(_, file, _)| read(file)) {
        let _put_back = Altered::new(&dir, file, alter);
        assert!(!judge().status.success(), "{what} was accepted");
    }
}
