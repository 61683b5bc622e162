//! A bundle covers itself: `files.sha256` lists each of its files with its hash, and `files.sig` signs that list with the
//! log's key. What is altered, missing, added or signed by another key is found, whatever file it is.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path};

use super::merkle::sha256;
use super::note::{Signer, Vkey, open};
use super::tile::Dir;
use super::tile::Unreadable;

/// The list, as `sha256sum --check` reads it; names ascend.
pub const LIST: &str = "files.sha256";
/// The signed note over the list (c2sp.org/signed-note).
pub const SEAL: &str = "files.sig";
/// The first line of the note: no checkpoint begins so.
const FORM: &str = "zelo-audit-bundle/1";

/// Lists and signs every file in `dir`: nothing is written into it afterwards.
///
/// # Errors
/// When the file system refuses, or holds what is no plain file.
pub fn seal(dir: &Dir, signer: &Signer) -> io::Result<()> {
    let mut list = String::new();
    for (name, hash) in files(&dir.0)? {
        list.push_str(&format!("{hash}  {name}\n"));
    }
    dir.put(LIST, list.as_bytes())?;
    dir.put(SEAL, signer.sign(&text(signer.vkey().name(), list.as_bytes())).as_bytes())
}

/// Holds a bundle against its list, and the list against its signature by one of `keys`, under whatever year's name.
/// What does not hold is `Ok(Err(words))`.
///
/// # Errors
/// [`Unreadable`] when the directory cannot be read.
pub fn check(dir: &Dir, keys: &[Vkey]) -> Result<Result<(), String>, Unreadable> {
    let found = match files(&dir.0) {
        Ok(found) => found,
        Err(odd) if odd.kind() == io::ErrorKind::InvalidData => return Ok(Err(odd.to_string())),
        Err(source) => {
            return Err(Unreadable { path: dir.0.display().to_string(), source: source.into() });
        }
    };
    let (Some(list), Some(note)) = (dir.bytes(LIST), dir.bytes(SEAL)) else {
        return Ok(Err(format!(
            "{LIST} or {SEAL} is missing: nothing in the bundle is covered by a signature"
        )));
    };
    Ok(signed(&list, &note, keys).and_then(|()| listed(&list, &found)))
}

/// The text that is signed: whose bundle it is, how many files it has, and the hash of their list.
fn text(origin: &str, list: &[u8]) -> String {
    let count = list.iter().filter(|byte| **byte == b'\n').count();
    format!("{FORM}\n{origin}\n{count}\n{}\n", hex::encode(sha256(list)))
}

fn signed(list: &[u8], note: &[u8], keys: &[Vkey]) -> Result<(), String> {
    let note = std::str::from_utf8(note).map_err(|_bytes| format!("{SEAL} is not text"))?;
    let origin = note.lines().nth(1).unwrap_or_default();
    let key = keys
        .iter()
        .filter_map(|key| key.named(origin).ok())
        .find(|key| open(note, std::slice::from_ref(key)).is_ok());
    if key.is_none() {
        return Err(format!("{SEAL} is not signed by the key that you gave"));
    }
    let signed = text(origin, list);
    // Nothing but the text and one signature: a line of another key would be covered by none.
    let whole = note.strip_prefix(&signed).and_then(|rest| rest.strip_prefix('\n'));
    if whole.is_some_and(|line| line.matches('\n').count() == 1 && line.ends_with('\n')) {
        Ok(())
    } else {
        Err(format!("{LIST} is not the list that {SEAL} signs"))
    }
}

fn listed(list: &[u8], found: &BTreeMap<String, String>) -> Result<(), String> {
    let list = std::str::from_utf8(list).map_err(|_bytes| format!("{LIST} is not text"))?;
    let mut names = BTreeMap::new();
    for line in list.lines() {
        let (hash, name) =
            line.split_once("  ").ok_or_else(|| format!("{LIST}: {line:?} is no line of it"))?;
        let path = Path::new(name);
        let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
        if !plain || name.contains('\\') || names.last_key_value().is_some_and(|(last, _)| *last >= name) {
            return Err(format!("{LIST}: {name:?} leads elsewhere or is out of order"));
        }
        names.insert(name, hash);
    }
    for (name, hash) in &names {
        match found.get(*name) {
            None => return Err(format!("{name} is missing")),
            Some(actual) if actual != hash => return Err(format!("{name} was altered")),
            Some(_) => {}
        }
        let file_name = Path::new(name).file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let by_hash = name.starts_with("bodies/") || name.starts_with("terms/");
        if by_hash && file_name.split('.').next() != Some(hash) {
            return Err(format!("{name} is not what its name says"));
        }
    }
    match found.keys().find(|name| !names.contains_key(name.as_str())) {
        Some(name) => Err(format!("{name} is not in {LIST}")),
        None => Ok(()),
    }
}

/// Every file below `dir` but the list and its signature, with its SHA-256.
fn files(dir: &Path) -> io::Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let mut open = vec![(dir.to_owned(), String::new())];
    while let Some((place, prefix)) = open.pop() {
        for item in fs::read_dir(&place)? {
            let item = item?;
            let odd = || {
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("{:?} in the bundle is no plain file", item.file_name()),
                )
            };
            let name = format!(
                "{prefix}{}",
                item.file_name().to_str().filter(|name| !name.contains(['\n', '\\'])).ok_or_else(odd)?
            );
            // Of the entry itself: a link is not followed.
            let kind = item.file_type()?;
            if kind.is_dir() {
                open.push((item.path(), format!("{name}/")));
            } else if !kind.is_file() {
                return Err(odd());
            } else if name != LIST && name != SEAL {
                let hash = hex::encode(sha256(&fs::read(item.path())?));
                found.insert(name, hash);
            }
        }
    }
    Ok(found)
}
