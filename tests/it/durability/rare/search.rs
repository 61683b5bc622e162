//! Looks for many byte strings in files at once: one pass over each file, whatever their number.

use std::fs;
use std::path::{Path, PathBuf};

/// What must not be found, by the two bytes it begins with.
pub(super) struct Needles {
    all: Vec<(String, Vec<u8>)>,
    by_start: Vec<Vec<usize>>,
}

impl Needles {
    /// Each as it is, and as the hexadecimal text in which PostgreSQL writes bytes.
    pub(super) fn new(needles: Vec<(String, Vec<u8>)>) -> Self {
        let hex =
            |(what, bytes): &(String, Vec<u8>)| (format!("{what}, in hex"), hex::encode(bytes).into_bytes());
        let hexed: Vec<_> = needles.iter().map(hex).collect();
        let all: Vec<_> = needles.into_iter().chain(hexed).collect();
        let mut by_start = vec![Vec::new(); 1 << 16];
        for (n, (what, bytes)) in all.iter().enumerate() {
            // Others would be met by chance: short ones in sealed bytes, zeros around any number in a page or a log.
            let telling = bytes.iter().filter(|byte| **byte != 0).count();
            assert!(telling >= 5, "{what} says too little to be looked for");
            by_start[start(bytes)].push(n);
        }
        Self { all, by_start }
    }

    /// The first that is in `bytes`.
    pub(super) fn found(&self, bytes: &[u8]) -> Option<&str> {
        let met = bytes.windows(2).enumerate().find_map(|(at, two)| {
            let candidates = self.by_start[start(two)].iter();
            candidates.copied().find(|n| bytes[at..].starts_with(&self.all[*n].1))
        });
        met.map(|n| self.all[n].0.as_str())
    }
}

fn start(bytes: &[u8]) -> usize {
    usize::from(u16::from_be_bytes([bytes[0], bytes[1]]))
}

/// Every file below a directory.
pub(super) fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all
}

#[test]
fn the_search_finds_what_is_there() {
    let needles =
        Needles::new(vec![("one".into(), b"needle".to_vec()), ("two".into(), vec![0, 1, 2, 3, 4, 255])]);
    assert_eq!(needles.found(b"a needle in hay"), Some("one"));
    assert_eq!(needles.found(&[9, 9, 0, 1, 2, 3, 4, 255]), Some("two"));
    assert_eq!(needles.found(b"..6e6565646c65.."), Some("one, in hex"));
    assert_eq!(needles.found(b"a needl"), None);
    assert_eq!(needles.found(b"n"), None);
}
