//! Files of different folders use each other in one direction: whoever reads one need not read them all. A circle
//! inside a folder is a matter of that folder. Read are `use` declarations and paths from `crate::`, tests apart;
//! `pub use` names what a folder shows, and is no use of it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Source, none, rust};

/// The folders with a crate's root in them; the one of the program itself is `src`.
fn roots(all: &[Source]) -> BTreeSet<String> {
    let libs = all.iter().filter_map(|source| source.path.strip_suffix("/lib.rs"));
    libs.filter(|folder| !folder.contains("tests/")).map(str::to_owned).collect()
}

/// The crate of a file: the longest root above it.
fn crate_of<'a>(roots: &'a BTreeSet<String>, path: &str) -> Option<&'a String> {
    let above = roots.iter().filter(|root| path.starts_with(&format!("{root}/")));
    above.max_by_key(|root| root.len())
}

/// A file's module as a path from its crate's root.
fn module(root: &str, path: &str) -> Vec<String> {
    let inside = path.trim_start_matches(root).trim_start_matches('/').trim_end_matches(".rs");
    let mut parts: Vec<String> = inside.split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
        parts.pop();
    }
    parts
}

fn is_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.ends_with("tests.rs") || name == "testing.rs" || path.contains("/tests/")
}

/// The code without its comments, and without the tests at its end.
fn code(text: &str) -> String {
    let own = match text.find("#[cfg(test)]\nmod tests {") {
        Some(end) => text.get(..end).unwrap_or_default(),
        None => text,
    };
    let lines = own.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The paths of a tree such as `crate::{a::{self, B}, c}`.
fn paths_of(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let Some((stem, rest)) = tree.split_once('{') else {
        let plain = tree.split(" as ").next().unwrap_or_default();
        return vec![plain.split("::").map(|part| part.trim().to_owned()).collect()];
    };
    let stem: Vec<String> =
        stem.split("::").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let inside = rest.rsplit_once('}').map_or(rest, |(inside, _)| inside);
    let (mut depth, mut begin, mut branches) = (0_usize, 0, Vec::new());
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                branches.push(inside.get(begin..at).unwrap_or_default());
                begin = at + 1;
            }
            _ => {}
        }
    }
    branches.push(inside.get(begin..).unwrap_or_default());
    let full = |branch: &str| {
        paths_of(branch).into_iter().map(|end| stem.iter().cloned().chain(end).collect()).collect::<Vec<_>>()
    };
    branches.into_iter().filter(|branch| !branch.trim().is_empty()).flat_map(full).collect()
}

/// What a file uses, as paths from its crate's root.
fn uses(code: &str, module: &[String]) -> Vec<Vec<String>> {
    let (mut found, mut rest) = (Vec::new(), String::new());
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let begins = line.trim_start();
        let declares = begins.starts_with("use ") || begins.starts_with("pub") && begins.contains(" use ");
        if !declares {
            rest.push_str(line);
            rest.push('\n');
            continue;
        }
        let mut declaration = begins.to_owned();
        while !declaration.contains(';') {
            let Some(next) = lines.next() else { break };
            declaration.push_str(next);
        }
        if let Some(tree) = declaration.strip_prefix("use ") {
            found.extend(paths_of(tree.split(';').next().unwrap_or_default()));
        }
    }
    for piece in rest.split("crate::").skip(1) {
        let end = piece.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(piece.len());
        let path = piece
            .get(..end)
            .unwrap_or_default()
            .split("::")
            .filter(|part| !part.is_empty())
            .map(str::to_owned);
        found.push(std::iter::once("crate".to_owned()).chain(path).collect());
    }
    let absolute = |path: Vec<String>| {
        let up = path.iter().take_while(|part| *part == "super").count();
        match path.first()?.as_str() {
            "crate" => Some(path[1..].to_vec()),
            "super" => {
                let base = module.get(..module.len().checked_sub(up)?)?;
                Some(base.iter().chain(&path[up..]).cloned().collect())
            }
            "self" => Some(module.iter().chain(&path[1..]).cloned().collect()),
            _ => None,
        }
    };
    found.into_iter().filter_map(absolute).collect()
}

/// Files by what they use.
type Edges = BTreeMap<String, BTreeSet<String>>;

/// Whatever can be reached from a file.
fn reach<'a>(edges: &'a Edges, from: &'a str) -> BTreeSet<&'a str> {
    let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(file) = open.pop() {
        for next in edges.get(file).into_iter().flatten() {
            if seen.insert(next.as_str()) {
                open.push(next);
            }
        }
    }
    seen
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn edges_of(files: &[(&str, &str)], root: &str) -> Edges {
    let modules: BTreeMap<Vec<String>, &str> =
        files.iter().map(|(path, _)| (module(root, path), *path)).collect();
    let target = |path: &[String]| {
        let prefixes = (0..=path.len()).rev().filter_map(|long| path.get(..long));
        prefixes.filter(|prefix| !prefix.is_empty()).find_map(|prefix| modules.get(prefix)).copied()
    };
    let mut edges = Edges::new();
    for (path, text) in files {
        let used = uses(&code(text), &module(root, path));
        let to = used.iter().filter_map(|used| target(used)).filter(|to| to != path);
        edges.insert((*path).to_owned(), to.map(str::to_owned).collect());
    }
    edges
}

fn circles(edges: &Edges) -> Vec<String> {
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        edges.keys().map(|file| (file.as_str(), reach(edges, file))).collect();
    let mut complaints = Vec::new();
    for (file, its) in &reached {
        let back = |other: &&&str| reached.get(**other).is_some_and(|theirs| theirs.contains(file));
        let apart = its.iter().filter(|other| folder(other) != folder(file)).filter(back);
        for other in apart.filter(|other| *file < **other) {
            complaints.push(format!("{file} and {other} use each other, directly or through others"));
        }
    }
    complaints
}

#[test]
fn files_of_different_folders_use_each_other_in_one_direction() {
    let all = rust();
    let roots = roots(&all);
    let mut complaints = Vec::new();
    for root in roots.iter().filter(|root| root.starts_with("src")) {
        let own = |source: &&Source| crate_of(&roots, &source.path) == Some(root) && !is_test(&source.path);
        let files: Vec<(&str, &str)> =
            all.iter().filter(own).map(|source| (source.path.as_str(), source.text.as_str())).collect();
        complaints.extend(circles(&edges_of(&files, root)));
    }
    none(&complaints);
}

#[test]
fn a_circle_is_found() {
    let low = "use super::high;\npub use crate::b::high::Shown;\nfn f() { crate::b::high::g() }\n";
    let files = [
        ("src/x/lib.rs", "mod a;\nmod b;\n"),
        ("src/x/a/mod.rs", "pub mod low;\n"),
        ("src/x/a/low.rs", low),
        ("src/x/b/mod.rs", "pub mod high;\n"),
        ("src/x/b/high.rs", "use crate::{a::{low::{self, F}}, b};\n"),
    ];
    let found = circles(&edges_of(&files, "src/x"));
    assert_eq!(found, ["src/x/a/low.rs and src/x/b/high.rs use each other, directly or through others"]);
    let shown = low.replace("fn f() { crate::b::high::g() }", "");
    let mut files = files;
    files[2].1 = &shown;
    assert_eq!(circles(&edges_of(&files, "src/x")), Vec::<String>::new(), "what is only shown on is no use");
}
