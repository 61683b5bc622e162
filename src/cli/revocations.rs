//! `revocations.log`: what a backup must not bring back. One JSON line per revocation, appended after its commit
//! and caught up at every start; the file stays outside backups and holds ids and purposes only.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::Path;

use consent::{Giver, Purpose, Records, State};
use serde::{Deserialize, Serialize};

use super::error::{Error, Result};
use crate::domain::{ConsentId, Instant, PatientId};
use crate::store::{Actor, Store, consents, ledger, patients, snapshot};

/// The file's name in the data directory.
pub const FILE: &str = "revocations.log";

/// One revocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// The consent event.
    pub id: ConsentId,
    /// Whose.
    pub patient: PatientId,
    /// What for.
    pub purpose: Purpose,
    /// When.
    pub at: Instant,
}

/// Appends what was revoked since the file's last line; says how many.
///
/// # Errors
/// The file cannot be used; the store's.
pub fn catch_up(store: &Store, dir: &Path) -> Result<usize> {
    let path = dir.join(FILE);
    let known = read(&path)?;
    let after = known.last().map_or(Instant::MIN, |last| last.at);
    let found = store.read(|view| snapshot::revoked_since(view, after))?;
    let missing: Vec<Revocation> = found
        .into_iter()
        .map(|(id, patient, purpose, at)| Revocation { id, patient, purpose, at })
        .filter(|revocation| !known.contains(revocation))
        .collect();
    if missing.is_empty() {
        return Ok(0);
    }
    let fault = |source: std::io::Error| Error::io("cannot append to", &path, &source);
    let mut file = OpenOptions::new().append(true).create(true).open(&path).map_err(fault)?;
    file.set_len(whole_lines(&path).map_err(fault)?).map_err(fault)?;
    for revocation in &missing {
        let line = serde_json::to_string(revocation).map_err(|shape| Error::Failed(shape.to_string()))?;
        writeln!(file, "{line}").map_err(fault)?;
    }
    file.sync_all().map_err(fault)?;
    Ok(missing.len())
}

/// The length of the file without a last line that was cut short.
fn whole_lines(path: &Path) -> std::io::Result<u64> {
    let bytes = std::fs::read(path)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    Ok(u64::try_from(whole).unwrap_or(u64::MAX))
}

/// Every line, oldest first. A last line that was cut short is left out: its commit is caught up again.
///
/// # Errors
/// The file cannot be read, or a line before the last is not one.
pub fn read(path: &Path) -> Result<Vec<Revocation>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(none) if none.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(Error::io("cannot read", path, &source)),
    };
    let lines: std::io::Result<Vec<String>> = BufReader::new(file).lines().collect();
    let lines = lines.map_err(|source| Error::io("cannot read", path, &source))?;
    let mut revocations = Vec::new();
    for (n, line) in (1..).zip(&lines) {
        match serde_json::from_str(line) {
            Ok(revocation) => revocations.push(revocation),
            Err(_cut_short) if n == lines.len() => {}
            Err(fault) => return Err(Error::Failed(format!("{} line {n}: {fault}", path.display()))),
        }
    }
    Ok(revocations)
}

/// Revokes again what a restored database still holds as given; says how many.
///
/// # Errors
/// The store's.
pub fn replay(store: &Store, revocations: &[Revocation], now: Instant) -> Result<usize> {
    let mut replayed = 0;
    for revocation in revocations {
        let Ok(key) = store.read(|view| patients::key_of(view, revocation.patient)) else {
            // Registered after the snapshot: there is nothing to take back.
            continue;
        };
        let held = store.read(|view| ledger::of(view, key))?;
        let stands = held.record(revocation.purpose).is_some_and(|record| {
            matches!(record.state, State::Granted | State::Suspended)
                && record.since <= revocation.at.micros()
        });
        if stands {
            store.write(Actor::System("restore"), now, |tx| {
                consents::revoke(tx, revocation.patient, revocation.purpose, &Giver::System.into())
            })?;
            replayed += 1;
        }
    }
    Ok(replayed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::demo::prepare;
    use crate::domain::Clock;

    const NOW: Instant = Instant::from_secs(1_795_348_800);

    /// One who granted: of the demo's patients one never answered and one refused.
    fn first_patient(store: &Store) -> PatientId {
        let granted =
            store.read(|view| ledger::in_state(view, Purpose::CareRemind, &[State::Granted])).unwrap();
        store.read(|view| patients::id_of(view, granted[0].0)).unwrap()
    }

    fn revoke(store: &Store, patient: PatientId, at: Instant) {
        let by = Giver::Subject.into();
        store
            .write(Actor::Operator, at, |tx| consents::revoke(tx, patient, Purpose::CareRemind, &by))
            .unwrap();
    }

    #[test]
    fn the_log_is_caught_up_once_also_after_a_line_that_was_cut_short() {
        let demo = prepare(None, &Clock::driven(NOW)).unwrap();
        let dir = demo.home.dir();
        assert_eq!(catch_up(&demo.store, dir).unwrap(), 0);
        revoke(&demo.store, first_patient(&demo.store), NOW);
        assert_eq!(catch_up(&demo.store, dir).unwrap(), 1);
        assert_eq!(catch_up(&demo.store, dir).unwrap(), 0);
        let whole = read(&dir.join(FILE)).unwrap();
        let bytes = std::fs::read(dir.join(FILE)).unwrap();
        std::fs::write(dir.join(FILE), &bytes[..bytes.len() - 9]).unwrap();
        assert_eq!(read(&dir.join(FILE)).unwrap(), []);
        assert_eq!(catch_up(&demo.store, dir).unwrap(), 1);
        assert_eq!(read(&dir.join(FILE)).unwrap(), whole);
    }

    #[test]
    fn a_newer_revocation_is_taken_back_again_and_an_older_one_leaves_a_later_grant_alone() {
        let demo = prepare(None, &Clock::driven(NOW)).unwrap();
        let patient = first_patient(&demo.store);
        let later = Instant::from_secs(NOW.secs() + 60);
        let line = |at| Revocation { id: ConsentId::new(at), patient, purpose: Purpose::CareRemind, at };
        let before = Instant::from_secs(NOW.secs() - 60);
        assert_eq!(replay(&demo.store, &[line(before)], later).unwrap(), 0);
        assert_eq!(replay(&demo.store, &[line(later)], later).unwrap(), 1);
        assert_eq!(replay(&demo.store, &[line(later)], later).unwrap(), 0, "once");
    }
}
