//! A capability that has a `timeline.rs` contributes to a patient's timeline: its line stands in the one list.

use std::collections::BTreeSet;

use super::sources;

#[test]
fn the_list_of_contributions_names_every_capability_with_a_timeline() {
    let sources = sources();
    let list = sources.iter().find(|source| source.path == "src/web/patients/contributions.rs");
    let list = &list.expect("the list of contributions").text;
    let contributing: BTreeSet<&str> = sources
        .iter()
        .filter_map(|source| source.path.strip_prefix("src/web/")?.strip_suffix("/timeline.rs"))
        .filter(|noun| !noun.contains('/'))
        .collect();
    let named = |quoted: &str, end: char| -> BTreeSet<String> {
        list.split(quoted).skip(1).filter_map(|rest| Some(rest.split_once(end)?.0.to_owned())).collect()
    };
    let listed = named("\n        kind: \"", '"');
    assert_eq!(listed.iter().map(String::as_str).collect::<BTreeSet<_>>(), contributing);
    let called = named("contribute: crate::", ':');
    assert_eq!(called, listed, "each kind is given by the capability that it is called by");
}
