//! The log as a directory that an outsider verifies with foreign tools: the layout of C2SP tlog-tiles, the terms
//! that its entries name, and on demand what belongs to one person.

use std::fs;

use diesel::prelude::*;

use super::explore::{Filter, page};
use super::years::{self, Year};
use super::{Head, Rows, broken, prove};
use crate::db::error::{Error, Result};
use crate::db::schema::{audit_bodies as bodies, terms};
use crate::{Store, Subject, View};
use audit::export as layout;
use audit::note::{Checkpoint, Signer, Vkey};
use audit::tile::Dir;
use audit::verify::EARLIER;
use domain::PatientId;

/// What goes with the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The log and the terms.
    Log,
    /// Also one patient's sealed bodies and a proof of each of their entries.
    Patient(PatientId),
}

/// Writes the log into `dir`, the newest year's checkpoint last; the years before go below `logs/`. Returns what that
/// checkpoint says. `signer` may bear any year's name; it signs the list of the export's files.
///
/// # Errors
/// [`Error::NotFound`] when nothing is sealed yet; [`Error::Log`] when the log is not whole or cannot be written.
pub fn export(store: &Store, signer: &Signer, dir: &Dir, scope: Scope) -> Result<Checkpoint> {
    if fs::read_dir(&dir.0).is_ok_and(|mut inside| inside.next().is_some()) {
        return Err(Error::Conflict("an export goes into an empty or new directory"));
    }
    let key = signer.vkey();
    store.read(|view| {
        let years = years::all(view)?;
        let (newest, earlier) = years.split_last().ok_or(Error::NotFound("sealed entry"))?;
        newest.trusts(key)?;
        let head = newest.head(view)?.ok_or(Error::NotFound("sealed entry"))?;
        fs::create_dir_all(&dir.0).map_err(|source| unwritten("the export", source))?;
        let mut logs = Vec::with_capacity(years.len());
        for year in earlier {
            let below = format!("{EARLIER}/{}", year.year);
            let head = year.head(view)?.ok_or(Error::corrupt("audit_checkpoints"))?;
            let rows = Rows::new(view, year.year);
            layout::export(&Dir(dir.0.join(&below)), &rows, &head.note, &year.signer(signer)?)
                .map_err(broken)?;
            logs.push(described(year, &head, &below));
        }
        logs.push(described(newest, &head, "."));
        let clear = bodies_in_clear(view, dir)?;
        let terms = terms_of(view, dir)?;
        let subject = match scope {
            Scope::Log => None,
            Scope::Patient(id) => Some(subject(view, key, dir, id)?),
        };
        let manifest = serde_json::json!({
            "origin": head.checkpoint.origin,
            "size": head.checkpoint.size,
            "root": hex::encode(head.checkpoint.root),
            "signed_at": head.at.rfc3339(),
            "vkey": newest.vkey.to_string(),
            "logs": logs,
            "bodies_in_clear": clear,
            "terms": terms,
            "subject": subject,
        });
        put(dir, "manifest.json", format!("{manifest:#}\n").as_bytes())?;
        put(dir, "policy.txt", policy(&years).as_bytes())?;
        let signer = newest.signer(signer)?;
        layout::export(dir, &Rows::new(view, newest.year), &head.note, &signer).map_err(broken)
    })
}

fn described(year: &Year, head: &Head, path: &str) -> serde_json::Value {
    serde_json::json!({
        "origin": head.checkpoint.origin,
        "vkey": year.vkey.to_string(),
        "first": head.first,
        "size": head.checkpoint.size,
        "root": hex::encode(head.checkpoint.root),
        "path": path,
    })
}

/// Whom to trust for what (C2SP tlog-policy): each year's log, and no witness yet.
fn policy(years: &[Year]) -> String {
    let mut text =
        String::from("# c2sp.org/tlog-policy. Compare each key with the copy you got another way.\n");
    years.iter().for_each(|year| text.push_str(&format!("log {}\n", year.vkey)));
    text + "quorum none\n"
}

/// Entries that concern no person: the openings and endings of the years.
fn bodies_in_clear(view: &mut View<'_>, dir: &Dir) -> Result<usize> {
    let rows: Vec<(Vec<u8>, Vec<u8>)> = bodies::table
        .filter(bodies::subject.eq(Subject::System.name()))
        .select((bodies::hash, bodies::bytes))
        .load(view.conn)?;
    let mut clear = 0;
    for (hash, bytes) in &rows {
        // A sealed body begins with its format, 0x01; one in clear is a JSON object.
        if bytes.first() == Some(&b'{') {
            put(dir, &format!("bodies/{}", hex::encode(hash)), bytes)?;
            clear += 1;
        }
    }
    Ok(clear)
}

fn terms_of(view: &mut View<'_>, dir: &Dir) -> Result<Vec<String>> {
    let rows: Vec<(Vec<u8>, String)> =
        terms::table.order(terms::text_sha256).select((terms::text_sha256, terms::text)).load(view.conn)?;
    let mut names = Vec::with_capacity(rows.len());
    for (hash, text) in rows {
        let name = hex::encode(hash);
        put(dir, &format!("terms/{name}.txt"), text.as_bytes())?;
        names.push(name);
    }
    names.dedup();
    Ok(names)
}

fn subject(view: &mut View<'_>, key: &Vkey, dir: &Dir, id: PatientId) -> Result<serde_json::Value> {
    let subject = Subject::Patient(id);
    let rows: Vec<(Vec<u8>, Vec<u8>)> = bodies::table
        .filter(bodies::subject.eq(subject.name()))
        .select((bodies::hash, bodies::bytes))
        .load(view.conn)?;
    for (hash, sealed) in &rows {
        put(dir, &format!("bodies/{}", hex::encode(hash)), sealed)?;
    }
    let filter = Filter { subjects: [Some(subject), None], ..Filter::default() };
    let (mut leaves, mut before) = (Vec::new(), None);
    loop {
        let slice = page(view, &filter, before, usize::MAX)?;
        for line in &slice.lines {
            let proof = prove::proof_of_entry(view, key, line.leaf)?;
            put(dir, &format!("proofs/{}.tlog-proof", line.leaf), proof.as_bytes())?;
            leaves.push(line.leaf);
        }
        before = slice.next;
        if before.is_none() {
            break;
        }
    }
    leaves.sort_unstable();
    Ok(serde_json::json!({ "patient": id, "entries": leaves, "bodies": rows.len() }))
}

fn put(dir: &Dir, name: &str, bytes: &[u8]) -> Result<()> {
    let path = dir.0.join(name);
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| dir.put(name, bytes)).map_err(|source| unwritten(name, source))
}

fn unwritten(name: &str, source: std::io::Error) -> Error {
    Error::Io { what: format!("{name} cannot be written"), source }
}
