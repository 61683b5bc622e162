//! Verifies the log and the tables against each other: every leaf, tile and checkpoint, the receipts of every second,
//! what patients consented to, who looked at them, and the readings themselves. One pass over one snapshot.

pub(in crate::audit) mod amended;
pub(in crate::audit) mod bodies;
pub(in crate::audit) mod brought;
pub(in crate::audit) mod consents;
pub(in crate::audit) mod entries;
pub(in crate::audit) mod history;
pub(in crate::audit) mod looks;
pub(in crate::audit) mod messages;
mod paced;
pub(in crate::audit) mod packs;
pub(in crate::audit) mod refold;
pub(in crate::audit) mod signed;
pub(in crate::audit) mod stream;
pub(in crate::audit) mod tally;

use diesel::Connection;
use diesel::connection::SimpleConnection;

use super::verify::amended::Amended;
use super::verify::bodies::Bodies;
use super::verify::bodies::StoredBody;
use super::verify::consents::Consents;
use super::verify::entries::Placed;
use super::verify::looks::Looks;
use super::verify::paced::Paced;
use super::verify::packs::Packs;
use super::years::{self, Year};
use super::{Rows, broken};
use crate::db::error::{Error, Result};
use crate::live::pace::Pace;
use crate::readings::series::walk;
use crate::{Conn, Store, View};
use audit::merkle;
use audit::note::{Checkpoint, Vkey};
use audit::restores::Restores;
use audit::tile::Dir;
use audit::verify::{Break, Report, Unusable, verify as verify_log, verify_dir};
use audit::years::{End, joined};
use audit::{Digest, Entry, EntryType};

/// The exit code of a verdict: 0 whole, 1 broken, 2 unusable.
#[must_use]
pub const fn exit_code<E>(verdict: &std::result::Result<Report, E>) -> u8 {
    match verdict {
        Ok(report) if report.ok => 0,
        Ok(_broken) => 1,
        Err(_unusable) => 2,
    }
}

/// Verifies the live log and the tables it speaks of, in one snapshot. With `bundle`, the export in that directory is
/// verified first and must be part of the live log's past. `since` are earlier signed checkpoints of any year. In the
/// report `size` and `index` count through all years, and `root` is the newest year's.
///
/// # Errors
/// Whatever prevents a verdict: database errors, unreadable files. A break is not an error.
pub fn verify(store: &Store, key: &Vkey, bundle: Option<&Dir>, since: &[&str]) -> Result<Report> {
    verify_at_pace(store, key, bundle, since, &mut Pace::default())
}

/// As [`verify`], for somebody who follows it: `pace` hears of every entry and every reading, and may end it. It is one
/// pass over one snapshot: what it has seen is worth nothing to a later one, so one that was ended begins anew.
///
/// # Errors
/// As [`verify`]; [`Error::Stopped`].
pub fn verify_at_pace(
    store: &Store,
    key: &Vkey,
    bundle: Option<&Dir>,
    since: &[&str],
    pace: &mut Pace<'_>,
) -> Result<Report> {
    let mut earlier: Vec<String> = since.iter().map(|note| (*note).to_owned()).collect();
    if let Some(dir) = bundle {
        let report = verify_dir(dir, std::slice::from_ref(key), None).map_err(|why: Unusable| broken(why))?;
        if !report.ok {
            return Ok(report);
        }
        earlier.push(dir.text("checkpoint").map_err(broken)?);
    }
    store.read(|view| {
        let keys = view.keys;
        view.conn.transaction(|conn| {
            if let Conn::Pg(conn) = conn {
                // At PostgreSQL's default level each statement sees its own snapshot: what is committed between two of
                // them would look like a break.
                conn.batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")?;
            }
            all(&mut View { conn, keys }, key, &earlier, pace)
        })
    })
}

fn all(view: &mut View<'_>, key: &Vkey, earlier: &[String], pace: &mut Pace<'_>) -> Result<Report> {
    let years = match years::all(view) {
        Err(error @ Error::Corrupt(_)) => {
            return Ok(torn(None, Break { index: None, what: error.to_string() }));
        }
        years => years?,
    };
    let Some(newest) = years.last() else {
        return match entries::sealed(view)? {
            0 => Ok(whole_and_empty()),
            _ => Ok(torn(None, Break { index: None, what: "there is no log".into() })),
        };
    };
    if years.len() == 1 && newest.note(view)?.is_none() {
        return match entries::sealed(view)? {
            0 => Ok(whole_and_empty()),
            _ => Ok(torn(None, Break { index: None, what: "there is no checkpoint".into() })),
        };
    }
    pace.expect(u64::try_from(entries::sealed(view)?).unwrap_or(0));
    pace.expect(walk::count(view)?);
    // The trees come first: an entry is compared with the tables while its leaf is verified, in the same pass.
    let mut fold = Fold::new(view)?;
    let (mut report, trees) = trees(view, key, &years, &mut fold, &mut *pace)?;
    if !report.ok {
        return Ok(report);
    }
    let mut found = fold.end(view)?;
    // The checks run in this order, and none after the first break: the report names only that one.
    let mut then = |check: &mut dyn FnMut(&mut View<'_>) -> Result<Option<Break>>| match found.take() {
        None => or_break(check(view)).map(|next| found = next),
        first => {
            found = first;
            Ok(())
        }
    };
    then(&mut |view| seams(view, &trees))?;
    then(&mut |view| history::history(view, &trees, earlier))?;
    then(&mut |view| entries::placed(view, report.size))?;
    then(&mut |view| refold::refold(view, &fold.consents))?;
    then(&mut |view| messages::messages(view, pace))?;
    then(&mut |_view| Ok(fold.restored.open()))?;
    if let Some(found) = found {
        report = torn(Some(&report), found);
    }
    Ok(report)
}

/// One year's tree that was verified, with the entries at its two ends.
pub(super) struct Tree {
    pub year: Year,
    pub head: Checkpoint,
    pub first: Vec<u8>,
    pub last: Vec<u8>,
}

/// Verifies each year's tree, the oldest first, and feeds its entries to `fold` on the way.
fn trees(
    view: &mut View<'_>,
    key: &Vkey,
    years: &[Year],
    fold: &mut Fold,
    pace: &mut Pace<'_>,
) -> Result<(Report, Vec<Tree>)> {
    let mut trees: Vec<Tree> = Vec::with_capacity(years.len());
    let mut whole = whole_and_empty();
    for year in years {
        let name = year.vkey.name();
        let broken =
            |report: &Report, what: String| torn(Some(report), Break { index: Some(report.size), what });
        if let Err(why) = year.trusts(key) {
            return Ok((broken(&whole, why.to_string()), trees));
        }
        if year.first != whole.size {
            let what = format!("{name} is said to begin at entry {}", year.first);
            return Ok((broken(&whole, what), trees));
        }
        let Some((note, _)) = year.note(view)? else {
            return Ok((broken(&whole, format!("{name} has no checkpoint")), trees));
        };
        let (mut first, mut last) = (Vec::new(), Vec::new());
        let rows = Rows::new(view, year.year);
        let paced = Paced::new(&rows, &mut *pace);
        let walked = verify_log(&paced, &note, &year.vkey, None, |place, bytes| {
            if place == 0 {
                first = bytes.to_vec();
            }
            last.clear();
            last.extend_from_slice(bytes);
            rows.with(|view| fold.see(view, year.first + place, bytes));
        });
        let mut report = match (walked, paced.is_stopped()) {
            (Err(_unread), true) => return Err(Error::Stopped),
            (walked, _) => walked.map_err(super::broken)?,
        };
        paced.end()?;
        report.size += year.first;
        if let Some(found) = &mut report.first_break {
            found.index = found.index.map(|place| place + year.first);
            if years.len() > 1 {
                found.what = format!("{name}: {}", found.what);
            }
            return Ok((report, trees));
        }
        whole = report;
        let head = Checkpoint::open(&note, &year.vkey).map_err(super::broken)?;
        trees.push(Tree { year: year.clone(), head, first, last });
    }
    Ok((whole, trees))
}

/// Checks that each year begins where the one before it ended.
fn seams(view: &mut View<'_>, trees: &[Tree]) -> Result<Option<Break>> {
    for pair in trees.windows(2) {
        let [older, newer] = pair else { continue };
        let (older_end, newer_end) = (
            End { vkey: &older.year.vkey, head: &older.head, entry: &older.last },
            End { vkey: &newer.year.vkey, head: &newer.head, entry: &newer.first },
        );
        let view = std::cell::RefCell::new(&mut *view);
        let body = |hash: &Digest| bodies::clear(&mut view.borrow_mut(), hash).ok().flatten();
        if let Err(what) = joined(&older_end, &newer_end, body) {
            return Ok(Some(Break { index: Some(newer.year.first), what }));
        }
    }
    Ok(None)
}

/// Compares each entry with the tables, and keeps the first break.
struct Fold {
    placed: Placed,
    packs: Packs,
    bodies: Bodies,
    consents: Consents,
    amended: Amended,
    looks: Looks,
    restored: Restores,
    found: Result<Option<Break>>,
}

impl Fold {
    fn new(view: &mut View<'_>) -> Result<Self> {
        let bodies = Bodies::new(view)?;
        let (placed, packs, consents) = (Placed::default(), Packs::default(), Consents::default());
        let (amended, looks, restored) = (Amended::default(), Looks::default(), Restores::default());
        Ok(Self { placed, packs, bodies, consents, amended, looks, restored, found: Ok(None) })
    }

    fn see(&mut self, view: &mut View<'_>, index: u64, bytes: &[u8]) {
        if matches!(self.found, Ok(None)) {
            self.found = or_break_at(Some(index), self.leaf(view, index, bytes));
        }
    }

    fn leaf(&mut self, view: &mut View<'_>, index: u64, bytes: &[u8]) -> Result<Option<Break>> {
        let entry = match Entry::read(bytes) {
            Ok(entry) => entry,
            Err(why) => return Ok(Some(Break { index: Some(index), what: why.to_string() })),
        };
        match self.placed.row(view, index, &entry)? {
            Ok(row) => self.told(view, Some(index), row, &entry),
            Err(found) => Ok(Some(found)),
        }
    }

    /// Checks the entries that have no place in the tree yet, then looks for rows that no entry speaks of. Call it
    /// after the last leaf.
    fn end(&mut self, view: &mut View<'_>) -> Result<Option<Break>> {
        if let Some(found) = std::mem::replace(&mut self.found, Ok(None))? {
            return Ok(Some(found));
        }
        let found = self.waiting(view);
        or_break(found)
    }

    fn waiting(&mut self, view: &mut View<'_>) -> Result<Option<Break>> {
        let mut after = 0;
        loop {
            let waiting = entries::waiting(view, after)?;
            let Some((last, ..)) = waiting.last() else { break };
            after = *last;
            for (row, kind, at, bytes) in &waiting {
                let entry = Entry::read(bytes).ok();
                let entry = entry.filter(|entry| entry.kind.name() == kind && entries::same_time(entry, *at));
                let Some(entry) = entry else {
                    let what = format!("the entry of row {row}, which has no place yet, is not what it was");
                    return Ok(Some(Break { index: None, what }));
                };
                if let Some(found) = self.told(view, None, *row, &entry)? {
                    return Ok(Some(found));
                }
            }
        }
        let found = self.packs.end(view)?.or(self.consents.end(view)?);
        let found = found.or(self.bodies.end(view)?).or(self.amended.end(view)?);
        Ok(found.or(self.looks.end(view)?))
    }

    fn told(
        &mut self,
        view: &mut View<'_>,
        index: Option<u64>,
        row: i64,
        entry: &Entry,
    ) -> Result<Option<Break>> {
        self.restored.see(index, entry.kind);
        let kept = self.bodies.see(view, entry)?;
        if entry.kind == EntryType::TelemetryBatch {
            return self.packs.see(view, index, row, entry);
        }
        if entry.kind.name().starts_with("consent.") {
            return self.consents.see(view, index, entry, kept);
        }
        if entry.kind == EntryType::ReadingAmended {
            self.amended.see(view, entry, kept.as_ref())?;
        }
        if Looks::speak(entry.kind) {
            return self.looks.see(view, index, entry, kept);
        }
        match kept {
            Some(StoredBody::Changed(what)) => Ok(Some(Break { index, what })),
            _ => Ok(None),
        }
    }
}

/// Turns an unreadable stored value into a break: it is a finding about the data, not a reason to give no verdict.
fn or_break(found: Result<Option<Break>>) -> Result<Option<Break>> {
    or_break_at(None, found)
}

fn or_break_at(index: Option<u64>, found: Result<Option<Break>>) -> Result<Option<Break>> {
    match found {
        Err(error @ (Error::Corrupt(_) | Error::Sealed(..) | Error::NotFound(_))) => {
            Ok(Some(Break { index, what: error.to_string() }))
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
