//! What a viewer sends as an id stays closed until their `Audience` has opened it: the web crate takes no bare id of a
//! patient or of what is a patient's, and makes no audience of its own.

use super::sources;

/// Ids of a patient and of what is a patient's.
const IDS: [&str; 6] = ["PatientId", "AlertId", "AttachmentId", "DeviceId", "RevealId", "Uuid"];

/// The one place of the web crate that looks beyond whom a viewer may see: a look that was refused is written down.
const REFUSALS: &str = "src/web/privacy/about.rs";

/// The bare ids that a source takes from whoever sends them, in an address or in a body.
fn taken(text: &str) -> Vec<String> {
    let forms = |id: &str| [format!("Path<{id}>"), format!("Path<({id},"), format!("Query<{id}>")];
    let mut found: Vec<String> =
        IDS.iter().flat_map(|id| forms(id)).filter(|form| text.contains(form.as_str())).collect();
    for part in text.split("#[derive(").skip(1) {
        let (derived, rest) = part.split_once(")]").unwrap_or_default();
        let is_read = derived.split(',').any(|name| name.trim() == "Deserialize");
        let body = rest.split("\n}").next().unwrap_or_default();
        for line in body.lines().filter(|line| is_read && line.trim_end().ends_with(',')) {
            let kind = line.split_once(": ").map_or("", |(_, kind)| kind.trim_end_matches(','));
            let inner = kind.rsplit_once('<').map_or(kind, |(_, inner)| inner.trim_end_matches('>'));
            if IDS.contains(&inner) && !kind.contains("Requested<") {
                found.push(line.trim().to_owned());
            }
        }
    }
    found
}

fn edge() -> impl Iterator<Item = (String, String)> {
    let sources = sources().into_iter().map(|source| (source.path.clone(), source.text.clone()));
    sources
        .filter(|(path, _)| path.starts_with("src/web/") && path.ends_with(".rs") && !path.contains("tests"))
}

#[test]
fn the_peoples_edge_takes_no_id_of_a_patients_but_through_an_audience() {
    let found: Vec<String> = edge()
        .flat_map(|(path, text)| taken(&text).into_iter().map(move |what| format!("{path}: {what}")))
        .collect();
    assert!(found.is_empty(), "take a `Requested` and open it with the viewer's `Audience`: {found:#?}");
    let forgotten =
        "#[derive(Debug, Deserialize)]\npub struct Sent {\n    patient_id: Option<PatientId>,\n}\n";
    assert_eq!(taken(forgotten), ["patient_id: Option<PatientId>,"]);
    assert_eq!(taken("id: Path<AlertId>"), ["Path<AlertId>"]);
    assert!(taken(&forgotten.replace("PatientId", "Requested<PatientId>")).is_empty());
}

#[test]
fn the_peoples_edge_makes_no_audience_of_its_own() {
    let made = |text: &str| text.contains("Audience::program(") || text.contains("Audience::operator(");
    let found: Vec<String> =
        edge().filter(|(path, text)| path != REFUSALS && made(text)).map(|(path, _)| path).collect();
    assert!(found.is_empty(), "an audience comes from the signed-in viewer: {found:?}");
}
