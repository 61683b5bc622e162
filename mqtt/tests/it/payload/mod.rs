//! The wire formats, held to their standards and to the contract: what is read, what is refused and where.

mod fhir;
mod fuzz;
mod hostile;
mod openmhealth;
mod records;
mod senml;
mod strict;
mod unsaid;
mod zelo;

use mqtt::payload::{At, Malformed, Sample, Samples, Side, Skip, Value, decode};

/// One sample in a line: `name value [unit] @instant`.
fn line(sample: &Sample<'_>) -> String {
    let value = match &sample.value {
        Value::Number(n) => n.to_string(),
        Value::Text(text) => format!("{text:?}"),
        Value::Bound(Side::Below, n) => format!("≤{n}"),
        Value::Bound(Side::Above, n) => format!("≥{n}"),
        Value::Absent => "absent".to_owned(),
    };
    let at = match sample.at {
        At::Unix(micros) => micros.to_string(),
        At::Reception(0) => "reception".to_owned(),
        At::Reception(offset) => format!("reception{offset:+}"),
    };
    let unit = sample.unit.as_deref().map(|u| format!(" {u}")).unwrap_or_default();
    format!("{} {value}{unit} @{at}", sample.name)
}

fn lines(samples: &Samples<'_>) -> Vec<String> {
    samples.list.iter().map(line).collect()
}

/// What a text message without content type says.
fn says(text: &str) -> Vec<String> {
    lines(&decode(None, text.as_bytes()).unwrap_or_else(|e| panic!("{e} in {text}")))
}

fn skips(text: &str) -> Vec<String> {
    let samples = decode(None, text.as_bytes()).unwrap_or_else(|e| panic!("{e} in {text}"));
    samples.skipped.iter().map(|s| format!("{} {:?}", s.name, s.why)).collect()
}

/// What of a message was not taken, each with its record.
fn refused(text: &str) -> Vec<(u32, String, Skip)> {
    let samples = decode(None, text.as_bytes()).unwrap_or_else(|e| panic!("{e} in {text}"));
    samples.skipped.iter().map(|s| (s.record, s.name.to_string(), s.why)).collect()
}

fn fault(text: &str) -> Malformed {
    decode(None, text.as_bytes()).err().unwrap_or_else(|| panic!("accepted {text}"))
}
