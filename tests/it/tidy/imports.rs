//! Who uses whom is held by Cargo, heavy libraries included; here is held what Cargo may be told, that folders are named by
//! the nouns of the business, the same in each layer, and that none is a drawer.

use std::collections::BTreeMap;

use super::{none, paths, sources};

/// Every crate but the root, lowest first, and what of the house it may depend on.
const CRATES: [(&str, &[&str]); 12] = [
    ("consent", &[]),
    ("mqtt", &[]),
    ("src/domain", &["consent"]),
    ("src/rules", &["domain"]),
    ("src/audit", &["domain"]),
    ("src/supervise", &[]),
    ("src/store", &["audit", "consent", "domain", "rules", "supervise"]),
    ("src/notify", &["domain"]),
    ("src/ingest", &["audit", "consent", "domain", "mqtt", "rules", "store", "supervise"]),
    ("src/engine", &["audit", "consent", "domain", "notify", "rules", "store", "supervise"]),
    ("src/web", &["audit", "consent", "domain", "rules", "store"]),
    (
        "src/lab",
        &["audit", "consent", "domain", "engine", "ingest", "mqtt", "notify", "rules", "store", "web"],
    ),
];

/// Libraries that one crate keeps to itself, tests apart.
const ONE_CRATE: [(&str, &str); 12] = [
    ("actix-http", "src/web"),
    ("actix-multipart", "src/web"),
    ("actix-web", "src/web"),
    ("askama", "src/web"),
    ("async-imap", "src/notify"),
    ("diesel", "src/store"),
    ("diesel_migrations", "src/store"),
    ("fluent-bundle", "src/web"),
    ("lettre", "src/notify"),
    ("mail-parser", "src/notify"),
    ("rumqttc", "src/lab"),
    ("utoipa", "src/web"),
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

/// The capabilities. One noun each, in every layer that knows it.
const NOUNS: [&str; 26] = [
    "alerts",
    "attachments",
    "audit",
    "calendars",
    "campaigns",
    "consents",
    "desk",
    "devices",
    "escalation",
    "health",
    "knowledge",
    "kpis",
    "messages",
    "on_call",
    "patients",
    "people",
    "privacy",
    "readings",
    "reminders",
    "rules",
    "segments",
    "sla",
    "subscriptions",
    "surveys",
    "templates",
    "tests",
];

/// What a layer has beside capabilities: what they all lean on.
const BESIDE: [(&str, &[&str]); 5] = [
    ("src/domain", &["certificate", "id", "lib", "line", "time"]),
    ("src/store", &["db", "home", "jobs", "keys", "lib", "live", "testing", "versions"]),
    ("src/engine", &["housekeeping", "jobs", "lib", "status"]),
    (
        "src/web",
        &["assets", "http", "lib", "locales", "pages", "routes", "sample", "state", "text", "versions"],
    ),
    ("src/engine/tests", &["jobs", "mod", "ward"]),
];

/// A folder with more than this beside the capabilities is read by nobody.
const ENTRIES: usize = 21;

/// The names under a heading of a manifest.
fn table(text: &str, heading: &str) -> Vec<String> {
    let body = text.split(&format!("\n[{heading}]\n")).nth(1).unwrap_or_default();
    let lines = body.lines().take_while(|line| !line.starts_with('['));
    let names = lines.filter_map(|line| line.split([' ', '=', '.']).next());
    names.filter(|name| !name.is_empty() && !name.starts_with('#')).map(str::to_owned).collect()
}

fn manifests() -> BTreeMap<String, String> {
    let all = sources().into_iter().filter_map(|file| {
        let folder =
            file.path.strip_suffix("/Cargo.toml").or_else(|| (file.path == "Cargo.toml").then_some("."))?;
        Some((folder.to_owned(), file.text.clone()))
    });
    all.collect()
}

#[test]
fn each_crate_leans_only_on_what_the_table_grants_it() {
    let manifests = manifests();
    let house: Vec<&str> = CRATES.iter().map(|(folder, _)| folder.trim_start_matches("src/")).collect();
    let mut complaints = vec![];
    for (folder, text) in manifests.iter().filter(|(folder, _)| *folder != ".") {
        let Some((_, granted)) = CRATES.iter().find(|(known, _)| known == folder) else {
            complaints.push(format!("the crate {folder} is not in the table of {}", file!()));
            continue;
        };
        for used in table(text, "dependencies").iter().filter(|name| house.contains(&name.as_str())) {
            if !granted.contains(&used.as_str()) {
                complaints.push(format!("{folder} may not depend on {used}"));
            }
        }
    }
    for (folder, _) in CRATES.iter().filter(|(folder, _)| !manifests.contains_key(*folder)) {
        complaints.push(format!("{folder} is in the table and no crate"));
    }
    none(&complaints);
}

#[test]
fn the_crates_beside_src_depend_on_what_they_may() {
    let manifests = manifests();
    let mut complaints = vec![];
    for (name, granted) in DEPENDENCIES {
        for used in
            table(&manifests[name], "dependencies").iter().filter(|used| !granted.contains(&used.as_str()))
        {
            complaints.push(format!("{name} may not depend on {used}"));
        }
    }
    none(&complaints);
}

#[test]
fn each_heavy_library_has_one_crate() {
    let mut complaints = vec![];
    for (folder, text) in manifests() {
        let names = table(&text, "dependencies");
        for (library, home) in
            ONE_CRATE.iter().filter(|(library, home)| folder != *home && names.iter().any(|n| n == library))
        {
            complaints.push(format!("{folder} depends on {library}, which belongs to {home}"));
        }
    }
    none(&complaints);
}

#[test]
fn folders_are_named_by_the_nouns_of_the_business() {
    let mut complaints = vec![];
    for (layer, beside) in BESIDE {
        for path in paths() {
            let Some(rest) = path.strip_prefix(&format!("{layer}/")) else { continue };
            let name = rest.split('/').next().unwrap_or_default();
            let stem = name.split('.').next().unwrap_or_default();
            let known = NOUNS.contains(&stem) || beside.contains(&stem) || name == "Cargo.toml";
            if !known && (rest.contains('/') || name.ends_with(".rs")) {
                complaints.push(format!("{layer}/{name} is no noun of the business"));
            }
        }
    }
    complaints.sort();
    complaints.dedup();
    none(&complaints);
}

#[test]
fn no_folder_is_a_drawer() {
    let mut folders: BTreeMap<String, std::collections::BTreeSet<String>> = BTreeMap::new();
    for path in paths().into_iter().filter(|path| path.starts_with("src/") && !path.contains("/vendor/")) {
        let parts: Vec<&str> = path.split('/').collect();
        for depth in 1..parts.len() {
            let stem = parts[depth].split('.').next().unwrap_or_default();
            if !NOUNS.contains(&stem) {
                folders.entry(parts[..depth].join("/")).or_default().insert(parts[depth].to_owned());
            }
        }
    }
    let full = folders.iter().filter(|(_, entries)| entries.len() > ENTRIES);
    none(
        &full
            .map(|(folder, entries)| format!("{folder} has {} entries: {ENTRIES} at most", entries.len()))
            .collect::<Vec<_>>(),
    );
}
