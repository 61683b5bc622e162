//! The house reads its own sources: what a type or a lint cannot hold is held here, so that a law that nobody
//! keeps does not stay written down.

mod audience;
mod cases;
mod circles;
mod files;
mod imports;
mod openapi;
mod parameters;
mod purposes;
mod repository;
mod schema;
mod shown;
mod timeline;

use std::fs;
use std::path::Path;
use std::process::Command;

/// A text file of the project: its path from the top, and what it says.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// The lines that are not whole-line comments, numbered from one.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    fn is(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|its| its == extension)
    }
}

/// The paths that git tracks, and those it would track.
fn paths() -> Vec<String> {
    let top = env!("CARGO_MANIFEST_DIR");
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(top)
        .output()
        .expect("git lists the project's files");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let names = String::from_utf8(listed.stdout).unwrap();
    let mut paths: Vec<String> = names.split_terminator('\0').map(str::to_owned).collect();
    // A path in conflict is listed once a side; a deleted one is listed until it is committed.
    paths.dedup();
    paths.retain(|path| Path::new(top).join(path).is_file());
    paths
}

/// The text files among them, without recordings and without what others wrote.
fn sources() -> Vec<Source> {
    let ours = |path: &String| {
        !path.starts_with("tests/data/")
            && !path.starts_with("mqtt/tests/data/")
            && !path.contains("/vendor/")
            && path != "LICENSE"
    };
    let read = |path: String| {
        let bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(&path)).unwrap();
        String::from_utf8(bytes).ok().map(|text| Source { path, text })
    };
    paths().into_iter().filter(ours).filter_map(read).collect()
}

fn rust() -> Vec<Source> {
    sources().into_iter().filter(|source| source.is("rs")).collect()
}

/// Fails with every complaint at once.
fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "{} complaint(s):\n{}", complaints.len(), complaints.join("\n"));
}
