//! Zelo's own JSON and ThingsBoard's.

use mqtt::payload::{Format, MAX_READINGS, What, decode};

use super::{fault, says};

#[test]
fn one_record_an_array_and_bare_values_are_read_in_the_order_of_the_message() {
    assert_eq!(
        says(r#"{"ts": 1732233600123, "values": {"heart_rate": 128, "spo2": 95.5, "battery": 0}}"#),
        ["heart_rate 128 @1732233600123000", "spo2 95.5 @1732233600123000", "battery 0 @1732233600123000"]
    );
    assert_eq!(
        says(r#" [{"ts":1,"values":{"heart_rate":60}}, {"ts":2,"values":{"heart_rate":61}} ] "#),
        ["heart_rate 60 @1000000", "heart_rate 61 @2000000"]
    );
    assert_eq!(says(r#"{"heart_rate":128}"#), ["heart_rate 128 @reception"]);
    assert_eq!(says(r#"{"ts":1.5,"heart_rate":128}"#), ["heart_rate 128 @1500000"]);
    assert_eq!(says(r#"{"values":{"glucose":"LOW"}}"#), [r#"glucose "LOW" @reception"#]);
}

#[test]
fn instant_and_units_reach_values_that_stood_before_them() {
    assert_eq!(
        says(
            r#"{"values":{"glucose":5.5,"spo2":97},"units":{"glucose":"mmol/L","weight":"kg"},"ts":1732233600}"#
        ),
        ["glucose 5.5 mmol/L @1732233600000000", "spo2 97 @1732233600000000"]
    );
}

#[test]
fn an_unknown_key_comes_out_under_its_own_name() {
    assert_eq!(
        says(r#"{"ts":1,"values":{"heart_rate":60,"mood":"fine"},"firmware":"1.2"}"#),
        ["heart_rate 60 @1000000", r#"mood "fine" @1000000"#, r#"firmware "1.2" @1000000"#]
    );
}

#[test]
fn an_escaped_key_is_the_key_it_spells() {
    assert_eq!(says(r#"{"heart\u005frate":60}"#), ["heart_rate 60 @reception"]);
    assert_eq!(fault(r#"{"heart\u005frate":60,"heart_rate":61}"#).what, What::DuplicateKey);
    assert_eq!(
        says(r#"{"\ud83d\ude00\n":"\"\\\/\b\f\t\r"}"#),
        ["😀\n \"\\\"\\\\/\\u{8}\\u{c}\\t\\r\" @reception"]
    );
}

#[test]
fn a_name_may_come_once_a_record_wherever_it_stands_and_however_many_there_are() {
    assert_eq!(fault(r#"{"values":{"a":1},"a":2}"#).to_string(), "a key that was already given at byte 18");
    let many: Vec<String> = (0..2_000).map(|n| format!(r#""k{n}":{n}"#)).collect();
    let whole = format!("{{{}}}", many.join(","));
    assert_eq!(says(&whole).len(), 2_000);
    let repeated = format!(r#"{{{},"k7":1}}"#, many.join(","));
    assert_eq!(fault(&repeated).what, What::DuplicateKey);
}

#[test]
fn the_quota_of_readings_is_a_fault_of_its_own_that_names_itself() {
    let records = |n: usize| {
        let list: Vec<String> = (0..n).map(|at| format!(r#"{{"ts":{at},"values":{{"steps":1}}}}"#)).collect();
        format!("[{}]", list.join(","))
    };
    assert_eq!(says(&records(MAX_READINGS)).len(), MAX_READINGS);
    let fault = fault(&records(MAX_READINGS + 1));
    assert_eq!((fault.what, fault.quota()), (What::TooMany, Some("readings_per_message")));
    assert!(
        fault
            .to_string()
            .starts_with("more than 10000 readings (quota readings_per_message) at record 10000")
    );
}

#[test]
fn content_type_decides_before_shape_and_an_unknown_one_leaves_it_to_shape() {
    let format = |content_type, text: &str| decode(content_type, text.as_bytes()).map(|s| s.format);
    let record = r#"[{"n":"heart_rate","v":60}]"#;
    assert_eq!(format(None, record), Ok(Format::SenmlJson));
    assert_eq!(format(Some("application/json"), record), Ok(Format::SenmlJson));
    assert_eq!(format(Some("Application/SenML+JSON; charset=utf-8"), record), Ok(Format::SenmlJson));
    assert!(format(Some("application/fhir+json"), record).is_err());
    assert!(format(Some("application/senml+cbor"), record).is_err());
    assert_eq!(format(Some("text/plain"), r#"{"heart_rate":60}"#), Ok(Format::Zelo));
}

#[test]
fn a_message_leans_on_reception_when_a_value_has_no_instant() {
    let leans = |text: &str| decode(None, text.as_bytes()).unwrap().leans_on_reception();
    assert!(leans(r#"{"heart_rate":60}"#));
    assert!(!leans(r#"{"ts":1,"heart_rate":60}"#));
    assert!(leans(r#"[{"n":"heart_rate","v":60,"t":-5}]"#));
}
