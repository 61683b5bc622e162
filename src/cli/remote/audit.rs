//! `zelo audit` on a running node: what its API gives an auditor, checked here and not by the node.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use serde_json::json;

use super::Http;
use crate::cli::commands::audit::{Audit, known_keys};
use crate::cli::error::{Error, Result};
use crate::cli::out::{Out, note};
use ::audit::note::{Checkpoint, Vkey};
use ::audit::tile::Dir;
use ::audit::verify::verify_dir;

pub(in crate::cli) fn run(http: &Http, command: &Audit, out: Out) -> Result<()> {
    match command {
        Audit::Verify { bundle: None, since, vkey } => verify(http, since.as_deref(), vkey.as_deref(), out),
        Audit::Verify { .. } => Err(Error::Usage("a bundle is verified without a node: leave --url out".into())),
        Audit::Export { to, patient: None, .. } => {
            fresh(to)?;
            unpack(http, to)?;
            let (checkpoint, vkey) = head(to)?;
            let words = format!(
                "{} entries in {}; VERIFY.md there says how to check them. Compare the key with the one you got another \
                 way:\n{vkey}",
                checkpoint.size,
                to.display()
            );
            let (size, origin) = (checkpoint.size, checkpoint.origin);
            out.say(&json!({ "size": size, "origin": origin, "vkey": vkey.to_string() }), &words);
            Ok(())
        }
        Audit::Prove { entry: Some(entry), patient: None, .. } => {
            let proof = http.text(&format!("/api/v1/audit/proofs?leaf={entry}"))?;
            out.say(&json!({ "entry": entry, "proof": proof }), &proof);
            Ok(())
        }
        Audit::Key => {
            let key: serde_json::Value = http.get("/api/v1/audit/key")?;
            let words = key.get("vkey").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
            out.say(&json!({ "vkey": words }), &words);
            Ok(())
        }
        _ => Err(Error::Usage(
            "what names a patient or a reading is read from the keys of a stopped node: run it there without --url"
                .into(),
        )),
    }
}

fn verify(http: &Http, since: Option<&Path>, vkey: Option<&str>, out: Out) -> Result<()> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|why| Error::Usage(format!("{}: {why}", path.display())))
    };
    let since = since.map(read).transpose()?;
    let scratch = Scratch::new();
    unpack(http, &scratch.0)?;
    let keys = match vkey {
        Some(known) => known_keys(known)?,
        None => {
            let (_, vkey) = head(&scratch.0)?;
            note(&format!("Without --vkey the node's own word for its key is taken: {vkey}"));
            vec![vkey]
        }
    };
    let report = verify_dir(&Dir(scratch.0.clone()), &keys, since.as_deref());
    let report = report.map_err(|why| Error::Usage(why.to_string()))?;
    let words = match &report.first_break {
        None => format!("whole: {} entries, root {}", report.size, report.root),
        Some(found) => format!("BROKEN: {}", found.what),
    };
    out.say(&report, &words);
    note("Only the log was checked: consents and readings are held against it on the stopped node itself.");
    if report.ok { Ok(()) } else { Err(Error::Failed("the audit log does not hold".into())) }
}

fn fresh(dir: &Path) -> Result<()> {
    let taken = std::fs::read_dir(dir).is_ok_and(|mut found| found.next().is_some());
    if taken { Err(Error::Usage(format!("{} is not empty", dir.display()))) } else { Ok(()) }
}

fn head(dir: &Path) -> Result<(Checkpoint, Vkey)> {
    let unusable = |why: String| Error::Failed(format!("the export is not whole: {why}"));
    let dir = Dir(dir.to_owned());
    let key = dir.text("vkey.txt").map_err(|why| unusable(why.to_string()))?;
    let key: Vkey = key.trim().parse().map_err(|why| unusable(format!("{why}")))?;
    let text = dir.text("checkpoint").map_err(|why| unusable(why.to_string()))?;
    let checkpoint = Checkpoint::open(&text, &key).map_err(|why| unusable(why.to_string()))?;
    Ok((checkpoint, key))
}

/// Puts the archive's files under `to`, without the directory that holds them in it.
fn unpack(http: &Http, to: &Path) -> Result<()> {
    let failed = |source: std::io::Error| Error::io("cannot unpack the log into", to, &source);
    std::fs::create_dir_all(to).map_err(failed)?;
    let mut archive = tar::Archive::new(http.stream("/api/v1/audit/export")?);
    for entry in archive.entries().map_err(failed)? {
        let mut entry = entry.map_err(failed)?;
        let path = entry.path().map_err(failed)?.into_owned();
        let Some(inside) = inside(&path) else {
            return Err(Error::Failed("the node's archive holds a path that leads elsewhere".into()));
        };
        if entry.header().entry_type().is_dir() {
            continue;
        }
        if !entry.header().entry_type().is_file() || to.join(&inside).exists() {
            return Err(Error::Failed("the node's archive holds a link, a device or a name twice".into()));
        }
        let place = to.join(inside);
        place.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(failed)?;
        entry.unpack(&place).map_err(failed)?;
    }
    Ok(())
}

/// A path below the archive's one directory; `None` for one that leads out of it.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut parts = path.components();
    let top = parts.next()? == Component::Normal(OsStr::new("zelo-audit"));
    let rest = parts.as_path();
    let plain = rest.components().all(|part| matches!(part, Component::Normal(_)));
    (top && plain).then(|| rest.to_owned())
}

/// A directory that goes when it is no longer needed.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("zelo-verify-{}", uuid::Uuid::now_v7().simple())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::debug!(%error, "a scratch directory stays");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_writes_below_its_own_directory_only() {
        assert_eq!(inside(Path::new("zelo-audit/tile/0/000")), Some("tile/0/000".into()));
        for elsewhere in ["zelo-audit/../x", "/zelo-audit/x", "other/x", "../zelo-audit/x"] {
            assert_eq!(inside(Path::new(elsewhere)), None, "{elsewhere}");
        }
    }
}
