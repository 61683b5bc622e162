//! FHIR R4: codes, components, effective times, and what a Bundle may hold.

use super::{fault, says, skips};

const AT: &str = r#""effectiveDateTime":"2020-06-30T09:50:55.300Z""#;
const MICROS: &str = "1593510655300000";

fn coded(loinc: &str) -> String {
    format!(
        r#""code":{{"coding":[{{"system":"http://loinc.org","code":"{loinc}","display":"…"}}],"text":"…"}}"#
    )
}

fn quantity(value: &str, ucum: &str) -> String {
    format!(
        r#""valueQuantity":{{"value":{value},"unit":"as printed","system":"http://unitsofmeasure.org","code":"{ucum}"}}"#
    )
}

fn observation(members: &str) -> String {
    format!(r#"{{"resourceType":"Observation","status":"final",{members}}}"#)
}

#[test]
fn each_code_of_the_table_gives_its_signal() {
    for (loinc, signal, ucum) in [
        ("8867-4", "heart_rate", "/min"),
        ("40443-4", "resting_heart_rate", "/min"),
        ("9279-1", "respiratory_rate", "/min"),
        ("2708-6", "spo2", "%"),
        ("59408-5", "spo2", "%"),
        ("8310-5", "body_temperature", "[degF]"),
        ("8480-6", "systolic_bp", "mm[Hg]"),
        ("8462-4", "diastolic_bp", "mm[Hg]"),
        ("99504-3", "glucose", "mg/dL"),
        ("105272-9", "glucose", "mmol/L"),
        ("41653-7", "glucose_capillary", "mg/dL"),
        ("2339-0", "glucose_capillary", "mg/dL"),
        ("29463-7", "weight", "[lb_av]"),
        ("8302-2", "height", "[in_i]"),
        ("41950-7", "steps", "/d"),
        ("55423-8", "steps", "1"),
        ("93832-4", "sleep_duration", "h"),
        ("80404-7", "hrv_sdnn", "ms"),
        ("3151-8", "supplemental_oxygen", "L/min"),
        ("3141-9", "weight", "kg"),
        ("8331-1", "body_temperature", "Cel"),
        ("8889-8", "heart_rate", "/min"),
        ("76534-7", "systolic_bp", "mm[Hg]"),
        ("15074-8", "glucose_capillary", "mmol/L"),
        ("2345-7", "glucose_capillary", "mg/dL"),
    ] {
        let text = observation(&format!("{},{AT},{}", coded(loinc), quantity("42.5", ucum)));
        assert_eq!(says(&text), [format!("{signal} 42.5 {ucum} @{MICROS}")]);
    }
}

#[test]
fn the_known_code_counts_among_others_and_only_in_its_system() {
    let both = r#""code":{"coding":[{"system":"urn:iso:std:iso:11073:10101","code":"149530"},
        {"code":"8867-4","system":"http://loinc.org"}]}"#;
    assert_eq!(
        says(&observation(&format!("{both},{AT},{}", quantity("48.0", "/min")))),
        [format!("heart_rate 48 /min @{MICROS}")]
    );
    let device = both.replace("http://loinc.org", "http://example.org");
    let text = observation(&format!("{device},{AT},{}", quantity("48.0", "/min")));
    assert_eq!(
        says(&text),
        [format!("heart_rate 48 /min @{MICROS}")],
        "the nomenclature of devices is known"
    );
    let foreign = text.replace("urn:iso:std:iso:11073:10101", "urn:other");
    assert_eq!(skips(&foreign), ["149530 Unknown"]);
    let mean = observation(&format!("{},{AT},{}", coded("96608-5"), quantity("136", "mm[Hg]")));
    assert_eq!(skips(&mean), ["systolic_bp Statistic"]);
}

#[test]
fn a_panel_speaks_through_its_components() {
    let half = |loinc: &str, value: &str| format!("{{{},{}}}", coded(loinc), quantity(value, "mm[Hg]"));
    let detail = r#"{"code":{"coding":[{"system":"urn:iso:std:iso:11073:10101","code":"68193"}]},
        "valueCodeableConcept":{"coding":[]}}"#;
    let panel = format!(
        r#"{},"component":[{},{detail},{}],{AT}"#,
        coded("85354-9"),
        half("8480-6", "136"),
        half("8462-4", "86")
    );
    assert_eq!(
        says(&observation(&panel)),
        [format!("systolic_bp 136 mm[Hg] @{MICROS}"), format!("diastolic_bp 86 mm[Hg] @{MICROS}")]
    );
    assert!(skips(&observation(&panel)).is_empty());
    let absent = format!(
        r#"{},{AT},"component":[{},{{{},"dataAbsentReason":{{"text":"not asked"}}}}]"#,
        coded("85354-9"),
        half("8480-6", "136"),
        coded("8462-4")
    );
    assert_eq!(says(&observation(&absent)).len(), 1);
    assert_eq!(skips(&observation(&absent)), ["diastolic_bp NoValue"]);
}

#[test]
fn the_effective_time_is_an_instant_the_end_of_a_period_or_nothing_to_go_by() {
    let with = |time: &str| observation(&format!("{}{time},{}", coded("8867-4"), quantity("60", "/min")));
    for time in [
        AT,
        r#""effectiveInstant":"2020-06-30T06:50:55.3-03:00""#,
        r#""effectivePeriod":{"start":"2020-06-30","end":"2020-06-30T09:50:55.300Z"}"#,
    ] {
        assert_eq!(says(&with(&format!(",{time}"))), [format!("heart_rate 60 /min @{MICROS}")]);
    }
    assert_eq!(skips(&with("")), ["heart_rate Undated"]);
    for time in
        [r#","effectiveDateTime":"2020-06-30""#, r#","effectivePeriod":{"start":"2020-06-30T09:50:55Z"}"#]
    {
        assert_eq!(skips(&with(time)), ["heart_rate Undated"]);
    }
    assert!(
        fault(&with(r#","effectiveDateTime":"2020-06-30T09:50:55""#)).to_string().starts_with("an instant")
    );
}

#[test]
fn a_comparator_makes_the_number_a_bound() {
    for (sign, side) in [("<", "≤"), ("<=", "≤"), (">", "≥"), (">=", "≥")] {
        let value = format!(r#""valueQuantity":{{"value":40,"comparator":"{sign}","unit":"mg/dL"}}"#);
        let text = observation(&format!("{},{AT},{value}", coded("99504-3")));
        assert_eq!(says(&text), [format!("glucose {side}40 mg/dL @{MICROS}")]);
    }
    let odd = r#""valueQuantity":{"value":40,"comparator":"~","unit":"mg/dL"}"#;
    assert!(
        fault(&observation(&format!("{},{AT},{odd}", coded("99504-3")))).to_string().contains("comparator")
    );
}

#[test]
fn retracted_and_valueless_observations_are_named_and_not_taken() {
    let text = observation(&format!("{},{AT},{}", coded("8867-4"), quantity("60", "/min")));
    assert_eq!(skips(&text.replace("final", "cancelled")), ["heart_rate Retracted"]);
    assert_eq!(skips(&observation(&format!("{},{AT}", coded("8867-4")))), ["heart_rate NoValue"]);
    let missing = text.replace(r#""status":"final","#, "");
    assert_eq!(fault(&missing).to_string(), "missing status at byte 0");
}

#[test]
fn a_bundle_gives_its_observations_and_passes_over_the_rest() {
    let heart = format!("{},{AT},{},", coded("8867-4"), quantity("60", "/min"));
    let bundle = format!(
        r#"{{"type":"transaction","entry":[{{"resource":{{"resourceType":"Patient","status":7,"code":[]}}}},
        {{"fullUrl":"urn:uuid:1","resource":{{{heart}"status":"final","resourceType":"Observation"}}}}],
        "resourceType":"Bundle"}}"#
    );
    assert_eq!(says(&bundle), [format!("heart_rate 60 /min @{MICROS}")]);
    assert_eq!(
        fault(r#"{"resourceType":"Bundle","entry":[]}"#).to_string(),
        "the message holds no reading at byte 0"
    );
    assert_eq!(
        fault(r#"{"resourceType":"Patient"}"#).to_string(),
        "expected an Observation or a Bundle at byte 0"
    );
    let twice = observation(&format!("{},{AT},{AT}", coded("8867-4")));
    assert!(fault(&twice).to_string().starts_with("a key that was already given at byte"));
}
