//! `revocations.log`: what a backup must not bring back. One JSON line per withdrawal, appended after its commit and
//! caught up at every start, and behind them the log's last checkpoint. The file stays outside backups and holds ids,
//! purposes and roles only. It is believed only whole: each line is sealed over the one before it.

mod chain;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::error::{Error, Result};
use audit::note::claimed_origin;
use chain::{Chain, Fault, Line};
use domain::Instant;
use store::audit::Seals;
use store::privacy::replay;
use store::privacy::withdrawals::{self, Believed, Restored, Withdrawn};
use store::{Store, audit as log};

/// The file's name in the data directory.
pub const FILE: &str = "revocations.log";
/// Catching up looks no further back in the file; more lines are in here than [`WINDOW`].
const TAIL: u64 = 1 << 20;
/// Rows of transactions that ran side by side may become visible out of order, but not by more than this.
const WINDOW: i64 = 1_000;
/// Rows that are caught up in one go.
const BATCH: usize = 3_000;

/// What the file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Every withdrawal, in order.
    pub withdrawn: Vec<Withdrawn>,
    /// The last checkpoint that was signed, as far as the file knows.
    pub head: Option<String>,
}

/// Appends what was withdrawn since the file's last lines, and the newest checkpoint; says how many withdrawals.
///
/// # Errors
/// The file cannot be used; the store's.
pub fn catch_up(store: &Store, dir: &Path) -> Result<usize> {
    let path = dir.join(FILE);
    let seals = seals(dir)?;
    let mut appended = 0;
    loop {
        let tail = Tail::read(&path, &seals)?;
        if let Some(fault) = tail.chain.fault.as_ref().filter(|fault| !fault.torn) {
            // The database holds every line of it: nothing is lost by writing it again.
            tracing::error!(
                line_of_its_end = fault.line,
                what = fault.what,
                "revocations.log is not whole: it is set aside and written again"
            );
            set_aside(dir)?;
            continue;
        }
        let known = &tail.chain.proven;
        let last = known.withdrawn.last().map_or(0, |line| line.seq);
        let (found, head) = store.read(|view| {
            Ok((withdrawals::after(view, last.saturating_sub(WINDOW), BATCH)?, log::newest_note(view)?))
        })?;
        let full = found.len() == BATCH;
        let ids: HashSet<&str> = known.withdrawn.iter().map(|line| line.id.as_str()).collect();
        let missing: Vec<Withdrawn> =
            found.into_iter().filter(|line| !ids.contains(line.id.as_str())).collect();
        if missing.is_empty() && head == known.head && tail.chain.fault.is_none() {
            return Ok(appended);
        }
        appended += missing.len();
        tail.write(&path, missing, head, &seals)?;
        if !full {
            return Ok(appended);
        }
    }
}

/// As [`catch_up`], and holds every line against every row: one that was stopped while others served, or that is of before
/// a restore, holds just the rows afterwards. What it cannot be by adding lines is set aside and written again.
///
/// # Errors
/// As [`catch_up`].
pub fn complete(store: &Store, dir: &Path, now: Instant) -> Result<usize> {
    let appended = catch_up(store, dir)?;
    let chain = Chain::of(&content(&dir.join(FILE))?, &seals(dir)?);
    let comparison = Comparison::of(store, &chain.proven.withdrawn)?;
    if chain.fault.is_none() && !comparison.lacks && !comparison.has_more {
        return Ok(appended);
    }
    tracing::error!(
        "revocations.log does not hold what the database holds: it is set aside and written again"
    );
    begin_again(dir, now)?;
    Ok(appended + catch_up(store, dir)?)
}

/// How lines stand to the rows of the database.
struct Comparison {
    /// A row is not among the lines.
    lacks: bool,
    /// A line is not among the rows: the database was put back.
    has_more: bool,
}

impl Comparison {
    fn of(store: &Store, lines: &[Withdrawn]) -> Result<Self> {
        let mut lines: HashSet<&str> = lines.iter().map(|line| line.id.as_str()).collect();
        let (mut seq, mut lacks) = (0, false);
        loop {
            let rows = store.read(|view| withdrawals::after(view, seq, BATCH))?;
            let Some(last) = rows.last() else { return Ok(Self { lacks, has_more: !lines.is_empty() }) };
            seq = last.seq;
            for row in &rows {
                lacks |= !lines.remove(row.id.as_str());
            }
        }
    }
}

/// What the file says, proven whole: every line follows from the one before it, and the last is a checkpoint that this
/// house signed. `keys` is the directory of the house's keys.
///
/// # Errors
/// [`Error::Refused`] naming the line that does not hold; the file or the key cannot be read.
pub fn read(path: &Path, keys: &Path) -> Result<Known> {
    let chain = Chain::of(&content(path)?, &Seals::load(keys)?);
    match chain.fault {
        None => Ok(chain.proven),
        Some(fault) => Err(refused(path, &fault)),
    }
}

/// Every line that can be read, proven or not: for a file of a program that did not seal yet, or the rest of one.
///
/// # Errors
/// The file or the key cannot be read.
pub fn read_unproven(path: &Path, keys: &Path) -> Result<Known> {
    Ok(chain::unproven(&content(path)?, &Seals::load(keys)?))
}

/// The last checkpoint in the data directory's file that this house signed, whatever else is wrong with the file.
///
/// # Errors
/// The file or the key cannot be read.
pub fn signed_head(dir: &Path) -> Result<Option<String>> {
    let path = dir.join(FILE);
    if path.exists() { Ok(Chain::of(&content(&path)?, &seals(dir)?).signed) } else { Ok(None) }
}

/// Replays at a start what the file knows and the database does not: it was put back by hand, without `restore`.
///
/// # Errors
/// [`Error::Refused`] when the database was put back and the file does not prove what it lost; the file cannot be used;
/// the store's.
pub fn heal(store: &Store, dir: &Path, now: Instant) -> Result<Option<Restored>> {
    let path = dir.join(FILE);
    if !path.exists() {
        return Ok(None);
    }
    let chain = Chain::of(&content(&path)?, &seals(dir)?);
    let (here, lost) = store.read(|view| Ok((log::newest_note(view)?, withdrawals::lost(view)?)))?;
    let knows_more = |than: Option<&str>| is_behind(than, chain.signed.as_deref());
    let put_back = knows_more(here.as_deref()) || Comparison::of(store, &chain.proven.withdrawn)?.has_more;
    // A file that ends before what the newest restore knew to be lost tells nothing new: its lines were replayed then.
    if !put_back || (lost.is_some() && !knows_more(lost.as_deref())) {
        return Ok(None);
    }
    if let Some(fault) = &chain.fault {
        return Err(Error::Refused(format!(
            "the database is older than revocations.log: it was put back by hand, and what was revoked since cannot be \
             proven ({}). Put the snapshot back with `zelo restore`, which asks what to do about it",
            words(&path, fault)
        )));
    }
    let known = chain.proven;
    let restored = Restored { lost: known.head, revocations: Believed::Proven, ..Restored::default() };
    let restored = replay::replay(store, &known.withdrawn, restored, now)?;
    begin_again(dir, now)?;
    Ok(Some(restored))
}

fn refused(path: &Path, fault: &Fault) -> Error {
    Error::Refused(format!(
        "{}. Nothing was changed. Look for a whole copy of the file. Without one: --no-revocations restores without it, \
         and whatever was revoked, blocked or ended since the snapshot stands again; --unproven takes the lines that can \
         be read (a program before this form wrote no seals), and somebody vouches for them",
        words(path, fault)
    ))
}

fn words(path: &Path, fault: &Fault) -> String {
    format!("{} line {} {}", path.display(), fault.line, fault.what)
}

fn seals(dir: &Path) -> Result<Seals> {
    Ok(Seals::open(&dir.join("keys"))?)
}

fn content(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|source| Error::io("cannot read", path, &source))
}

/// Leaves a file that is not whole beside the one that is written again, under the first name that is free.
fn set_aside(dir: &Path) -> Result<()> {
    let free = (1..).map(|n| dir.join(format!("revocations-set-aside-{n}.log"))).find(|name| !name.exists());
    let path = dir.join(FILE);
    let moved = free.map_or(Ok(()), |name| std::fs::rename(&path, name));
    moved.map_err(|source| Error::io("cannot move aside", &path, &source))
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
    chain: Chain,
    /// Bytes of the file that stay: whole lines, without the checkpoint at the end.
    keep: u64,
}

impl Tail {
    fn read(path: &Path, seals: &Seals) -> Result<Self> {
        let fault = |source: std::io::Error| Error::io("cannot read", path, &source);
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(none) if none.kind() == ErrorKind::NotFound => return Ok(Self::none(seals)),
            Err(source) => return Err(fault(source)),
        };
        let from = file.metadata().map_err(fault)?.len().saturating_sub(TAIL);
        file.seek(SeekFrom::Start(from)).map_err(fault)?;
        let mut bytes = Vec::new();
        file.take(TAIL).read_to_end(&mut bytes).map_err(fault)?;
        if from == 0 {
            let chain = Chain::of(&bytes, seals);
            let keep = u64::try_from(chain.keep).unwrap_or(u64::MAX);
            return Ok(Self { chain, keep });
        }
        let cut = bytes.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        bytes.drain(..cut);
        let chain = Chain::of_tail(&bytes, seals);
        let keep = from + u64::try_from(cut + chain.keep).unwrap_or(u64::MAX);
        Ok(Self { chain, keep })
    }

    fn none(seals: &Seals) -> Self {
        Self { chain: Chain::of(&[], seals), keep: 0 }
    }

    /// In one write behind what stays: a crash takes the end at most, and the next start writes it again.
    fn write(&self, path: &Path, missing: Vec<Withdrawn>, head: Option<String>, seals: &Seals) -> Result<()> {
        let fault = |source: std::io::Error| Error::io("cannot append to", path, &source);
        let end = Line::Head { checkpoint: head };
        let (mut text, mut before) = (String::new(), self.chain.seal.clone());
        for line in missing.into_iter().map(Line::Withdrawn).chain([end]) {
            let (sealed, seal) =
                chain::sealed(&line, &before, seals).map_err(|shape| Error::Failed(shape.to_string()))?;
            text += &sealed;
            before = seal;
        }
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let mut file = options.open(path).map_err(fault)?;
        // Over the old end, never behind a cut: a process that is killed leaves one end or the other.
        file.seek(SeekFrom::Start(self.keep)).map_err(fault)?;
        file.write_all(text.as_bytes()).map_err(fault)?;
        let length = self.keep + u64::try_from(text.len()).unwrap_or(u64::MAX);
        file.set_len(length).and_then(|()| file.sync_all()).map_err(fault)
    }
}
