//! What a message says in words that its format does not have does not count as absent, in domain words.

use super::tests::{normal, one, refused};
use super::*;

fn resource(loinc: &str, value: &str, more: &str) -> String {
    format!(
        r#"{{"resourceType":"Observation","status":"final","effectiveDateTime":"2024-11-22T00:00:00Z",
        "code":{{"coding":[{{"system":"http://loinc.org","code":"{loinc}"}}]}},"valueQuantity":{{{value}}}{more}}}"#
    )
}

#[test]
fn a_bound_is_kept_on_the_side_that_it_proves_in_every_format() {
    let bound = |loinc: &str, sign: &str, value: f64, unit: &str| {
        resource(loinc, &format!(r#""value":{value},"comparator":"{sign}","code":"{unit}""#), "")
    };
    let low = one(&bound("99504-3", "<", 40.0, "mg/dL"));
    assert!(low.flags == Flags::LOW && low.value < 1.0);
    assert_eq!(one(&bound("99504-3", ">", 22.3, "mmol/L")).flags, Flags::HIGH);
    let fast = one(&bound("8867-4", ">=", 220.0, "/min"));
    assert_eq!((fast.value, fast.flags), (220.0, Flags::SUSPECT));
    assert_eq!(one(&bound("59408-5", "<", 70.0, "%")).flags, Flags::SUSPECT);
    for (loinc, sign, value, unit, signal) in [
        ("99504-3", ">", 40.0, "mg/dL", "glucose"),
        ("99504-3", ">=", 70.0, "mg/dL", "glucose"),
        ("99504-3", "<", 300.0, "mg/dL", "glucose"),
        ("8867-4", ">=", 60.0, "/min", "heart_rate"),
        ("59408-5", ">", 70.0, "%", "spo2"),
    ] {
        assert_eq!(
            refused(&bound(loinc, sign, value, unit)),
            [(signal.to_owned(), "E_VALUE")],
            "{sign} {value}"
        );
    }
    // Without an instant, which is a flag of its own.
    assert!(one(r#"{"glucose":"> 400"}"#).flags.has(Flags::HIGH));
    assert!(one(r#"[{"n":"heart_rate","vs":">=220"}]"#).flags.has(Flags::SUSPECT));
    assert_eq!(refused(r#"{"glucose":">70"}"#), [("glucose".to_owned(), "E_VALUE")]);
}

#[test]
fn a_value_whose_unit_may_stand_elsewhere_is_not_taken_in_another() {
    for stray in [
        r#""units":{"Glucose":"mmol/L"}"#,
        r#""units":{"blood_sugar":"mmol/L"}"#,
        r#""units":{"Glucose":"stone"}"#,
        r#""unit":{"glucose":"mmol/L"}"#,
        r#""unit":"mmol/L""#,
        r#""unit":"stone""#,
        r#""glucose_unit":"mmol/L""#,
    ] {
        let text = format!(r#"[{{"values":{{"glucose":12,"heart_rate":70}},{stray}}},{{"glucose":110}}]"#);
        let normal = normal(&text);
        let refusals: Vec<_> = normal.refused.iter().map(|part| (part.signal.as_ref(), part.code)).collect();
        assert!(refusals.contains(&("glucose", "E_UNIT")), "{stray}: {refusals:?}");
        assert!(
            refusals.iter().any(|(_, code)| *code == "E_UNKNOWN_SIGNAL"),
            "{stray}: what said it is named"
        );
        let glucose = normal.readings.iter().filter(|taken| taken.reading.signal == Signal::Glucose);
        assert_eq!(glucose.map(|taken| taken.reading.value).collect::<Vec<_>>(), [110.0], "{stray}");
        let heart = normal.readings.iter().any(|taken| taken.reading.signal == Signal::HeartRate);
        assert_eq!(heart, stray != r#""unit":"stone""#, "{stray}: it is no unit of a rate");
    }
    // A table of units sent with each message is understood, and so is the unit that is the contract's own.
    for known in [r#""units":{"weight":"lb"}"#, r#""units":{"glucose":"mg/dL"}"#] {
        assert_eq!(one(&format!(r#"{{"glucose":110,{known}}}"#)).value, 110.0);
    }
    assert_eq!(normal(r#"{"glucose":110,"unit":"mg/dL"}"#).readings.len(), 1);
    // A sentinel has no unit.
    assert_eq!(normal(r#"{"glucose":"LOW","unit":"mmol/L"}"#).readings[0].reading.flags.0 & 4, 4);
}

#[test]
fn a_record_with_a_focus_is_of_whom_it_names() {
    let mother = Uuid::from_u128(7);
    let of = |members: &str| {
        let text = resource("8867-4", r#""value":160,"code":"/min""#, &format!(",{members}"));
        normal(&text).may_be_of(0, mother)
    };
    let subject = format!(r#""subject":{{"reference":"Patient/{mother}"}}"#);
    assert!(of(&subject));
    assert!(of(&format!(r#"{subject},"focus":[{{"reference":"Patient/{mother}"}}]"#)));
    for focus in
        [r#"{"reference":"Patient/fetus"}"#, r#"{"reference":"RelatedPerson/1"}"#, r#"{"display":"fetus"}"#]
    {
        assert!(!of(&format!(r#""focus":[{focus}]"#)), "{focus}");
        assert!(!of(&format!(r#"{subject},"focus":[{focus}]"#)), "{focus}");
        assert!(!of(&format!(r#""focus":[{focus}],{subject}"#)), "{focus}");
        let twice = format!(r#""focus":[{focus},{{"reference":"Patient/{mother}"}}]"#);
        assert!(!of(&twice), "{focus}");
    }
}

#[test]
fn a_record_of_another_time_is_refused_with_the_code_of_times() {
    let refusals = refused(r#"{"time":1731628800000,"values":{"heart_rate":150}}"#);
    assert!(refusals.contains(&("heart_rate".to_owned(), "E_STAMP")), "{refusals:?}");
}

#[test]
fn what_was_entered_in_error_is_taken_back_with_the_value_that_it_names() {
    let observation = |value: &str| {
        normal(&format!(
            r#"{{"resourceType":"Observation","status":"entered-in-error"{value},"code":{{"coding":[
            {{"system":"http://loinc.org","code":"8867-4"}}]}},"effectiveDateTime":"2024-11-22T00:00:00Z"}}"#
        ))
    };
    let at = Instant::from_secs(1_732_233_600);
    let named = observation(r#","valueQuantity":{"value":170,"code":"/min"}"#);
    assert!(named.readings.is_empty() && named.refused.is_empty() && !named.is_nothing());
    assert_eq!((named.amendments(), named.instants().next()), (1, Some(at)));
    let what = named.withdrawn[0].what;
    assert_eq!((what.signal, what.at, what.value.unwrap().value), (Signal::HeartRate, at, 170.0));
    assert_eq!(observation("").withdrawn[0].what.value, None);
    let unread = observation(r#","valueQuantity":{"value":170,"unit":"furlong"}"#);
    assert!(unread.is_nothing() && unread.refused.text().contains("E_UNIT"));
}

#[test]
fn a_correction_meets_no_conflict_in_its_own_message_wherever_it_stands() {
    let entry = |status: &str, value: u8| {
        format!(
            r#"{{"resource":{{"resourceType":"Observation","status":"{status}","effectiveDateTime":"2024-11-22T00:00:00Z",
            "valueQuantity":{{"value":{value},"code":"/min"}},
            "code":{{"coding":[{{"system":"http://loinc.org","code":"8867-4"}}]}}}}}}"#
        )
    };
    let bundle = |entries: [String; 3]| {
        normal(&format!(r#"{{"resourceType":"Bundle","type":"collection","entry":[{}]}}"#, entries.join(",")))
    };
    let values = |list: &[Taken]| list.iter().map(|taken| taken.reading.value).collect::<Vec<_>>();
    let (first, wrong, right) = (entry("final", 170), entry("amended", 71), entry("corrected", 70));
    for entries in [[first.clone(), wrong.clone(), right.clone()], [wrong, first, right]] {
        let normal = bundle(entries);
        assert_eq!((values(&normal.readings), values(&normal.corrections)), (vec![170.0], vec![71.0, 70.0]));
        assert!(normal.quarantined.is_empty());
    }
}
