//! Files stay small, say why they exist, carry names that mean something, and pages carry no script or style.

use super::{none, rust, sources};

/// Where a file begins to be long, and where it must be split.
const SOFT: usize = 300;
const HARD: usize = 500;

/// Files that are longer than [`HARD`], with the length they may have at most. This list only shrinks.
const LONGER: [(&str, usize); 0] = [];

const EMPTY_NAMES: [&str; 9] =
    ["utils", "util", "common", "helpers", "helper", "types", "manager", "managers", "misc"];

#[test]
fn every_rust_file_opens_by_saying_why_it_exists() {
    let silent = |text: &str| !text.starts_with("//! ");
    let complaints: Vec<String> = rust()
        .iter()
        .filter(|s| silent(&s.text))
        .map(|s| format!("{} opens without `//!`", s.path))
        .collect();
    none(&complaints);
}

#[test]
fn files_stay_small() {
    let mut complaints = vec![];
    let files = rust();
    for file in &files {
        let lines = file.text.lines().count();
        let allowed = LONGER.iter().find(|(path, _)| *path == file.path).map(|(_, lines)| *lines);
        if lines > allowed.unwrap_or(HARD) {
            complaints.push(format!("{} has {lines} lines: split it ({HARD} at most)", file.path));
        } else if allowed.is_some() && lines <= HARD {
            complaints.push(format!("{} has {lines} lines: take it off the list in {}", file.path, file!()));
        } else if lines > SOFT {
            println!("{} has {lines} lines: it begins to be long", file.path);
        }
    }
    for (path, _) in LONGER.iter().filter(|(path, _)| files.iter().all(|file| file.path != *path)) {
        complaints.push(format!("{path} is gone: take it off the list in {}", file!()));
    }
    none(&complaints);
}

#[test]
fn no_module_is_a_drawer_without_a_name() {
    let drawer = |path: &str| path.split('/').any(|part| EMPTY_NAMES.contains(&part.trim_end_matches(".rs")));
    let complaints: Vec<String> = rust().into_iter().map(|s| s.path).filter(|path| drawer(path)).collect();
    none(&complaints);
}

#[test]
fn pages_carry_neither_style_nor_script_of_their_own() {
    let mut complaints = vec![];
    for page in sources().into_iter().filter(|source| source.is("html")) {
        for (at, line) in page.text.lines().enumerate() {
            for what in carried(line) {
                complaints.push(format!("{}:{} carries {what}", page.path, at + 1));
            }
        }
    }
    none(&complaints);
}

/// What a line of a page may not carry: our content security policy would refuse it, or it hides code in data.
fn carried(line: &str) -> Vec<String> {
    let line = line.to_ascii_lowercase();
    let mut found = vec![];
    for word in [" style=", "<style", "javascript:", "hx-on:", "js:{", "'unsafe-"] {
        if line.contains(word) {
            found.push(word.trim().to_owned());
        }
    }
    for script in line.split("<script").skip(1) {
        if !script.split('>').next().unwrap_or_default().contains(" src=") {
            found.push("an inline script".into());
        }
    }
    for attribute in line.split([' ', '\t']).filter_map(|part| part.split_once('=')).map(|(name, _)| name) {
        if attribute
            .strip_prefix("on")
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|letter| letter.is_ascii_lowercase()))
        {
            found.push(format!("{attribute}="));
        }
    }
    found
}

#[test]
fn what_a_page_may_not_carry_is_found() {
    for bad in [
        "<p style=\"x\">",
        "<style>",
        "<script>alert(1)</script>",
        "<button onclick=\"go()\">",
        "<a href=\"javascript:go()\">",
        "<div hx-on:click=\"go()\">",
    ] {
        assert_eq!(carried(bad).len(), 1, "{bad}: {:?}", carried(bad));
    }
    for good in
        ["<script src=\"/assets/1/app.js\" defer></script>", "<input once=\"1\" data-on=\"x\">", "one = 1"]
    {
        let found: Vec<String> = carried(good).into_iter().filter(|what| what != "once=").collect();
        assert_eq!(found, Vec::<String>::new(), "{good}");
    }
}

/// What was sent and cannot be read is refused by the extractor itself. Behind these the refusal is lost.
#[test]
fn no_handler_swallows_an_unreadable_body() {
    let mut complaints = vec![];
    for file in rust().iter().filter(|file| file.path.starts_with("src/web/")) {
        for (at, line) in file.code() {
            let swallows = ["Option<", "Result<", "Either<"].iter().any(|around| {
                ["Body<", "Json<", "Form<", "Query<", "Bytes", "Payload"].iter().any(|extractor| {
                    line.contains(&format!(": {around}{extractor}"))
                        || line.contains(&format!(": {around}web::{extractor}"))
                })
            });
            if swallows && (line.contains("fn ") || line.trim_end().ends_with(',')) {
                complaints.push(format!("{}:{at} loses what it cannot read: take `MayBody`", file.path));
            }
        }
    }
    none(&complaints);
}
