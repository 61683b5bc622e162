//! A message is taken record by record, in every format: what is malformed is named with its record, and the rest is read.

use mqtt::payload::{At, MAX_AMENDMENTS, Skip, Status, decode};

use super::{fault, refused, says};

const AT: &str = r#""effectiveDateTime":"2020-06-30T09:50:55.300Z""#;

fn heart(members: &str) -> String {
    format!(
        r#"{{"resourceType":"Observation","status":"final","code":{{"coding":[{{"system":"http://loinc.org",
        "code":"8867-4"}}]}}{members}}}"#
    )
}

fn beats(value: &str) -> String {
    format!(r#","valueQuantity":{{"value":{value},"system":"http://unitsofmeasure.org","code":"/min"}}"#)
}

#[test]
fn a_member_that_is_no_number_is_refused_and_its_neighbours_are_read() {
    for member in ["true", "null", r#"{"a":[1,{"b":"\ud800"}]}"#, "[1,2]", "1e999"] {
        let text = format!(r#"{{"ts":1,"values":{{"heart_rate":71,"worn":{member},"spo2":97}}}}"#);
        assert_eq!(says(&text), ["heart_rate 71 @1000000", "spo2 97 @1000000"]);
        assert_eq!(refused(&text), [(0, "worn".to_owned(), Skip::NoValue)]);
        let samples = decode(None, text.as_bytes()).unwrap();
        assert_eq!(samples.skipped[0].at, Some(At::Unix(1_000_000)));
    }
}

#[test]
fn a_bad_stamp_refuses_its_record_alone_and_is_never_now() {
    for ts in ["1732233600123456", "null", r#""2024-11-22T00:00:00Z""#, "{}", "true"] {
        let text = format!(
            r#"[{{"ts":1,"values":{{"spo2":97}}}},{{"values":{{"spo2":98,"heart_rate":60}},"ts":{ts}}},{{"ts":3,"spo2":99}}]"#
        );
        assert_eq!(says(&text), ["spo2 97 @1000000", "spo2 99 @3000000"]);
        let undated = |name: &str| (1, name.to_owned(), Skip::Undated);
        assert_eq!(refused(&text), [undated("spo2"), undated("heart_rate")]);
    }
}

#[test]
fn a_malformed_record_between_good_ones_is_named_by_its_place() {
    for bad in [
        "7",
        "null",
        "[]",
        r#""x""#,
        r#"{"ts":2,"values":[1]}"#,
        r#"{"ts":2,"spo2":1,"spo2":2}"#,
        r#"{"ts":2,"spo2":1,"units":7}"#,
    ] {
        let text = format!(r#"[{{"ts":1,"spo2":97}},{bad},{{"ts":3,"spo2":99}}]"#);
        assert_eq!(says(&text), ["spo2 97 @1000000", "spo2 99 @3000000"], "{bad}");
        assert_eq!(refused(&text), [(1, String::new(), Skip::Malformed)], "{bad}");
    }
    let deep = format!(r#"[{{"ts":1,"spo2":97,"z":{}{}}}]"#, "[".repeat(5_000), "]".repeat(5_000));
    assert_eq!(says(&deep), ["spo2 97 @1000000"]);
    let unit = r#"{"ts":1,"spo2":97,"weight":70,"units":{"weight":null}}"#;
    assert_eq!(
        (says(unit), refused(unit)),
        (vec!["spo2 97 @1000000".to_owned()], vec![(0, "weight".into(), Skip::Unit)])
    );
}

#[test]
fn what_is_no_document_is_refused_whole() {
    for text in [r#"[{"spo2":97},{"spo2":98"#, r#"[{"spo2":97},{"spo2":098}]"#, r#"[{"spo2":97},{spo2:1}]"#] {
        assert!(decode(None, text.as_bytes()).is_err(), "{text}");
    }
    assert_eq!(fault(r#"[{"ts":true,"spo2":97}]"#).to_string(), "expected a number at byte 7");
}

#[test]
fn a_senml_record_fails_alone_unless_others_stand_on_it() {
    let pack = r#"[{"bn":"d:","bt":1732233600,"n":"spo2","u":"/","v":"x"},{"n":"heart_rate","v":60},
        {"n":"heart_rate","t":1,"v":null},7,{"n":"heart_rate","t":2},{"n":"heart_rate","t":3,"v":63}]"#;
    assert_eq!(says(pack), ["heart_rate 60 @1732233600000000", "heart_rate 63 @1732233603000000"]);
    let named = |record, name: &str, why| (record, name.to_owned(), why);
    assert_eq!(
        refused(pack),
        [
            named(0, "spo2", Skip::NoValue),
            named(2, "heart_rate", Skip::NoValue),
            named(3, "", Skip::Malformed),
            named(4, "heart_rate", Skip::NoValue)
        ]
    );
    // A base time that cannot be read dates nothing until another is given.
    let lost = r#"[{"n":"spo2","v":0.9},{"bt":"noon","n":"spo2","v":0.91},{"n":"spo2","v":0.92},{"bt":1732233600,"n":"spo2","v":0.93}]"#;
    assert_eq!(says(lost), ["spo2 0.9 @reception", "spo2 0.93 @1732233600000000"]);
    let undated = |record| named(record, "spo2", Skip::Undated);
    assert_eq!(refused(lost), [undated(1), undated(2)]);
}

#[test]
fn a_senml_record_in_cbor_fails_alone() {
    // [{0: "x", 2: 7}, {0: "x", 2: "7"}, 5, {0: "x", 2: 8}]
    let wire = [
        &[0x84, 0xa2, 0x00, 0x61, b'x', 0x02, 0x07, 0xa2, 0x00, 0x61, b'x', 0x02, 0x61, b'7'][..],
        &[0x05, 0xa2, 0x00, 0x61, b'x', 0x02, 0x08],
    ]
    .concat();
    let samples = decode(None, &wire).unwrap();
    assert_eq!(super::lines(&samples), ["x 7 @reception", "x 8 @reception"]);
    let skipped: Vec<_> = samples.skipped.iter().map(|s| (s.record, s.why)).collect();
    assert_eq!(skipped, [(1, Skip::NoValue), (2, Skip::Malformed)]);
}

#[test]
fn a_data_point_fails_alone_and_half_of_a_pressure_does_too() {
    let point =
        |body: &str| format!(r#"{{"header":{{"schema_id":{{"name":"blood-pressure"}}}},"body":{{{body}}}}}"#);
    let at = r#""effective_time_frame":{"date_time":"2020-02-05T07:25:00-08:00"}"#;
    let half = point(&format!(
        r#""systolic_blood_pressure":{{"value":null,"unit":"mmHg"}},"diastolic_blood_pressure":{{"value":60,"unit":"mmHg"}},{at}"#
    ));
    let undated = point(r#""diastolic_blood_pressure":{"value":61,"unit":"mmHg"}"#);
    let text = format!("[{half},{{}},{undated},3]");
    assert_eq!(says(&text), ["diastolic_bp 60 mmHg @1580916300000000"]);
    let why: Vec<_> =
        refused(&text).into_iter().map(|(record, name, why)| format!("{record} {name} {why:?}")).collect();
    assert_eq!(why, ["0 systolic_bp NoValue", "1  Malformed", "2 diastolic_bp Undated", "3  Malformed"]);
}

#[test]
fn a_bundle_loses_only_the_entry_that_is_wrong() {
    let good = heart(&format!(",{AT}{}", beats("63")));
    let entries = [
        good.clone(),
        heart(&format!(",{AT}{}", r#","valueQuantity":{"unit":"x","code":"x"}"#)),
        heart(&format!(",{AT}{}", beats(r#""64""#))),
        good.replace(r#""status":"final","#, ""),
        good.replace("8867-4", "1-8"),
        r#"{"status":"final"}"#.to_owned(),
        "7".to_owned(),
    ];
    let entries: Vec<String> =
        entries.iter().map(|resource| format!(r#"{{"resource":{resource}}}"#)).collect();
    let text = format!(r#"{{"resourceType":"Bundle","type":"collection","entry":[{}]}}"#, entries.join(","));
    assert_eq!(says(&text), ["heart_rate 63 /min @1593510655300000"]);
    let why: Vec<_> =
        refused(&text).into_iter().map(|(record, name, why)| format!("{record} {name} {why:?}")).collect();
    assert_eq!(
        why,
        [
            "1 heart_rate NoValue",
            "2 heart_rate NoValue",
            "3  Malformed",
            "4 1-8 Unknown",
            "5  Malformed",
            "6  Malformed"
        ]
    );
}

#[test]
fn a_resource_is_dated_by_what_it_says_and_never_by_now() {
    let with = |time: &str| heart(&format!("{time}{}", beats("60")));
    for time in [
        r#","effectiveTiming":{"event":["2020-06-29T00:00:00Z","2020-06-30T09:50:55.300Z"]}"#,
        r#","effectiveTiming":{"repeat":{"boundsPeriod":{"end":"2020-06-30T09:50:55.300Z"}}}"#,
        r#","issued":"2020-06-30T09:50:55.300Z""#,
        r#","effectivePeriod":{"start":"2020-06-30T09:00:00Z"},"issued":"2020-06-30T09:50:55.300Z""#,
    ] {
        assert_eq!(says(&with(time)), ["heart_rate 60 /min @1593510655300000"], "{time}");
    }
    for time in [
        "",
        r#","effectiveDateTime":"2020-06-30","issued":"2020-06-30T09:50:55.300Z""#,
        r#","effectiveTiming":{"repeat":{"frequency":3}}"#,
    ] {
        assert_eq!(refused(&with(time)), [(0, "heart_rate".to_owned(), Skip::Undated)], "{time}");
    }
    let fault = fault(&with(r#","effectiveDateTime":"yesterday","issued":"2020-06-30T09:50:55.300Z""#));
    assert!(fault.to_string().starts_with("an instant outside the contract at byte "));
}

#[test]
fn a_resource_says_whether_it_corrects_and_whose_it_is() {
    let text = heart(&format!(r#",{AT}{},"subject":{{"reference":"Patient/other"}}"#, beats("70")));
    for (status, means) in [
        ("final", Status::Final),
        ("amended", Status::Correction),
        ("corrected", Status::Correction),
        ("entered-in-error", Status::EnteredInError),
    ] {
        let text = text.replace("final", status);
        let samples = decode(None, text.as_bytes()).unwrap();
        assert_eq!(samples.list[0].status, means);
        assert_eq!((samples.claims[0].record, samples.claims[0].subject.as_ref()), (0, "Patient/other"));
    }
    let nothing = heart(&format!(",{AT}")).replace("final", "entered-in-error");
    assert_eq!(says(&nothing), ["heart_rate absent @1593510655300000"]);
    let named = heart(&format!(r#",{AT}{},"subject":{{"display":"Maria"}}"#, beats("70")));
    assert!(decode(None, named.as_bytes()).unwrap().claims.is_empty());
    let point = r#"{"header":{"user_id":"somebody","schema_id":{"name":"heart-rate"}},"body":{"heart_rate":{"value":1,
        "unit":"bpm"},"effective_time_frame":{"date_time":"2020-02-05T07:25:00Z"}}}"#;
    assert_eq!(decode(None, point.as_bytes()).unwrap().claims[0].subject, "somebody");
}

#[test]
fn corrections_and_withdrawals_have_a_quota_of_their_own() {
    let bundle = |statuses: &mut dyn Iterator<Item = &str>| {
        let entry = |status: &str| {
            let text = heart(&format!(",{AT}{}", beats("70"))).replace("final", status);
            format!(r#"{{"resource":{text}}}"#)
        };
        let entries: Vec<String> = statuses.map(entry).collect();
        format!(r#"{{"resourceType":"Bundle","type":"collection","entry":[{}]}}"#, entries.join(","))
    };
    let many = |n: usize| bundle(&mut ["corrected", "entered-in-error", "final"].into_iter().cycle().take(n));
    // Two of three amend.
    assert_eq!(says(&many(MAX_AMENDMENTS / 2 * 3)).len(), MAX_AMENDMENTS / 2 * 3);
    let over = fault(&many(MAX_AMENDMENTS / 2 * 3 + 1));
    assert_eq!(over.quota(), Some("amendments_per_message"));
}
