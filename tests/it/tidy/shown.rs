//! A crate shows what others use: a function or a constant that nobody outside names is the crate's own, so that the
//! compiler finds what nobody uses at all. Types are left to the lints: a signature shows more of them than are named.

use std::collections::BTreeSet;

use super::{Source, none, rust};

/// Shown before anybody uses them, with the reason.
const AHEAD: [&str; 2] = [
    // The registry of personal data is what access, erasure and the record of processing walk.
    "HOLDINGS", "holdings",
];

/// Crates inside `src`. `audit` is, as `consent` and `mqtt` are, for whoever checks without us; the root is a program.
const CRATES: [&str; 11] = [
    "src/config",
    "src/domain",
    "src/engine",
    "src/ingest",
    "src/lab",
    "src/notify",
    "src/observe",
    "src/rules",
    "src/store",
    "src/supervise",
    "src/web",
];

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// The function, constant or static that a line shows.
fn shown(line: &str) -> Option<&str> {
    let mut parts = words(line.trim_start().strip_prefix("pub ")?).peekable();
    loop {
        match parts.next()? {
            "fn" | "static" => return parts.next(),
            "const" if !matches!(parts.peek(), Some(&("fn" | "unsafe" | "async"))) => return parts.next(),
            "const" | "async" | "unsafe" => {}
            _ => return None,
        }
    }
}

fn complaints(all: &[Source], folder: &str) -> Vec<String> {
    let inside = format!("{folder}/");
    let (own, others): (Vec<&Source>, Vec<&Source>) =
        all.iter().partition(|source| source.path.starts_with(&inside));
    let named: BTreeSet<&str> = others.iter().flat_map(|source| words(&source.text)).collect();
    let lines =
        own.into_iter().flat_map(|source| source.code().map(move |(at, line)| (&source.path, at, line)));
    let unnamed = lines.filter_map(|(path, at, line)| {
        let name = shown(line).filter(|name| !named.contains(name) && !AHEAD.contains(name))?;
        Some(format!("{path}:{at}: no other crate names `{name}`: make it pub(crate)"))
    });
    unnamed.collect()
}

#[test]
fn a_crate_shows_no_function_and_no_constant_that_no_other_names() {
    let all = rust();
    none(&CRATES.iter().flat_map(|folder| complaints(&all, folder)).collect::<Vec<_>>());
}

#[test]
fn what_a_line_shows_is_read_in_each_form() {
    for (line, name) in [
        ("pub fn a(b: u8) {", Some("a")),
        ("    pub const fn a() {", Some("a")),
        ("pub async fn a() {", Some("a")),
        ("pub const A: u8 = 1;", Some("A")),
        ("pub static A: u8 = 1;", Some("A")),
        ("pub(crate) fn a() {", None),
        ("pub struct A;", None),
        ("fn a() {", None),
    ] {
        assert_eq!(shown(line), name, "{line}");
    }
}
