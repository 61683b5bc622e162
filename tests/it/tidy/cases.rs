//! What judgement said of an alert is behind the patient's permit: the people's edge takes alerts from `web/alerts/cases.rs`.

use super::sources;

const READS: [&str; 7] = [
    "alerts::get(",
    "alerts::page(",
    "alerts::open_of(",
    "alerts::resolved(",
    "alerts::unresolved_of(",
    "alerts::episodes(",
    "timeline::raised_before(",
];

#[test]
fn the_peoples_edge_takes_alerts_from_one_place() {
    let mut found = Vec::new();
    for source in sources() {
        let edge = source.path.starts_with("src/web/") && !source.path.contains("tests");
        if !edge || source.path == "src/web/alerts/cases.rs" {
            continue;
        }
        found.extend(
            READS
                .iter()
                .filter(|read| source.text.contains(**read))
                .map(|read| format!("{} {read}", source.path)),
        );
    }
    assert!(found.is_empty(), "{found:#?}");
}
