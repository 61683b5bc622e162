//! An export is whole as written and tells, for any altered byte, where it breaks.

use std::fs;
use std::path::Path;

use super::*;
use crate::export::{entry, export};
use crate::tile::Dir;
use crate::verify::{Report, Unusable, verify, verify_dir};

fn exported(size: u32) -> (tempfile::TempDir, Dir) {
    let (rows, checkpoint) = log_of(&small(0..size), 1_000);
    let temp = tempfile::tempdir().unwrap();
    let dir = Dir(temp.path().join("log"));
    export(&dir, &rows, &checkpoint, &signer()).unwrap();
    (temp, dir)
}

fn files(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for item in fs::read_dir(dir).unwrap().map(|item| item.unwrap().path()) {
        if item.is_dir() { found.extend(files(&item)) } else { found.push(item.display().to_string()) }
    }
    found.sort();
    found
}

/// The verdict on a copy whose file `name` went through `alter`; the file is put back afterwards.
fn judged(dir: &Dir, name: &str, alter: impl FnOnce(&mut Vec<u8>)) -> Result<Report, Unusable> {
    let path = dir.0.join(name);
    let whole = fs::read(&path).unwrap();
    let mut bytes = whole.clone();
    alter(&mut bytes);
    fs::write(&path, bytes).unwrap();
    let report = verify_dir(dir, &[signer().vkey().clone()], None);
    fs::write(&path, whole).unwrap();
    report
}

fn first_break(report: Result<Report, Unusable>) -> Option<u64> {
    let report = report.unwrap();
    assert!(!report.ok);
    report.first_break.unwrap().index
}

#[test]
fn a_fresh_export_is_whole_and_has_the_files_of_the_layout() {
    let (_temp, dir) = exported(700);
    let report = verify_dir(&dir, &[signer().vkey().clone()], None).unwrap();
    assert!(report.ok && report.size == 700 && report.first_break.is_none(), "{report:?}");
    let root = dir.0.display().to_string();
    let names: Vec<_> = files(&dir.0).iter().map(|f| f.replace(&root, "")).collect();
    for name in [
        "/checkpoint",
        "/vkey.txt",
        "/VERIFY.md",
        "/verify.go",
        "/verify.mjs",
        "/tile/0/000",
        "/tile/0/002.p/188",
        "/tile/1/000.p/2",
        "/tile/entries/001",
        "/tile/entries/002.p/188",
    ] {
        assert!(names.iter().any(|n| n == name), "{name} in {names:?}");
    }
    assert_eq!(entry(&dir, 699, 700).unwrap().unwrap(), b"{\"i\":699}");
    assert_eq!(entry(&dir, 700, 700).unwrap(), None);
}

#[test]
fn any_flipped_bit_breaks_the_export_at_the_entry_it_belongs_to() {
    let (_temp, dir) = exported(600);
    let mut boundaries = Vec::new();
    for (bundle, count) in [(0_u64, 256_u64), (1, 256), (2, 88)] {
        let mut at = 0;
        for i in bundle * 256..bundle * 256 + count {
            boundaries.push((bundle, at, i));
            at += 2 + format!("{{\"i\":{i}}}").len();
        }
    }
    for (name, bundle) in [("000", 0_u64), ("001", 1), ("002.p/88", 2)] {
        let name = format!("tile/entries/{name}");
        let length = fs::read(dir.0.join(&name)).unwrap().len();
        for byte in (0..length).step_by(13).chain([length - 1]) {
            let owner = boundaries.iter().rev().find(|(b, at, _)| *b == bundle && *at <= byte).unwrap().2;
            let found = first_break(judged(&dir, &name, |bytes| bytes[byte] ^= 1 << (byte % 8)));
            assert_eq!(found, Some(owner), "{name} byte {byte}");
        }
    }
    for (name, first, step) in [
        ("tile/0/000", 0, 1),
        ("tile/0/001", 256, 1),
        ("tile/0/002.p/88", 512, 1),
        ("tile/1/000.p/2", 0, 256),
    ] {
        let length = fs::read(dir.0.join(name)).unwrap().len();
        for byte in (0..length).step_by(61) {
            let owner = first + u64::try_from(byte / 32).unwrap() * step;
            let found = first_break(judged(&dir, name, |bytes| bytes[byte] ^= 0x40));
            assert_eq!(found, Some(owner), "{name} byte {byte}");
        }
    }
    for byte in 0..fs::read(dir.0.join("checkpoint")).unwrap().len() {
        let found = first_break(judged(&dir, "checkpoint", |bytes| bytes[byte] ^= 1 << (byte % 8)));
        assert_eq!(found, None, "checkpoint byte {byte}");
    }
    for byte in 0..fs::read(dir.0.join("vkey.txt")).unwrap().len() {
        let verdict = judged(&dir, "vkey.txt", |bytes| bytes[byte] ^= 1);
        assert!(verdict.map_or(true, |report| !report.ok), "vkey byte {byte}");
    }
    assert!(verify_dir(&dir, &[signer().vkey().clone()], None).unwrap().ok);
}

#[test]
fn a_dropped_tail_a_swap_and_a_missing_tile_break_where_they_happened() {
    let (_temp, dir) = exported(600);
    let cut = judged(&dir, "tile/entries/002.p/88", |bytes| bytes.truncate(bytes.len() - 11));
    assert_eq!(first_break(cut), Some(599));
    let swap = judged(&dir, "tile/entries/000", |bytes| {
        let (a, b) = (bytes[2..9].to_vec(), bytes[11..18].to_vec());
        bytes[2..9].copy_from_slice(&b);
        bytes[11..18].copy_from_slice(&a);
    });
    assert_eq!(first_break(swap), Some(0));
    assert_eq!(first_break(judged(&dir, "tile/entries/001", |b| b.extend([0, 2, b'{', b'}']))), Some(511));
    assert_eq!(first_break(judged(&dir, "tile/0/001", |bytes| bytes.truncate(8_191))), Some(256));
    fs::remove_file(dir.0.join("tile/entries/001")).unwrap();
    assert_eq!(first_break(verify_dir(&dir, &[signer().vkey().clone()], None)), Some(256));
    fs::remove_file(dir.0.join("checkpoint")).unwrap();
    assert!(!verify_dir(&dir, &[signer().vkey().clone()], None).unwrap().ok);
    fs::remove_dir_all(&dir.0).unwrap();
    assert!(matches!(verify_dir(&dir, &[signer().vkey().clone()], None), Err(Unusable::Unreadable(_))));
}

#[test]
fn a_history_rewritten_and_signed_again_is_found_with_an_earlier_checkpoint() {
    let (_, earlier) = log_of(&small(0..300), 300);
    let mut other = small(0..700);
    other[10] = b"{\"i\":-1}".to_vec();
    let (rows, checkpoint) = log_of(&other, 700);
    let key = signer();
    assert!(verify(&rows, &checkpoint, key.vkey(), None, |_, _| ()).unwrap().ok);
    assert!(!verify(&rows, &checkpoint, key.vkey(), Some(&earlier), |_, _| ()).unwrap().ok);
    let (rows, checkpoint) = log_of(&small(0..200), 200);
    assert_eq!(
        first_break(Ok(verify(&rows, &checkpoint, key.vkey(), Some(&earlier), |_, _| ()).unwrap())),
        Some(200)
    );
    let (rows, checkpoint) = log_of(&small(0..300), 7);
    assert!(verify(&rows, &checkpoint, key.vkey(), Some(&earlier), |_, _| ()).unwrap().ok);
}

#[test]
fn entries_and_tiles_rewritten_together_without_the_key_do_not_lead_to_the_signed_root() {
    let (_, checkpoint) = log_of(&small(0..700), 700);
    let mut other = small(0..700);
    other[10] = b"{\"i\":-1}".to_vec();
    let (rows, _) = log_of(&other, 700);
    let report = verify(&rows, &checkpoint, signer().vkey(), None, |_, _| ()).unwrap();
    assert!(report.size == 700 && report.first_break.as_ref().unwrap().what.contains("root"), "{report:?}");
    assert_eq!(first_break(Ok(report)), None);
}

#[test]
fn another_key_than_the_one_at_hand_is_a_break_and_an_entry_that_is_not_canonical_too() {
    let (_temp, dir) = exported(10);
    let other = Signer::from_seed(ORIGIN, &[8; 32]).unwrap();
    assert!(!verify_dir(&dir, &[other.vkey().clone()], None).unwrap().ok);
    let mut entries = small(0..10);
    entries[4] = b"{\"b\":1,\"a\":2}".to_vec();
    let (rows, checkpoint) = log_of(&entries, 10);
    let mut seen = Vec::new();
    let report = verify(&rows, &checkpoint, signer().vkey(), None, |index, _| seen.push(index)).unwrap();
    assert_eq!((first_break(Ok(report)), seen), (Some(4), vec![0, 1, 2, 3]));
}

/// Every single byte of every file, and everything that somebody could do to a file.
#[test]
fn whatever_is_altered_added_taken_or_signed_by_another_key_is_a_verdict_that_it_is_broken() {
    let (_temp, dir) = exported(40);
    let ours = [signer().vkey().clone()];
    fs::create_dir(dir.0.join("terms")).unwrap();
    let term = b"Autorizo.";
    let name = format!("terms/{}.txt", hex::encode(crate::merkle::sha256(term)));
    dir.put(&name, term).unwrap();
    crate::bundle::seal(&dir, &signer()).unwrap();
    let verdict = || verify_dir(&dir, &ours, None).unwrap();
    assert!(verdict().ok, "{:?}", verdict());
    let root = format!("{}/", dir.0.display());
    for name in files(&dir.0).iter().map(|file| file.replace(&root, "")) {
        let length = fs::read(dir.0.join(&name)).unwrap().len();
        // The large ones that nobody judges by their content: at many places; all others at each.
        let step = if length > 3_000 { 97 } else { 1 };
        for byte in (0..length).step_by(step).chain([length - 1]) {
            let report = judged(&dir, &name, |bytes| bytes[byte] ^= 1 << (byte % 8)).unwrap();
            assert!(!report.ok, "{name} byte {byte}");
        }
        assert!(!judged(&dir, &name, |bytes| bytes.push(b'\n')).unwrap().ok, "{name} longer");
        assert!(!judged(&dir, &name, |bytes| bytes.truncate(length - 1)).unwrap().ok, "{name} shorter");
        assert!(!judged(&dir, &name, Vec::clear).unwrap().ok, "{name} empty");
        let whole = fs::read(dir.0.join(&name)).unwrap();
        fs::remove_file(dir.0.join(&name)).unwrap();
        assert!(!verdict().ok, "{name} missing");
        #[cfg(unix)]
        {
            let elsewhere = dir.0.parent().unwrap().join("elsewhere");
            fs::write(&elsewhere, &whole).unwrap();
            std::os::unix::fs::symlink(&elsewhere, dir.0.join(&name)).unwrap();
            assert!(!verdict().ok, "{name} is a link");
            fs::remove_file(dir.0.join(&name)).unwrap();
        }
        fs::write(dir.0.join(&name), whole).unwrap();
    }
    for added in ["more.txt", "tile/0/001", "terms/x.txt"] {
        fs::write(dir.0.join(added), b"x").unwrap();
        assert!(!verdict().ok, "{added} was added");
        fs::remove_file(dir.0.join(added)).unwrap();
    }
    assert!(verdict().ok);
    // Everything signed again by somebody else, consistent in itself.
    let other = Signer::from_seed(ORIGIN, &[8; 32]).unwrap();
    let head = Checkpoint::open(&dir.text("checkpoint").unwrap(), &ours[0]).unwrap();
    dir.put("checkpoint", head.sign(&other).as_bytes()).unwrap();
    dir.put("vkey.txt", format!("{}\n", other.vkey()).as_bytes()).unwrap();
    crate::bundle::seal(&dir, &other).unwrap();
    assert!(!verdict().ok);
    assert!(verify_dir(&dir, &[other.vkey().clone()], None).unwrap().ok);
}

#[test]
fn a_list_that_leads_elsewhere_or_names_a_file_twice_is_refused_though_it_is_signed() {
    let (_temp, dir) = exported(5);
    let list = dir.text(crate::bundle::LIST).unwrap();
    let first = list.lines().next().unwrap().to_owned() + "\n";
    let hash = first.split(' ').next().unwrap();
    for bad in [
        format!("{first}{list}"),
        format!("{hash}  ../vkey.txt\n{list}"),
        format!("{hash}  /etc/hostname\n{list}"),
        format!("{hash} vkey.txt\n{list}"),
    ] {
        let text = format!(
            "zelo-audit-bundle/1\n{ORIGIN}\n{}\n{}\n",
            bad.lines().count(),
            hex::encode(crate::merkle::sha256(bad.as_bytes()))
        );
        dir.put(crate::bundle::LIST, bad.as_bytes()).unwrap();
        dir.put(crate::bundle::SEAL, signer().sign(&text).as_bytes()).unwrap();
        assert!(!verify_dir(&dir, &[signer().vkey().clone()], None).unwrap().ok, "{bad}");
    }
}
