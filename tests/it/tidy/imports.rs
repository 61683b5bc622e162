//! Imports point one way: each room uses only the rooms the table grants it, and each heavy library has one room.

#![expect(clippy::string_slice, reason = "every place was found in the same text")]

use super::{Source, none, rust};

/// Every room of `src`, and the rooms and crates it may use. `*` is everything.
const MAY_USE: [(&str, &[&str]); 18] = [
    ("domain", &["consent"]),
    ("rules", &["domain"]),
    ("audit", &["domain"]),
    ("notify", &["domain"]),
    ("observe", &["domain", "config::LogFormat"]),
    ("supervise", &[]),
    ("store", &["domain", "consent", "audit", "rules", "supervise"]),
    ("ingest", &["mqtt", "consent", "domain", "rules", "store", "audit", "supervise"]),
    ("engine", &["consent", "domain", "rules", "store", "notify", "audit", "supervise"]),
    ("support", &["consent", "domain", "store", "audit"]),
    ("retention", &["consent", "domain", "store", "audit"]),
    ("interop", &["consent", "domain"]),
    (
        "web",
        &[
            "consent",
            "domain",
            "store",
            "audit",
            "rules::Finding",
            "rules::LevelAt",
            "engine::Status",
            "engine::Wake",
            "supervise::Ill",
            "observe",
        ],
    ),
    ("config", &["*"]),
    ("app", &["*"]),
    ("cli", &["*"]),
    ("lib", &["*"]),
    ("main", &["*"]),
];

/// The other crates of the workspace, as a path in `src` names them.
const CRATES: [&str; 2] = ["consent", "mqtt"];

/// The libraries that one room keeps to itself: the word that betrays their use, and where it may stand.
const ONE_ROOM: [(&str, &[&str]); 9] = [
    ("diesel::", &["src/store/", "tests/it/support/", "tests/it/tidy/"]),
    ("diesel_migrations", &["src/store/", "tests/it/tidy/"]),
    ("actix_web", &["src/web/", "tests/it/tidy/"]),
    ("actix_rt", &["tests/it/tidy/"]),
    ("actix_http", &["src/web/", "tests/it/tidy/"]),
    ("rumqttc::", &["mqtt/", "src/cli/", "tests/it/"]),
    ("lettre::", &["src/notify/", "tests/it/tidy/"]),
    ("async_imap::", &["src/notify/", "tests/it/tidy/"]),
    ("mail_parser::", &["src/notify/", "tests/it/tidy/"]),
];

/// What the two crates beside the root may depend on.
const DEPENDENCIES: [(&str, &[&str]); 2] = [
    ("consent", &["serde", "serde_json", "ring", "thiserror"]),
    (
        "mqtt",
        &[
            "bytes",
            "chrono",
            "futures-util",
            "minicbor",
            "mqtt-protocol-core",
            "ring",
            "rumqttc",
            "rustls",
            "serde",
            "serde_json",
            "thiserror",
            "tokio",
            "tokio-rustls",
            "tracing",
            "uuid",
            "x509-parser",
        ],
    ),
];

#[test]
fn each_room_uses_only_the_rooms_the_table_grants_it() {
    let mut complaints = vec![];
    // A room's tests may build what they hold it against.
    let at_work = |path: &str| path.starts_with("src/") && !path.contains("/tests/");
    for file in rust().iter().filter(|file| at_work(&file.path)) {
        let room = room_of(&file.path);
        let Some((_, granted)) = MAY_USE.iter().find(|(name, _)| *name == room) else {
            complaints.push(format!("{}: the room `{room}` is not in the table of {}", file.path, file!()));
            continue;
        };
        for used in uses(file) {
            let first = used.split("::").next().unwrap_or_default();
            let whole = granted.iter().any(|may| *may == "*" || *may == first || *may == used);
            if first != room && !whole {
                complaints.push(format!("{}: `{room}` may not use `{used}`", file.path));
            }
        }
    }
    complaints.dedup();
    none(&complaints);
}

#[test]
fn each_heavy_library_has_one_room() {
    let mut complaints = vec![];
    for file in rust() {
        for (word, places) in ONE_ROOM {
            let at_home = places.iter().any(|place| file.path.starts_with(place));
            if let Some((line, _)) = file.code().find(|(_, line)| !at_home && line.contains(word)) {
                complaints.push(format!("{}:{line}: `{word}` belongs to {}", file.path, places[0]));
            }
        }
    }
    none(&complaints);
}

#[test]
fn the_crates_beside_the_root_depend_on_what_they_may() {
    let mut complaints = vec![];
    for (name, granted) in DEPENDENCIES {
        let manifest =
            super::sources().into_iter().find(|file| file.path == format!("{name}/Cargo.toml")).unwrap();
        let table = manifest.text.split("\n[dependencies]\n").nth(1).unwrap_or_default();
        for line in table.lines().take_while(|line| !line.starts_with('[')) {
            let dependency = line.split([' ', '=', '.']).next().unwrap_or_default();
            if !dependency.is_empty() && !dependency.starts_with('#') && !granted.contains(&dependency) {
                complaints.push(format!("{name} may not depend on {dependency}"));
            }
        }
    }
    none(&complaints);
}

/// `src/store/keys.rs` and `src/store.rs` are of the room `store`.
fn room_of(path: &str) -> &str {
    path.split('/').nth(1).unwrap_or_default().trim_end_matches(".rs")
}

/// The rooms and crates that a file names: `store`, or `engine::Status` where one more part is told.
fn uses(file: &Source) -> Vec<String> {
    let code: String = file.code().flat_map(|(_, line)| [line, "\n"]).collect();
    let mut found = after(&code, "crate::");
    // Only the whole program calls its own library by name.
    found.extend(after(&code, "zelo::"));
    for name in CRATES {
        let named = |(at, _): &(usize, &str)| starts_a_path(&code, *at);
        if code.match_indices(&format!("{name}::")).any(|hit| named(&hit)) {
            found.push(name.to_owned());
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Whether the word at `at` begins a path, rather than ending a longer word or following `::`.
fn starts_a_path(code: &str, at: usize) -> bool {
    !code[..at].ends_with(|before: char| before.is_alphanumeric() || matches!(before, '_' | ':' | '.'))
}

/// The names that follow `prefix`, with those in braces one by one.
fn after(code: &str, prefix: &str) -> Vec<String> {
    let hits =
        code.match_indices(prefix).filter(|(at, _)| starts_a_path(code, *at) || code[..*at].ends_with('$'));
    hits.flat_map(|(at, _)| branches(&code[at + prefix.len()..])).collect()
}

/// `a::b::C` gives `a::b`; `{a, b::{C, D}}` gives `a`, `b::C`, `b::D`.
fn branches(path: &str) -> Vec<String> {
    if let Some(group) = path.strip_prefix('{') {
        return members(group).into_iter().flat_map(branches).collect();
    }
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let first = word(path);
    match path[first.len()..].strip_prefix("::") {
        None => vec![first],
        Some(rest) if rest.starts_with('{') => {
            branches(rest).into_iter().map(|next| format!("{first}::{next}")).collect()
        }
        Some(rest) => vec![format!("{first}::{}", word(rest))],
    }
}

/// The members of a group whose opening brace was read, up to its closing one.
fn members(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0, 0, vec![]);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            ',' if depth == 0 => {
                found.push(group[start..at].trim());
                start = at + 1;
            }
            '}' if depth == 0 => {
                found.push(group[start..at].trim());
                break;
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    found.retain(|member| !member.is_empty());
    found
}

#[test]
fn what_a_file_uses_is_read_from_paths_and_groups() {
    let text = "use crate::store::{Tx, page};\nuse crate::{\n    domain::Instant,\n    engine::{Status, Wake},\n};\n\
                // use crate::web::shell;\nfn f() { mqtt::payload::read(crate::audit::tag()); self.consent::x }\n";
    let file = Source { path: "src/web/x.rs".into(), text: text.into() };
    let expected = [
        "audit::tag",
        "domain::Instant",
        "engine::Status",
        "engine::Wake",
        "mqtt",
        "store::Tx",
        "store::page",
    ];
    assert_eq!(uses(&file), expected);
}
