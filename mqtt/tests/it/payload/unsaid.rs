//! What a message says in words that its format does not have never counts as absent: another time is not now, another
//! unit not the contract's, a bound not a value, somebody else not the patient.

use mqtt::payload::{Skip, decode};

use super::{fault, lines, refused, says, skips};

const AT: &str = r#""effectiveDateTime":"2020-06-30T09:50:55.300Z""#;
const MICROS: &str = "1593510655300000";

fn heart(members: &str) -> String {
    format!(
        r#"{{"resourceType":"Observation","status":"final",{AT},"code":{{"coding":[{{"system":"http://loinc.org",
        "code":"8867-4"}}]}},{members}}}"#
    )
}

const BEATS: &str = r#""valueQuantity":{"value":131,"system":"http://unitsofmeasure.org","code":"/min"}"#;

fn bundle(resources: &[&str]) -> String {
    let entries: Vec<String> =
        resources.iter().map(|resource| format!(r#"{{"resource":{resource}}}"#)).collect();
    format!(r#"{{"resourceType":"Bundle","type":"collection","entry":[{}]}}"#, entries.join(","))
}

#[test]
fn a_record_that_says_when_under_another_name_is_not_of_now() {
    for member in [
        r#""time":1732233600123"#,
        r#""timestamp":"2024-11-22T00:00:00Z""#,
        r#""TS":1732233600"#,
        r#""measuredAt":"yesterday""#,
        r#""time":null"#,
        r#""k":1732233600"#,
        r#""k":"22/11/2024 10:00""#,
        r#""meta":{"device":{"timestamp":5}}"#,
        r#""k":["2024-11-22"]"#,
    ] {
        for record in [
            format!(r#"{{{member},"heart_rate":150}}"#),
            format!(r#"{{"values":{{"heart_rate":150,{member}}}}}"#),
            format!(r#"{{"values":{{"heart_rate":150}},{member}}}"#),
        ] {
            let text = format!(r#"[{{"ts":1,"spo2":97}},{record},{{"spo2":98}}]"#);
            assert_eq!(says(&text), ["spo2 97 @1000000", "spo2 98 @reception"], "{record}");
            let heart = (1, "heart_rate".to_owned(), Skip::Undated);
            assert!(refused(&text).contains(&heart), "{record}: {:?}", refused(&text));
        }
        // The contract's own word for it counts, whatever stands beside it.
        assert_eq!(says(&format!(r#"{{"ts":2,"heart_rate":60,{member}}}"#))[0], "heart_rate 60 @2000000");
    }
    assert_eq!(says(r#"{"heart_rate":60,"uptime":77,"firmware":"1.2"}"#)[0], "heart_rate 60 @reception");
}

#[test]
fn a_senml_label_that_says_when_or_in_which_unit_is_not_ignored() {
    for label in ["ts", "timestamp", "time"] {
        let pack = |more: &str| format!(r#"[{{"n":"heart_rate","v":150,"{label}":1732233600{more}}}]"#);
        assert_eq!(skips(&pack("")), ["heart_rate Undated"]);
        assert_eq!(says(&pack(r#","t":1732233600"#)), ["heart_rate 150 @1732233600000000"]);
    }
    let pack = |more: &str| format!(r#"[{{"n":"glucose","v":12,"unit":"mmol/L"{more}}}]"#);
    assert_eq!(skips(&pack("")), ["glucose Unit"]);
    assert_eq!(says(&pack(r#","u":"mmol/L""#)), ["glucose 12 mmol/L @reception"]);
    // [{0: "x", 2: 7, "ts": 1}]
    let wire = [&[0x81, 0xa3, 0x00, 0x61, b'x', 0x02, 0x07, 0x62][..], b"ts", &[0x01]].concat();
    let samples = decode(None, &wire).unwrap();
    assert_eq!((lines(&samples).len(), samples.skipped[0].why), (0, Skip::Undated));
}

#[test]
fn a_unit_that_no_value_took_is_told_with_what_it_may_be_of() {
    let stray = |text: &str| -> Vec<(u32, Option<String>, String, String)> {
        let samples = decode(None, text.as_bytes()).unwrap();
        let described = |unit: &mqtt::payload::StrayUnit<'_>| {
            (unit.record, unit.listed.as_deref().map(str::to_owned), unit.of.clone(), unit.unit.to_string())
        };
        samples.units.iter().map(described).collect()
    };
    let unit_of =
        |listed: Option<&str>, of: &str| (0, listed.map(str::to_owned), of.to_owned(), "mmol/L".to_owned());
    for (members, is) in [
        (r#""units":{"Glucose":"mmol/L"}"#, unit_of(Some("Glucose"), "glucose")),
        (r#""unit":{"glucose":"mmol/L"}"#, unit_of(None, "glucose")),
        (r#""Units":{"glucose":"mmol/L"}"#, unit_of(None, "glucose")),
        (r#""unit":"mmol/L""#, unit_of(None, "")),
        (r#""glucose_unit":"mmol/L""#, unit_of(None, "glucose")),
    ] {
        assert_eq!(stray(&format!(r#"{{"values":{{"glucose":12}},{members}}}"#)), [is], "{members}");
    }
    for taken in [r#""units":{"glucose":"mmol/L"}"#, r#""mode":"mmol/L""#, r#""units":{}"#] {
        assert_eq!(stray(&format!(r#"{{"values":{{"glucose":12}},{taken}}}"#)), [], "{taken}");
    }
    let unread = r#"{"glucose":12,"worn":true,"units":{"worn":"x"}}"#;
    assert_eq!(stray(unread), [], "its value was refused, and names it");
}

#[test]
fn a_code_of_another_system_is_not_dropped() {
    let text = heart(r#""valueQuantity":{"value":2,"system":"urn:other","code":"Hz"}"#);
    assert_eq!(says(&text), [format!("heart_rate 2 Hz @{MICROS}")]);
}

#[test]
fn a_record_with_nothing_in_it_is_named_among_others() {
    let empty = |record| (record, String::new(), Skip::Malformed);
    for nothing in ["{}", r#"{"ts":2}"#, r#"{"ts":2,"values":{}}"#, r#"{"units":{"spo2":"%"}}"#] {
        let text = format!(r#"[{{"ts":1,"spo2":97}},{nothing}]"#);
        assert_eq!((says(&text).len(), refused(&text)), (1, vec![empty(1)]), "{nothing}");
        assert_eq!(fault(nothing).to_string(), "the message holds no reading at byte 0");
    }
    assert_eq!(refused(r#"[{"n":"x","v":1},{}]"#), [empty(1)]);
    let beats = heart(BEATS);
    let text = bundle(&[&beats]).replace(r#""entry":["#, r#""entry":[{"fullUrl":"urn:uuid:1"},"#);
    assert_eq!((says(&text).len(), refused(&text)), (1, vec![empty(0)]));
}

#[test]
fn a_modifier_that_nobody_knows_refuses_what_it_modifies() {
    let modifier = r#""modifierExtension":[{"url":"http://x/negated","valueBoolean":true}]"#;
    let modified = heart(&format!("{BEATS},{modifier}"));
    assert!(fault(&modified).to_string().starts_with("a label that must be understood and is not at byte"));
    let good = heart(BEATS);
    let text = bundle(&[&good, &modified, &heart(&format!(r#"{BEATS},"implicitRules":"http://x""#))]);
    let refused_whole = |record| (record, String::new(), Skip::Malformed);
    assert_eq!((says(&text).len(), refused(&text)), (1, vec![refused_whole(1), refused_whole(2)]));
    let entry = bundle(&[&good]).replace(r#"[{"resource""#, &format!(r#"[{{{modifier},"resource""#));
    assert!(fault(&entry).to_string().starts_with("a label that must be understood"));
    let half = |loinc: &str, more: &str| {
        format!(
            r#"{{"code":{{"coding":[{{"system":"http://loinc.org","code":"{loinc}"}}]}},
            "valueQuantity":{{"value":120,"code":"mm[Hg]"}}{more}}}"#
        )
    };
    let panel = format!(
        r#"{{"resourceType":"Observation","status":"final",{AT},"code":{{"coding":[]}},"component":[{},{}]}}"#,
        half("8480-6", ""),
        half("8462-4", &format!(",{modifier}"))
    );
    assert_eq!(says(&panel), [format!("systolic_bp 120 mm[Hg] @{MICROS}")]);
    assert_eq!(refused(&panel), [(0, "diastolic_bp".to_owned(), Skip::Malformed)]);
}

#[test]
fn a_value_beside_another_or_beside_the_reason_for_none_is_not_taken() {
    let absent = heart(&format!(r#"{BEATS},"dataAbsentReason":{{"coding":[{{"code":"error"}}]}}"#));
    assert!(fault(&absent).to_string().starts_with("exactly one value expected in the record at byte"));
    assert_eq!(refused(&bundle(&[&absent, &heart(BEATS)])), [(0, "heart_rate".to_owned(), Skip::NoValue)]);
    let twice = heart(&format!(r#"{BEATS},"valueInteger":60"#));
    assert!(fault(&twice).to_string().starts_with("exactly one value expected"));
}

#[test]
fn an_observation_inside_another_resource_is_named() {
    let good = heart(BEATS);
    let inner = bundle(&[&good]);
    let report = format!(r#"{{"resourceType":"DiagnosticReport","contained":[{good}],"status":"final"}}"#);
    let parameters =
        format!(r#"{{"resourceType":"Parameters","parameter":[{{"name":"x","resource":{good}}}]}}"#);
    let patient = r#"{"resourceType":"Patient","contained":[{"resourceType":"Organization"}]}"#;
    let text = bundle(&[&good, &inner, &report, &parameters, patient]);
    let named = |record| (record, String::new(), Skip::Malformed);
    assert_eq!((says(&text).len(), refused(&text)), (1, vec![named(1), named(2), named(3)]));
    let around = heart(&format!(r#"{BEATS},"contained":[{good}]"#));
    assert_eq!((says(&around).len(), refused(&around)), (1, vec![named(0)]));
}

#[test]
fn a_focus_says_of_whom_it_is() {
    let claims = |members: &str| -> Vec<String> {
        let text = heart(&format!("{BEATS},{members}"));
        let samples = decode(None, text.as_bytes()).unwrap();
        samples.claims.iter().map(|claim| claim.subject.to_string()).collect()
    };
    assert_eq!(claims(r#""focus":[{"reference":"Patient/fetus"}]"#), ["Patient/fetus"]);
    assert_eq!(
        claims(r#""subject":{"reference":"Patient/1"},"focus":[{"reference":"RelatedPerson/1"}]"#),
        ["Patient/1", "RelatedPerson/1"]
    );
    assert_eq!(claims(r#""focus":[{"display":"fetus"}]"#), [""], "a focus is somebody else, named or not");
    assert!(claims(r#""focus":[]"#).is_empty());
}

#[test]
fn a_text_that_is_not_utf8_is_the_fault_of_its_record() {
    // [{0: "x", 2: 7}, {0: <ff>, 2: 7}, {<ff>: [<ff>], 0: "x", 2: 7}, {0: (_ <ff>), 2: 7}, {0: "x", 2: 8}]
    let wire = [
        &[0x85, 0xa2, 0x00, 0x61, b'x', 0x02, 0x07][..],
        &[0xa2, 0x00, 0x61, 0xff, 0x02, 0x07],
        &[0xa3, 0x61, 0xff, 0x81, 0x78, 0x01, 0xff, 0x00, 0x61, b'x', 0x02, 0x07],
        &[0xa2, 0x00, 0x7f, 0x61, 0xff, 0xff, 0x02, 0x07],
        &[0xa2, 0x00, 0x61, b'x', 0x02, 0x08],
    ]
    .concat();
    let samples = decode(None, &wire).unwrap();
    assert_eq!(lines(&samples), ["x 7 @reception", "x 8 @reception"]);
    let skipped: Vec<_> = samples.skipped.iter().map(|s| (s.record, s.why)).collect();
    assert_eq!(skipped, [(1, Skip::Malformed), (2, Skip::Malformed), (3, Skip::Malformed)]);
    // What ends inside a text is no document.
    assert!(decode(None, &[0x82, 0xa1, 0x00, 0x61, 0xff, 0xa1, 0x00, 0x78, 0x09, b'x']).is_err());
}
