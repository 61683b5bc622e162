//! The names of the API's types. utoipa keys a schema by its name alone: of two types of one name the later replaces
//! the earlier, and every operation of the earlier answers with the wrong one.

use std::collections::BTreeMap;

use super::{none, rust};

#[test]
fn each_schema_of_the_api_has_a_name_of_its_own() {
    let mut named: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in rust().iter().filter(|source| source.path.starts_with("src/")) {
        let lines: Vec<&str> = source.text.lines().collect();
        for (index, _) in lines.iter().enumerate().filter(|(_, line)| derives_schema(line)) {
            let (name, at) = name_after(&lines, index);
            named.entry(name).or_default().push(format!("{}:{at}", source.path));
        }
    }
    assert!(named.len() > 80, "only {} schemas found", named.len());
    let complaints: Vec<String> = named
        .iter()
        .filter(|(_, places)| places.len() > 1)
        .map(|(name, places)| format!("{name} is the schema of {}", places.join(" and of ")))
        .collect();
    none(&complaints);
}

fn derives_schema(line: &str) -> bool {
    line.trim_start().starts_with("#[derive(") && line.contains("ToSchema")
}

/// The name under which the type that is derived at `index` stands in the document, and its line.
fn name_after(lines: &[&str], index: usize) -> (String, usize) {
    let mut given = None;
    for (offset, line) in lines.iter().enumerate().skip(index + 1) {
        if let Some(name) = line.trim().strip_prefix("#[schema(as = ") {
            given = Some(name.trim_end_matches(")]").to_owned());
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        if let Some(place) = words.iter().position(|word| ["struct", "enum"].contains(word)) {
            let own = words[place + 1].split(['<', '(', '{', ';']).next().unwrap_or_default();
            return (given.unwrap_or_else(|| own.to_owned()), offset + 1);
        }
    }
    panic!("a derive without a type at line {}", index + 1)
}
