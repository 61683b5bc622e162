//! Whether the log is whole, and whether the tables are what it says of them: every leaf, tile and checkpoint,
//! the receipts of every second, what patients allowed, and the readings themselves. One snapshot, one pass.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::consents::Consents;
use super::entries::{self, Placed};
use super::packs::Packs;
use super::{Rows, broken, messages, newest, refold};
use crate::audit::note::{Checkpoint, Vkey};
use crate::audit::proof::consistency;
use crate::audit::tile::Dir;
use crate::audit::verify::{Break, Report, Unusable, verify as verify_log, verify_dir};
use crate::audit::{merkle, note};
use crate::store::error::{Error, Result};
use crate::store::schema::audit_checkpoints as checkpoints;
use crate::store::{Conn, Store, View};

/// The exit code of a verdict: 0 whole, 1 broken, 2 unusable.
#[must_use]
pub const fn exit_code<E>(verdict: &std::result::Result<Report, E>) -> u8 {
    match verdict {
        Ok(report) if report.ok => 0,
        Ok(_broken) => 1,
        Err(_unusable) => 2,
    }
}

/// Verifies the live log and the tables under it. With `bundle` the export in that directory comes first and
/// must be part of the live log's past; `since` is an earlier signed checkpoint of the same log.
///
/// # Errors
/// What keeps a verdict from being given: database errors, unreadable files. A break is not an error.
pub fn verify(store: &Store, key: &Vkey, bundle: Option<&Dir>, since: Option<&str>) -> Result<Report> {
    let mut earlier = Vec::from_iter(since.map(str::to_owned));
    if let Some(dir) = bundle {
        let report = verify_dir(dir, Some(key), since).map_err(|why: Unusable| broken(why))?;
        if !report.ok {
            return Ok(report);
        }
        earlier.push(dir.text("checkpoint").map_err(broken)?);
    }
    store.read(|view| {
        let keys = view.keys;
        view.conn.transaction(|conn| {
            if let Conn::Pg(conn) = conn {
                conn.batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")?;
            }
            all(&mut View { conn, keys }, key, &earlier)
        })
    })
}

fn all(view: &mut View<'_>, key: &Vkey, earlier: &[String]) -> Result<Report> {
    let note = match newest(view)? {
        Some((note, _)) => note,
        None if entries::sealed(view)? == 0 => return Ok(whole_and_empty()),
        None => return Ok(torn(None, Break { index: None, what: "there is no checkpoint".into() })),
    };
    let (report, mut found) = log(view, key, &note)?;
    if !report.ok {
        return Ok(report);
    }
    let head = Checkpoint::open(&note, key).map_err(broken)?;
    let mut then = |check: &dyn Fn(&mut View<'_>) -> Result<Option<Break>>| match found.take() {
        None => or_break(check(view)).map(|next| found = next),
        first => {
            found = first;
            Ok(())
        }
    };
    then(&|view| history(view, key, &head, earlier))?;
    then(&|view| entries::placed(view, head.size))?;
    then(&refold::refold)?;
    then(&messages::messages)?;
    Ok(match found {
        None => report,
        Some(found) => torn(Some(&report), found),
    })
}

/// The log itself, and on the way what its entries say of packs and consents.
fn log(view: &mut View<'_>, key: &Vkey, note: &str) -> Result<(Report, Option<Break>)> {
    let rows = Rows::new(view);
    let mut fold = Fold::new(&rows)?;
    let report = verify_log(&rows, note, key, None, |index, bytes| fold.see(index, bytes)).map_err(broken)?;
    if !report.ok {
        return Ok((report, None));
    }
    let found = fold.end()?;
    Ok((report, found))
}

/// Holds each entry against the tables; keeps the first break.
struct Fold<'r, 'v, 'c> {
    rows: &'r Rows<'v, 'c>,
    placed: Placed,
    packs: Packs,
    consents: Consents,
    found: Result<Option<Break>>,
}

impl<'r, 'v, 'c> Fold<'r, 'v, 'c> {
    fn new(rows: &'r Rows<'v, 'c>) -> Result<Self> {
        let consents = rows.with(Consents::new)?;
        Ok(Self { rows, placed: Placed::default(), packs: Packs::default(), consents, found: Ok(None) })
    }

    fn see(&mut self, index: u64, bytes: &[u8]) {
        if matches!(self.found, Ok(None)) {
            let (placed, packs, consents) = (&mut self.placed, &mut self.packs, &mut self.consents);
            self.found = or_break(self.rows.with(|view| {
                let kind = entries::kind_of(bytes);
                let row = match placed.row(view, index, kind)? {
                    Ok(row) => row,
                    Err(found) => return Ok(Some(found)),
                };
                told(view, packs, consents, Some(index), row, kind, bytes)
            }));
        }
    }

    /// The entries that have no place yet, and what nothing in the log speaks of.
    fn end(mut self) -> Result<Option<Break>> {
        if let Some(found) = std::mem::replace(&mut self.found, Ok(None))? {
            return Ok(Some(found));
        }
        let (packs, consents) = (&mut self.packs, &mut self.consents);
        or_break(self.rows.with(|view| {
            let mut after = 0;
            loop {
                let waiting = entries::waiting(view, after)?;
                let Some((last, _)) = waiting.last() else { break };
                after = *last;
                for (row, bytes) in &waiting {
                    let kind = entries::kind_of(bytes);
                    if let Some(found) = told(view, packs, consents, None, *row, kind, bytes)? {
                        return Ok(Some(found));
                    }
                }
            }
            Ok(packs.end(view)?.or(consents.end(view)?))
        }))
    }
}

fn told(
    view: &mut View<'_>,
    packs: &mut Packs,
    consents: &mut Consents,
    index: Option<u64>,
    row: i64,
    kind: &str,
    bytes: &[u8],
) -> Result<Option<Break>> {
    if kind == "telemetry.batch" {
        packs.see(view, index, row, bytes)
    } else if kind.starts_with("consent.") {
        consents.see(view, index, kind, bytes)
    } else {
        Ok(None)
    }
}

/// Every kept checkpoint, and those that the caller brought, are part of the past of `head`.
fn history(view: &mut View<'_>, key: &Vkey, head: &Checkpoint, earlier: &[String]) -> Result<Option<Break>> {
    let stored: Vec<(i64, Vec<u8>, String)> = checkpoints::table
        .order(checkpoints::size)
        .select((checkpoints::size, checkpoints::root, checkpoints::note))
        .load(view.conn)?;
    let rows = Rows::new(view);
    let past = |note: &str| -> std::result::Result<Checkpoint, String> {
        let old = Checkpoint::open(note, key).map_err(|why: note::NoteError| why.to_string())?;
        if old.size > head.size {
            return Err(format!("the log had {} entries and now has {}", old.size, head.size));
        }
        let path = consistency(&rows, old.size, head.size).map_err(|why| why.to_string())?;
        merkle::verify_consistency(old.size, &old.root, head.size, &head.root, &path)
            .map_err(|_why| format!("the first {} entries are not those that it signed", old.size))?;
        Ok(old)
    };
    for (size, root, note) in &stored {
        let what = match past(note) {
            Ok(old) if i64::try_from(old.size) == Ok(*size) && old.root == root.as_slice() => continue,
            Ok(_other) => "its row does not say what it says".to_owned(),
            Err(what) => what,
        };
        return Ok(Some(Break { index: None, what: format!("the checkpoint of {size} entries: {what}") }));
    }
    for note in earlier {
        if let Err(what) = past(note) {
            return Ok(Some(Break { index: None, what: format!("the earlier checkpoint: {what}") }));
        }
    }
    Ok(None)
}

/// A stored value that nobody wrote is a break, not a reason to give no verdict.
fn or_break(found: Result<Option<Break>>) -> Result<Option<Break>> {
    match found {
        Err(error @ (Error::Corrupt(_) | Error::Sealed(_) | Error::NotFound(_))) => {
            Ok(Some(Break { index: None, what: error.to_string() }))
        }
        other => other,
    }
}

fn torn(report: Option<&Report>, found: Break) -> Report {
    let (size, root) = report.map_or((0, String::new()), |report| (report.size, report.root.clone()));
    Report { ok: false, size, root, first_break: Some(found) }
}

fn whole_and_empty() -> Report {
    use base64::Engine as _;
    let root = base64::engine::general_purpose::STANDARD.encode(merkle::empty());
    Report { ok: true, size: 0, root, first_break: None }
}
