//! The repository shows what it should and nothing of the machines it was written on.

use std::collections::BTreeSet;

use super::{none, paths, sources};

/// The top level, fixed by those who own the project; names that begin with a dot may join.
const TOP: [&str; 10] = [
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "consent",
    "docs",
    "migrations",
    "mqtt",
    "src",
    "tests",
];

#[test]
fn the_top_level_holds_what_was_agreed() {
    let top: BTreeSet<String> =
        paths().iter().filter_map(|path| path.split('/').next()).map(str::to_owned).collect();
    let agreed = |name: &str| name.starts_with('.') || TOP.contains(&name);
    let strange: Vec<String> = top.into_iter().filter(|name| !agreed(name)).collect();
    none(&strange);
}

#[test]
fn no_file_names_a_place_on_one_machine_or_a_package_host() {
    // Written in two pieces, so that this file does not find itself.
    let banned = [
        ("/wo", "rk/"),
        ("/ro", "ot/"),
        ("/ho", "me/"),
        ("/Us", "ers/"),
        ("registry.npm", "js.org"),
        ("npm", "js.com"),
        ("pypi", ".org"),
        ("python", "hosted.org"),
        ("static.crates", ".io"),
        ("index.crates", ".io"),
        ("deb.debian", ".org"),
        ("\"resol", "ved\":"),
        ("--index", "-url"),
        ("_auth", "Token="),
    ]
    .map(|(one, two)| format!("{one}{two}"));
    let mut complaints = vec![];
    for file in sources() {
        for (at, line) in file.text.lines().enumerate() {
            for word in banned.iter().filter(|word| line.contains(word.as_str())) {
                complaints.push(format!("{}:{} says {word}", file.path, at + 1));
            }
        }
    }
    none(&complaints);
}
