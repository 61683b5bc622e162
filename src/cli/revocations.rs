//! `revocations.log`: what a backup must not bring back. One JSON line per withdrawal, appended after its commit and
//! caught up at every start, and behind them the log's last checkpoint. The file stays outside backups and holds ids,
//! purposes and roles only.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

use consent::Purpose;
use serde::{Deserialize, Serialize};

use super::error::{Error, Result};
use crate::audit::note::claimed_origin;
use crate::domain::Instant;
use crate::store::withdrawals::{self, Restored, Withdrawn};
use crate::store::{Store, log};

/// The file's name in the data directory.
pub const FILE: &str = "revocations.log";
/// Catching up looks no further back in the file; more lines are in here than [`WINDOW`].
const TAIL: u64 = 1 << 20;
/// Rows of transactions that ran side by side may become visible out of order, but not by more than this.
const WINDOW: i64 = 1_000;
/// Rows that are caught up in one go.
const BATCH: usize = 3_000;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Withdrawn(Withdrawn),
    Head {
        checkpoint: String,
    },
    /// Of a program before this form; its database is no older than its backups' schema.
    Former {
        purpose: Purpose,
    },
}

/// What the file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Every withdrawal, in order.
    pub withdrawn: Vec<Withdrawn>,
    /// The last checkpoint that was signed, as far as the file knows.
    pub head: Option<String>,
}

impl Known {
    fn of(lines: Vec<Line>) -> Self {
        let mut known = Self::default();
        for line in lines {
            match line {
                Line::Withdrawn(line) => known.withdrawn.push(line),
                Line::Head { checkpoint } => known.head = Some(checkpoint),
                Line::Former { .. } => {}
            }
        }
        known
    }
}

/// Appends what was withdrawn since the file's last lines, and the newest checkpoint; says how many withdrawals.
///
/// # Errors
/// The file cannot be used; the store's.
pub fn catch_up(store: &Store, dir: &Path) -> Result<usize> {
    let path = dir.join(FILE);
    let mut appended = 0;
    loop {
        let tail = Tail::read(&path)?;
        let last = tail.known.withdrawn.last().map_or(0, |line| line.seq);
        let (found, head) = store.read(|view| {
            Ok((withdrawals::after(view, last.saturating_sub(WINDOW), BATCH)?, log::newest_note(view)?))
        })?;
        let full = found.len() == BATCH;
        let ids: HashSet<&str> = tail.known.withdrawn.iter().map(|line| line.id.as_str()).collect();
        let missing: Vec<Withdrawn> =
            found.into_iter().filter(|line| !ids.contains(line.id.as_str())).collect();
        if missing.is_empty() && head == tail.known.head {
            return Ok(appended);
        }
        appended += missing.len();
        tail.write(&path, missing, head)?;
        if !full {
            return Ok(appended);
        }
    }
}

/// Every line, oldest first. A last line that was cut short is left out: its commit is caught up again.
///
/// # Errors
/// The file cannot be read, or a line before the last is not one.
pub fn read(path: &Path) -> Result<Known> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(none) if none.kind() == ErrorKind::NotFound => Vec::new(),
        Err(source) => return Err(Error::io("cannot read", path, &source)),
    };
    Ok(Known::of(lines(path, &bytes)?))
}

/// Replays at a start what the file knows and the database does not: it was put back by hand, without `restore`.
///
/// # Errors
/// The file cannot be used; the store's.
pub fn heal(store: &Store, dir: &Path, now: Instant) -> Result<Option<Restored>> {
    let path = dir.join(FILE);
    let known = read(&path)?;
    let here = store.read(log::newest_note)?;
    if !is_behind(here.as_deref(), known.head.as_deref()) {
        return Ok(None);
    }
    let restored = Restored { lost: known.head.clone(), ..Restored::default() };
    let restored = withdrawals::replay(store, &known.withdrawn, restored, now)?;
    begin_again(dir, now)?;
    Ok(Some(restored))
}

/// The file of a restored database begins again; the former one stays beside it under its own name.
///
/// # Errors
/// The file cannot be moved.
pub fn begin_again(dir: &Path, now: Instant) -> Result<()> {
    let path = dir.join(FILE);
    let aside = dir.join(format!("revocations-{}.log", now.micros()));
    match std::fs::rename(&path, &aside) {
        Err(source) if source.kind() != ErrorKind::NotFound => {
            Err(Error::io("cannot move aside", &path, &source))
        }
        _ => Ok(()),
    }
}

/// Whether the database's newest checkpoint `here` is older than the `known` one of the same log.
#[must_use]
pub fn is_behind(here: Option<&str>, known: Option<&str>) -> bool {
    let size = |note: &str| note.lines().nth(1).and_then(|size| size.parse::<u64>().ok()).unwrap_or(0);
    match (here, known) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(here), Some(known)) => {
            let (ours, theirs) = (claimed_origin(here), claimed_origin(known));
            // Origins end in their year.
            if ours == theirs { size(here) < size(known) } else { ours < theirs }
        }
    }
}

/// The end of the file.
#[derive(Default)]
struct Tail {
    known: Known,
    /// Bytes that stay: whole lines, without a checkpoint at the end.
    keep: u64,
}

impl Tail {
    fn read(path: &Path) -> Result<Self> {
        let fault = |source: std::io::Error| Error::io("cannot read", path, &source);
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(none) if none.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(fault(source)),
        };
        let from = file.metadata().map_err(fault)?.len().saturating_sub(TAIL);
        file.seek(SeekFrom::Start(from)).map_err(fault)?;
        let mut bytes = Vec::new();
        file.take(TAIL).read_to_end(&mut bytes).map_err(fault)?;
        let cut =
            if from == 0 { 0 } else { bytes.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1) };
        bytes.drain(..cut);
        let found = lines(path, &bytes)?;
        let mut keep = whole(&bytes);
        if matches!(found.last(), Some(Line::Head { .. })) {
            keep = bytes.get(..keep.saturating_sub(1)).map_or(0, whole);
        }
        let keep = from + u64::try_from(cut + keep).unwrap_or(u64::MAX);
        Ok(Self { known: Known::of(found), keep })
    }

    /// In one write behind what stays: a crash takes the checkpoint at most.
    fn write(&self, path: &Path, missing: Vec<Withdrawn>, head: Option<String>) -> Result<()> {
        let fault = |source: std::io::Error| Error::io("cannot append to", path, &source);
        let head = head.map(|checkpoint| Line::Head { checkpoint });
        let mut text = String::new();
        for line in missing.into_iter().map(Line::Withdrawn).chain(head) {
            text += &serde_json::to_string(&line).map_err(|shape| Error::Failed(shape.to_string()))?;
            text.push('\n');
        }
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let mut file = options.open(path).map_err(fault)?;
        file.set_len(self.keep).map_err(fault)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(fault)
    }
}

/// The length of the lines that end.
fn whole(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1)
}

fn lines(path: &Path, bytes: &[u8]) -> Result<Vec<Line>> {
    let whole = bytes.get(..whole(bytes)).unwrap_or_default();
    let read = |(n, line): (usize, &[u8])| {
        let fault = |fault| Error::Failed(format!("{} line {n}: {fault}", path.display()));
        serde_json::from_slice(line).map_err(fault)
    };
    (1..).zip(whole.split(|byte| *byte == b'\n')).filter(|(_, line)| !line.is_empty()).map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::demo::prepare;
    use crate::domain::{Clock, Role};
    use crate::store::{Actor, users};

    const NOW: Instant = Instant::from_secs(1_795_348_800);

    fn disable(store: &Store, nth: usize) {
        let all =
            store.read(|view| users::page(view, &crate::store::Ask { limit: 100, ..Default::default() }));
        // The last administrator may not go.
        let may_go = |user: &users::User| !matches!(user.role, Role::Patient | Role::Admin);
        let mut staff = all.unwrap().items.into_iter().filter(may_go);
        let id = staff.nth(nth).unwrap().id;
        store.write(Actor::Operator, NOW, |tx| users::disable(tx, id)).unwrap();
    }

    #[test]
    fn the_log_is_caught_up_once_also_after_a_line_that_was_cut_short_and_ends_with_the_checkpoint() {
        let demo = prepare(None, &Clock::driven(NOW)).unwrap();
        let (store, dir) = (&demo.store, demo.home.dir());
        let path = dir.join(FILE);
        let _seeded = catch_up(store, dir).unwrap();
        let before = read(&path).unwrap().withdrawn.len();
        disable(store, 0);
        assert_eq!(catch_up(store, dir).unwrap(), 1);
        assert_eq!(catch_up(store, dir).unwrap(), 0);
        let signer = log::open(store, &dir.join("keys"), NOW).unwrap();
        log::Sequencer::begin(store, signer).unwrap().sequence(store, NOW, 1_000).unwrap();
        assert_eq!(catch_up(store, dir).unwrap(), 0);
        let whole = read(&path).unwrap();
        assert_eq!(whole.withdrawn.len(), before + 1);
        assert_eq!(whole.head, store.read(log::newest_note).unwrap());
        assert!(whole.head.is_some());
        let bytes = std::fs::read(&path).unwrap();
        for cut in [9, 400] {
            std::fs::write(&path, &bytes[..bytes.len() - cut]).unwrap();
            catch_up(store, dir).unwrap();
            assert_eq!(read(&path).unwrap(), whole, "{cut}");
        }
        disable(store, 1);
        assert_eq!(catch_up(store, dir).unwrap(), 1);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches("\"checkpoint\"").count(), 1, "the last one only");
        assert!(text.lines().last().unwrap().contains("checkpoint"));
    }

    #[test]
    fn a_database_that_was_put_back_by_hand_is_healed_at_the_next_start() {
        let demo = prepare(None, &Clock::driven(NOW)).unwrap();
        let (store, dir) = (&demo.store, demo.home.dir());
        let signer = log::open(store, &dir.join("keys"), NOW).unwrap();
        log::Sequencer::begin(store, signer).unwrap().sequence(store, NOW, 1_000).unwrap();
        catch_up(store, dir).unwrap();
        assert!(heal(store, dir, NOW).unwrap().is_none());
        let head = read(&dir.join(FILE)).unwrap().head.unwrap();
        let size: u64 = head.lines().nth(1).unwrap().parse().unwrap();
        let ahead = head.replacen(&format!("\n{size}\n"), &format!("\n{}\n", size + 7), 1);
        let mut tail = Tail::read(&dir.join(FILE)).unwrap();
        tail.known.head = None;
        tail.write(&dir.join(FILE), Vec::new(), Some(ahead.clone())).unwrap();
        let healed = heal(store, dir, NOW).unwrap().unwrap();
        assert_eq!(healed.lost, Some(ahead));
        assert!(store.read(withdrawals::unacknowledged).unwrap().is_some());
        assert!(heal(store, dir, NOW).unwrap().is_none(), "once");
    }

    #[test]
    fn a_file_of_an_older_program_is_read_past() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        let line = r#"{"id":"0199f0a0-0000-7000-8000-000000000001","patient":"0199f0a0-0000-7000-8000-000000000002","purpose":"care.remind","at":"2026-11-22T12:00:00Z"}"#;
        std::fs::write(&path, format!("{line}\n")).unwrap();
        assert_eq!(read(&path).unwrap(), Known::default());
    }
}
