//! What the wire says, in domain words: every refusal, every bound, every conversion.

use mqtt::payload::decode;
use proptest::prelude::*;

use super::*;
use crate::bounds::{Bounds, bounds};

const NOW: Instant = Instant::from_secs(1_732_233_600);

pub(super) fn normal(text: &str) -> Normalised {
    normalise(&decode(None, text.as_bytes()).unwrap(), NOW)
}

pub(super) fn one(text: &str) -> Reading {
    let normal = normal(text);
    assert_eq!(
        (normal.readings.len(), normal.refused.total(), normal.quarantined.len()),
        (1, 0, 0),
        "{normal:?}"
    );
    normal.readings[0].reading
}

pub(super) fn refused(text: &str) -> Vec<(String, &'static str)> {
    normal(text).refused.iter().map(|part| (part.signal.to_string(), part.code)).collect()
}

fn quarantined(text: &str) -> Vec<(&'static str, &'static str)> {
    normal(text).quarantined.into_iter().map(|q| (q.taken.reading.signal.name(), q.why.code())).collect()
}

#[test]
fn a_known_signal_is_read_and_an_unknown_one_is_refused_beside_it() {
    let normal = normal(r#"{"ts":1732233590.5,"values":{"heart_rate":128,"mood":7}}"#);
    let at = Instant::from_micros(1_732_233_590_500_000);
    let reading = Reading {
        signal: Signal::HeartRate,
        at,
        value: 128.0,
        unit: Unit::PerMinute,
        flags: Flags::default(),
    };
    assert_eq!(normal.readings, [Taken { reading, record: 0 }]);
    assert_eq!(normal.refused.text(), "mood E_UNKNOWN_SIGNAL record 0 at 2024-11-21T23:59:50.500Z");
    assert!(!normal.is_nothing());
    assert!(normalise(&decode(None, br#"{"mood":7}"#).unwrap(), NOW).is_nothing());
}

#[test]
fn a_refused_name_goes_back_short_and_without_control_characters() {
    let long = "é".repeat(100);
    assert_eq!(refused(&format!(r#"{{"{long}":1,"a\u0000b":2}}"#))[0].0, "é".repeat(64));
    assert_eq!(refused(r#"{"a\u0000b":2}"#)[0].0, "a?b");
}

#[test]
fn every_unit_is_checked_against_its_signal_and_kept_as_sent() {
    for (signal, unit, value, canonical) in [
        ("body_temperature", "[degF]", 98.6, 37.0),
        ("body_temperature", "F", 98.6, 37.0),
        ("body_temperature", "K", 310.15, 37.0),
        ("glucose", "mmol/L", 5.5, 99.088),
        ("weight", "[lb_av]", 150.0, 68.038_855_5),
        ("weight", "g", 70_000.0, 70.0),
        ("height", "m", 1.7, 170.0),
        ("height", "[in_i]", 70.0, 177.8),
        ("systolic_bp", "kPa", 16.0, 120.009_869_2),
        ("systolic_bp", "Pa", 16_000.0, 120.009_869_2),
        ("sleep_duration", "h", 7.5, 450.0),
        ("hrv_sdnn", "s", 0.05, 50.0),
        ("heart_rate", "bpm", 60.0, 60.0),
        ("spo2", "{ratio}", 0.97, 97.0),
        ("steps", "/d", 4_000.0, 4_000.0),
    ] {
        let text = format!(r#"{{"values":{{"{signal}":{value}}},"units":{{"{signal}":"{unit}"}}}}"#);
        let reading = one(&text);
        assert!((reading.value - value).abs() < 1e-12);
        assert!((reading.canonical() - canonical).abs() < 1e-6, "{signal} {unit}: {}", reading.canonical());
    }
    for (signal, unit) in [("heart_rate", "kg"), ("glucose", "stone"), ("weight", ""), ("spo2", "mm[Hg]")] {
        let text = format!(r#"{{"values":{{"{signal}":50}},"units":{{"{signal}":"{unit}"}}}}"#);
        assert_eq!(refused(&text), [(signal.to_owned(), "E_UNIT")]);
    }
}

#[test]
fn the_sentinels_fall_below_and_above_every_threshold_and_only_glucose_has_them() {
    let (low, high) = (one(r#"{"glucose":"LOW"}"#), one(r#"{"glucose_capillary":"HIGH"}"#));
    assert!(low.canonical() < 54.0 && low.flags.has(Flags::LOW) && low.is_sentinel());
    assert!(high.canonical() > 250.0 && high.flags.has(Flags::HIGH) && high.is_sentinel());
    assert!(!low.flags.has(Flags::SUSPECT) && !high.flags.has(Flags::SUSPECT), "a sentinel may alert alone");
    // The mark is in the canonical unit, whatever unit the sensor speaks.
    assert_eq!(one(r#"{"values":{"glucose":"LOW"},"units":{"glucose":"mmol/L"}}"#).unit, Unit::MgPerDl);
    assert_eq!(refused(r#"{"heart_rate":"LOW"}"#), [("heart_rate".to_owned(), "E_VALUE")]);
    assert_eq!(refused(r#"{"glucose":"110"}"#), [("glucose".to_owned(), "E_VALUE")]);
    // The number behind a mark, sent as a number, is no sentinel.
    assert_eq!(quarantined(r#"{"glucose":0}"#), [("glucose", "E_IMPLAUSIBLE")]);
}

#[test]
fn a_sentinel_is_known_in_any_case_with_blanks_in_both_languages() {
    for word in ["Low", "LO", "lo", " low ", "Baixo", "BAIXO", "baixa"] {
        assert!(one(&format!(r#"{{"glucose":"{word}"}}"#)).flags.has(Flags::LOW), "{word}");
    }
    for word in ["High", "HI", "hi ", "Alto", "alta", "\u{a0}HIGH"] {
        assert!(one(&format!(r#"{{"glucose_capillary":"{word}"}}"#)).flags.has(Flags::HIGH), "{word}");
    }
    assert!(one(r#"[{"n":"glucose","vs":"Lo"}]"#).flags.has(Flags::LOW));
    assert_eq!(one(r#"{"consciousness":" p "}"#).letter(), Some("P"));
    for word in ["", "l", "lower", "---", "sensor"] {
        assert_eq!(refused(&format!(r#"{{"glucose":"{word}"}}"#)), [("glucose".to_owned(), "E_VALUE")]);
    }
}

#[test]
fn a_unit_is_known_by_what_it_means() {
    for (signal, units, canonical) in [
        (
            "heart_rate",
            &["1/min", "count/min", "{Beats}/min", "/min{beats}", "{beats}.1/min", "BPM", "beats per minute"]
                [..],
            74.0,
        ),
        ("respiratory_rate", &["{Breaths}/min", "breaths/minute", "irpm"], 74.0),
        ("glucose", &["MGDL", "mg/dl", "mg/dL{glucose}", "MG/DL", "mg / dL"], 74.0),
        ("glucose", &["mmol/l", "MMOL/L", "mmol<180.1558800000541>/L"], 74.0 * 18.016),
        ("body_temperature", &["degC", "ºC", "°C", "Cel", "celsius"], 74.0),
        ("body_temperature", &["degF", "°F", "[degF]", "Fahrenheit"], (74.0 - 32.0) * 5.0 / 9.0),
        ("weight", &["lb", "lbs", "LB", "pounds"], 74.0 * 0.453_592_37),
        ("height", &["ft", "[ft_i]"], 74.0 * 30.48),
        ("systolic_bp", &["mm Hg", "MM[HG]", "mmHg"], 74.0),
        ("spo2", &["percent", "%{SpO2}"], 74.0),
        ("hrv_sdnn", &["msec"], 74.0),
        ("steps", &["{steps}", "count", "steps/day", "{count}"], 74.0),
    ] {
        for unit in units {
            let text = format!(r#"{{"values":{{"{signal}":74}},"units":{{"{signal}":"{unit}"}}}}"#);
            if *unit == "{beats}.1/min" {
                assert_eq!(refused(&text), [(signal.to_owned(), "E_UNIT")]);
                continue;
            }
            let normal = normal(&text);
            let quarantined = normal.quarantined.iter().map(|q| q.taken);
            let taken = normal.readings.iter().copied().chain(quarantined).next();
            let taken = taken.unwrap_or_else(|| panic!("{signal} in {unit}: {:?}", normal.refused));
            assert!((taken.reading.canonical() - canonical).abs() < 1e-9, "{signal} in {unit}");
        }
    }
    assert!((one(r#"{"values":{"spo2":0.97},"units":{"spo2":"1"}}"#).canonical() - 97.0).abs() < 1e-9);
}

#[test]
fn readings_without_an_instant_are_as_many_as_were_sent() {
    let sent = normal(r#"[{"heart_rate":60,"spo2":97},{"heart_rate":60},{"heart_rate":61,"spo2":97}]"#);
    let at: Vec<_> = sent
        .readings
        .iter()
        .map(|t| (t.reading.signal, t.reading.at.micros() - NOW.micros(), t.record))
        .collect();
    let (heart, spo2) = (Signal::HeartRate, Signal::Spo2);
    assert_eq!(at, [(heart, 0, 0), (spo2, 0, 0), (heart, 1, 1), (heart, 2, 2), (spo2, 1, 2)]);
    assert_eq!((sent.quarantined.len(), sent.spread), (0, 2));
}

#[test]
fn a_record_is_a_patients_unless_it_names_somebody_else() {
    let maria = Uuid::from_u128(7);
    let heart = r#""code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"status":"final",
        "valueQuantity":{"value":60,"code":"/min"},"effectiveDateTime":"2024-11-22T00:00:00Z""#;
    let with = |subject: &str| normal(&format!(r#"{{"resourceType":"Observation",{heart}{subject}}}"#));
    let reference = |text: &str| with(&format!(r#","subject":{{"reference":"{text}"}}"#));
    assert!(with("").may_be_of(0, maria) && with(r#","subject":{"display":"Maria"}"#).may_be_of(0, maria));
    for mine in [
        format!("Patient/{maria}"),
        format!("urn:uuid:{maria}"),
        format!("https://zelo.example/fhir/r4/Patient/{maria}/_history/2"),
    ] {
        assert!(reference(&mine).may_be_of(0, maria), "{mine}");
    }
    for other in ["Patient/other", "#contained", "Patient/00000000-0000-0000-0000-000000000008", ""] {
        assert!(!reference(other).may_be_of(0, maria), "{other}");
    }
}

#[test]
fn letters_of_consciousness_become_numbers_and_come_back() {
    for (letter, number) in [("A", 0.0), ("C", 1.0), ("V", 2.0), ("P", 3.0), ("U", 4.0)] {
        let reading = one(&format!(r#"{{"consciousness":"{letter}"}}"#));
        assert_eq!((reading.value, reading.unit, reading.letter()), (number, Unit::Acvpu, Some(letter)));
    }
    assert_eq!(refused(r#"{"consciousness":"X"}"#), [("consciousness".to_owned(), "E_VALUE")]);
    assert_eq!(refused(r#"{"consciousness":1}"#), [("consciousness".to_owned(), "E_VALUE")]);
    assert_eq!(one(r#"{"heart_rate":60}"#).letter(), None);
}

#[test]
fn every_bound_belongs_to_its_inside() {
    for signal in Signal::ALL.iter().copied().filter(|s| *s != Signal::Consciousness) {
        let Bounds { hard, suspect, source } = bounds(signal);
        assert!(hard.0 <= suspect.0 && suspect.0 < suspect.1 && suspect.1 <= hard.1, "{signal}");
        assert!(!source.is_empty());
        let name = signal.name();
        let send = |value: f64| normal(&format!(r#"{{"{name}":{value:e}}}"#));
        for edge in [suspect.0, suspect.1] {
            assert!(!send(edge).readings[0].reading.flags.has(Flags::SUSPECT), "{name} {edge}");
        }
        for beyond in [hard.0.next_down(), hard.1.next_up()] {
            assert_eq!(send(beyond).quarantined[0].why, Why::Implausible, "{name} {beyond}");
        }
        if hard.0 < suspect.0 {
            assert!(send(suspect.0.next_down()).readings[0].reading.flags.has(Flags::SUSPECT), "{name}");
        }
        if suspect.1 < hard.1 {
            assert!(send(suspect.1.next_up()).readings[0].reading.flags.has(Flags::SUSPECT), "{name}");
        }
    }
    assert_eq!(quarantined(r#"{"weight":0}"#), [("weight", "E_IMPLAUSIBLE")]);
}

#[test]
fn a_number_that_fits_another_unit_is_flagged_and_never_converted() {
    let suspect = |text: &str| {
        let normal = normal(text);
        let quarantined = normal.quarantined.iter().map(|q| q.taken.reading);
        normal
            .readings
            .iter()
            .map(|taken| taken.reading)
            .chain(quarantined)
            .all(|r| r.flags.has(Flags::UNIT_SUSPECT))
    };
    assert!(suspect(r#"{"body_temperature":98.6}"#));
    assert!(suspect(r#"{"spo2":0.97}"#));
    assert!(suspect(r#"{"glucose":5.5}"#));
    assert!(suspect(r#"{"glucose":15}"#));
    assert!(!suspect(r#"{"glucose":110}"#));
    assert!(!suspect(r#"{"values":{"glucose":5.5},"units":{"glucose":"mmol/L"}}"#));
    assert!(!suspect(r#"{"values":{"body_temperature":98.6},"units":{"body_temperature":"[degF]"}}"#));
    assert_eq!(quarantined(r#"{"body_temperature":98.6}"#), [("body_temperature", "E_IMPLAUSIBLE")]);
    let accepted = one(r#"{"glucose":15}"#);
    assert_eq!((accepted.value, accepted.unit), (15.0, Unit::MgPerDl));
    assert!(accepted.flags.has(Flags::SUSPECT));
}

#[test]
fn crossed_pressures_of_one_instant_are_both_suspect() {
    let flags = |text: &str| {
        normal(text).readings.iter().map(|r| r.reading.flags.has(Flags::SUSPECT)).collect::<Vec<_>>()
    };
    assert_eq!(
        flags(r#"{"ts":1732233600,"systolic_bp":80,"heart_rate":60,"diastolic_bp":80}"#),
        [true, false, true]
    );
    assert_eq!(flags(r#"{"ts":1732233600,"systolic_bp":81,"diastolic_bp":80}"#), [false, false]);
    assert_eq!(
        flags(r#"[{"ts":1732233600,"systolic_bp":80},{"ts":1732233601,"diastolic_bp":90}]"#),
        [false, false]
    );
}

#[test]
fn a_clock_that_was_never_set_or_runs_ahead_is_quarantined() {
    let why = |ts: i64| quarantined(&format!(r#"{{"ts":{ts},"heart_rate":60}}"#));
    assert_eq!(why(946_684_799), [("heart_rate", "E_CLOCK")]);
    assert_eq!(why(946_684_800), []);
    assert_eq!(why(1_732_233_900), []);
    assert_eq!(why(1_732_233_900_001), [("heart_rate", "E_CLOCK")]);
    assert_eq!(quarantined(r#"[{"n":"heart_rate","v":60,"t":301}]"#), [("heart_rate", "E_CLOCK")]);
    assert_eq!(quarantined(r#"[{"n":"heart_rate","v":60,"t":-9e12}]"#), [("heart_rate", "E_CLOCK")]);
}

#[test]
fn what_has_no_instant_is_stamped_on_receipt_and_says_so() {
    let bare = one(r#"{"heart_rate":60}"#);
    assert_eq!((bare.at, bare.flags), (NOW, Flags::STAMPED));
    let relative = one(r#"[{"n":"heart_rate","v":60,"t":-2.5}]"#);
    assert_eq!((relative.at.micros(), relative.flags), (NOW.micros() - 2_500_000, Flags::STAMPED));
}

#[test]
fn the_same_place_twice_is_stored_once_and_another_value_there_is_a_conflict() {
    let records = |values: &[&str]| {
        let list: Vec<String> =
            values.iter().map(|v| format!(r#"{{"ts":1732233600,"values":{v}}}"#)).collect();
        normal(&format!("[{}]", list.join(",")))
    };
    let twice = records(&[r#"{"heart_rate":60}"#, r#"{"heart_rate":60}"#, r#"{"heart_rate":61}"#]);
    assert_eq!(twice.readings.len(), 1);
    assert_eq!(twice.readings[0].reading.value, 60.0);
    assert_eq!(
        twice.quarantined.iter().map(|q| (q.taken.reading.value, q.why)).collect::<Vec<_>>(),
        [(61.0, Why::Conflict)]
    );
    // Beyond the short search the rule is the same.
    let many: Vec<String> = (0..100)
        .chain(0..100)
        .map(|n| format!(r#"{{"ts":{},"values":{{"spo2":97}}}}"#, 1_732_233_000 + n))
        .collect();
    let last = r#"{"ts":1732233099,"values":{"spo2":96}}"#;
    let normal = normal(&format!("[{},{last}]", many.join(",")));
    assert_eq!((normal.readings.len(), normal.quarantined.len()), (100, 1));
}

#[test]
fn what_the_formats_set_aside_is_refused_with_its_own_code() {
    let observation = |status: &str, time: &str| {
        format!(
            r#"{{"resourceType":"Observation","status":"{status}","effectiveDateTime":"{time}","valueQuantity":
            {{"value":60,"code":"/min"}},"code":{{"coding":[{{"system":"http://loinc.org","code":"8867-4"}}]}}}}"#
        )
    };
    let heart = |why: &'static str| vec![("heart_rate".to_owned(), why)];
    assert_eq!(refused(&observation("final", "2024-11-22")), heart("E_STAMP"));
    assert_eq!(refused(&observation("cancelled", "2024-11-22T00:00:00Z")), heart("E_RETRACTED"));
    assert_eq!(refused(r#"[{"n":"heart_rate","vb":true}]"#), heart("E_VALUE"));
}

#[test]
fn numbers_and_codes_of_the_reasons_never_change() {
    let all: Vec<_> = Why::ALL.iter().map(|why| (why.number(), why.code())).collect();
    let stored = [
        (1, "E_UNKNOWN_SIGNAL"),
        (2, "E_UNIT"),
        (3, "E_VALUE"),
        (4, "E_IMPLAUSIBLE"),
        (5, "E_CLOCK"),
        (6, "E_CONFLICT"),
        (7, "E_STAMP"),
        (8, "E_RETRACTED"),
        (9, "E_STATISTIC"),
        (10, "E_RECORD"),
        (11, "E_SUBJECT"),
        (12, "E_UNKNOWN_READING"),
    ];
    assert_eq!(all, stored);
    assert!(Why::ALL.iter().all(|why| Why::from_number(why.number()) == Some(*why)));
    assert_eq!(Why::from_number(0), None);
}

/// Every signal in every unit that it may come in.
fn convertible() -> Vec<(Signal, Unit)> {
    let units: Vec<Unit> = (0..=u8::MAX).filter_map(Unit::from_code).collect();
    let pairs = Signal::ALL.iter().flat_map(|s| units.iter().map(move |u| (*s, *u)));
    pairs.filter(|(signal, unit)| Reading::convertible(*signal, *unit)).collect()
}

proptest! {
    #[test]
    fn conversion_is_finite_keeps_the_order_and_the_unit_survives_the_wire(
        (signal, unit) in proptest::sample::select(convertible()),
        a in 0.001_f64..100_000.0,
        step in 0.001_f64..1_000.0,
    ) {
        let reading = |value| Reading { signal, at: NOW, value, unit, flags: Flags::default() };
        let (low, high) = (reading(a).canonical(), reading(a + step).canonical());
        prop_assert!(low.is_finite() && low < high);
        prop_assert_eq!(super::unit(signal, unit.ucum()), Ok(unit));
    }

    #[test]
    fn no_instant_and_no_number_is_lost_between_the_three_lists(
        values in proptest::collection::vec((0_usize..19, -10.0_f64..2_000.0, -400_i64..400), 1..60),
    ) {
        let records: Vec<String> = values
            .iter()
            .map(|(signal, value, offset)| {
                format!(r#"{{"ts":{},"{}":{value}}}"#, 1_732_233_600 + offset, Signal::ALL[*signal].name())
            })
            .collect();
        let normal = normal(&format!("[{}]", records.join(",")));
        let refused = usize::try_from(normal.refused.total()).unwrap();
        let accounted = normal.readings.len() + refused + normal.quarantined.len();
        prop_assert!(accounted <= values.len());
        let places: std::collections::HashSet<_> = normal.readings.iter().map(|r| (r.reading.signal, r.reading.at)).collect();
        prop_assert_eq!(places.len(), normal.readings.len());
        let sent: std::collections::HashSet<_> =
            values.iter().map(|(signal, value, offset)| (signal, value.to_bits(), offset)).collect();
        prop_assert!(accounted >= sent.len(), "{} of {} different readings", accounted, sent.len());
    }
}
