//! The log as a directory that an outsider verifies with foreign tools: the layout of C2SP tlog-tiles, the terms
//! that its entries name, and on demand what belongs to one person.

use std::fs;

use diesel::prelude::*;

use super::explore::{Filter, page};
use super::{Rows, broken, head, prove};
use crate::audit::export as layout;
use crate::audit::note::{Checkpoint, Vkey};
use crate::audit::tile::Dir;
use crate::domain::PatientId;
use crate::store::error::{Error, Result};
use crate::store::schema::{audit_bodies as bodies, terms};
use crate::store::{Store, Subject, View};

/// What goes with the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The log and the terms.
    Log,
    /// Also one patient's sealed bodies and a proof of each of their entries.
    Patient(PatientId),
}

/// Writes the log into `dir`, its newest checkpoint last. Returns what that says.
///
/// # Errors
/// [`Error::NotFound`] when nothing is sealed yet; [`Error::Log`] when the log is not whole or cannot be written.
pub fn export(store: &Store, key: &Vkey, dir: &Dir, scope: Scope) -> Result<Checkpoint> {
    store.read(|view| {
        let head = head(view, key)?.ok_or(Error::NotFound("sealed entry"))?;
        fs::create_dir_all(&dir.0).map_err(|source| unwritten("the export", source))?;
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
            "vkey": key.to_string(),
            "terms": terms,
            "subject": subject,
        });
        put(dir, "manifest.json", format!("{manifest:#}\n").as_bytes())?;
        layout::export(dir, &Rows::new(view), &head.note, key).map_err(broken)
    })
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
        .select((bodies::hash, bodies::sealed))
        .load(view.conn)?;
    for (hash, sealed) in &rows {
        put(dir, &format!("bodies/{}", hex::encode(hash)), sealed)?;
    }
    let filter = Filter { subject: Some(subject), ..Filter::default() };
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
