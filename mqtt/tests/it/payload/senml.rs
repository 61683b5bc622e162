//! SenML: the examples of RFC 8428 §5.1 and §6, and each rule of its resolution.

use mqtt::payload::{Format, What, decode};

use super::{fault, lines, says, skips};

#[test]
fn the_examples_of_section_5_resolve() {
    // §5.1.1
    assert_eq!(
        says(r#"[{"n":"urn:dev:ow:10e2073a01080063","u":"Cel","v":23.1}]"#),
        ["10e2073a01080063 23.1 Cel @reception"]
    );
    // §5.1.2
    assert_eq!(
        says(
            r#"[{"bn":"urn:dev:ow:10e2073a01080063:","n":"voltage","u":"V","v":120.1},{"n":"current","u":"A","v":1.2}]"#
        ),
        ["voltage 120.1 V @reception", "current 1.2 A @reception"]
    );
    let current = |v: &str, second: i64| format!("current {v} A @12760200{second}001000");
    assert_eq!(
        says(
            r#"[{"bn":"urn:dev:ow:10e2073a0108006:","bt":1.276020076001e+09,"bu":"A","bver":5,"n":"voltage","u":"V","v":120.1},
            {"n":"current","t":-5,"v":1.2},{"n":"current","t":-4,"v":1.3},{"n":"current","v":1.7}]"#
        ),
        [
            "voltage 120.1 V @1276020076001000".to_owned(),
            current("1.2", 71),
            current("1.3", 72),
            current("1.7", 76)
        ]
    );
    // §5.1.3: `%RH` is nobody's percent here, and `%` is a ratio.
    assert_eq!(
        says(
            r#"[{"bn":"urn:dev:ow:10e2073a01080063","bt":1.320067464e+09,"bu":"%RH","v":20},{"u":"lon","v":24.30621},
            {"t":60,"v":20.3}]"#
        ),
        [
            "10e2073a01080063 20 %RH @1320067464000000",
            "10e2073a01080063 24.30621 lon @1320067464000000",
            "10e2073a01080063 20.3 %RH @1320067524000000"
        ]
    );
    // §5.1.5: strings, booleans and data
    let kinds = r#"[{"bn":"urn:dev:ow:10e2073a01080063:","n":"temp","u":"Cel","v":23.1},{"n":"label","vs":"Machine Room"},
        {"n":"open","vb":false},{"n":"nfc-reader","vd":"aGkgCg"}]"#;
    assert_eq!(says(kinds), ["temp 23.1 Cel @reception", r#"label "Machine Room" @reception"#]);
    assert_eq!(skips(kinds), ["open NoValue", "nfc-reader NoValue"]);
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<char> = hex.chars().filter(char::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&String::from_iter(pair), 16).unwrap()).collect()
}

/// The first records of §6's example.
const SECTION_6: &str = "83 a7 21 78 1b 75726e3a6465763a6f773a313065323037336130313038303036 3a
    22 fb 41d303a15b001062 23 61 41 20 05 00 67 766f6c74616765 01 61 56 02 fb 405e066666666666
    a3 00 67 63757272656e74 06 24 02 fb 3ff3333333333333
    a3 00 67 63757272656e74 06 23 02 fb 3ff4cccccccccccd";

#[test]
fn the_example_of_section_6_reads_as_its_json_twin() {
    let wire = bytes(SECTION_6);
    let samples = decode(None, &wire).unwrap();
    assert_eq!(samples.format, Format::SenmlCbor);
    assert_eq!(
        lines(&samples),
        [
            "voltage 120.1 V @1276020076001000",
            "current 1.2 A @1276020071001000",
            "current 1.3 A @1276020072001000"
        ]
    );
}

#[test]
fn cbor_reads_every_number_and_length_that_the_standards_allow() {
    for (name, value, wire) in [
        ("half", "1.5", "81 a2 00 64 68616c66 02 f9 3e00"),
        ("negative", "-500", "81 a2 00 68 6e65676174697665 02 39 01f3"),
        ("decimal fraction", "273.15", "81 a2 00 61 78 02 c4 82 21 19 6ab3"),
        ("open lengths", "7", "9f bf 00 7f 61 78 61 79 ff 02 07 ff ff"),
        ("self-described", "7", "d9d9f7 81 a2 00 61 78 02 07"),
        ("names for labels", "7", "81 a2 61 6e 61 78 61 76 07"),
        ("ignored label", "7", "81 a3 00 61 78 02 07 61 7a 82 01 a1 02 f6"),
    ] {
        let wire = bytes(wire);
        let read = decode(None, &wire).unwrap_or_else(|e| panic!("{name}: {e}"));
        let line = lines(&read).concat();
        assert!(line.contains(&format!(" {value} @reception")), "{name}: {line}");
    }
}

#[test]
fn a_fault_in_cbor_stands_where_its_item_began() {
    for (name, fault, wire) in [
        ("cut", "expected more bytes at byte 6", "81 a2 00 61 78 02"),
        ("trailing", "bytes after the end of the message at byte 7", "81 a2 00 61 78 02 07 00"),
        ("twice", "a key that was already given at byte 7", "81 a3 00 61 78 02 07 02 08"),
        ("not finite", "a number outside the finite doubles at byte 6", "81 a2 00 61 78 02 f9 7c00"),
        ("not a number", "a number outside the finite doubles at byte 6", "81 a2 00 61 78 02 f9 7e00"),
        ("wrong type", "expected a number at byte 6", "81 a2 00 61 78 02 61 37"),
        ("UTF-8", "expected a text at byte 3", "81 a1 00 61 ff"),
        ("must understand", "a label that must be understood and is not at byte 2", "81 a1 62 785f 01"),
        ("huge array", "expected more bytes at byte 9", "9b ffffffffffffffff"),
    ] {
        let wire = bytes(wire);
        assert_eq!(decode(None, &wire).err().map(|e| e.to_string()).as_deref(), Some(fault), "{name}");
    }
    let deep = [&bytes("81 a1 61 7a")[..], &[0x81; 40], &[0x00]].concat();
    assert_eq!(decode(None, &deep).err().map(|e| e.what), Some(What::TooDeep));
}

#[test]
fn the_last_segment_of_base_name_and_name_is_the_signal() {
    for (pack, name) in [
        (r#"[{"bn":"urn:dev:mac:0024befffe804ff1/","n":"heart_rate","v":1}]"#, "heart_rate"),
        (r#"[{"bn":"urn:dev:mac:0024befffe804ff1/heart_","n":"rate","v":1}]"#, "heart_rate"),
        (r#"[{"bn":"watch","n":"/heart_rate","v":1}]"#, "heart_rate"),
        (r#"[{"bn":"dev:spo2","v":1}]"#, "spo2"),
        (r#"[{"n":"spo2","v":1}]"#, "spo2"),
    ] {
        assert_eq!(says(pack), [format!("{name} 1 @reception")]);
    }
}

#[test]
fn base_fields_hold_for_their_record_and_those_that_follow() {
    assert_eq!(
        says(
            r#"[{"bn":"dev:","bu":"Cel","bv":30,"bt":1732233600},{"n":"body_temperature","v":6.5},
            {"n":"skin_temperature"},{"bv":0,"bu":"beat/min","n":"heart_rate","v":70,"t":1.5}]"#
        ),
        [
            "body_temperature 36.5 Cel @1732233600000000",
            "skin_temperature 30 Cel @1732233600000000",
            "heart_rate 70 /min @1732233601500000"
        ]
    );
    // The base value is not added to words.
    assert_eq!(says(r#"[{"bv":3,"n":"glucose","vs":"HIGH"}]"#), [r#"glucose "HIGH" @reception"#]);
}

#[test]
fn times_below_two_to_the_28th_are_relative_to_reception() {
    let at = |t: &str| says(&format!(r#"[{{"n":"x","v":1,"t":{t}}}]"#)).concat();
    assert_eq!(at("-30.5"), "x 1 @reception-30500000");
    assert_eq!(at("268435455"), "x 1 @reception+268435455000000");
    assert_eq!(at("268435456"), "x 1 @268435456000000");
    assert_eq!(says(r#"[{"n":"x","v":1,"bt":268435456,"t":-1}]"#), ["x 1 @reception+268435455000000"]);
    assert_eq!(
        fault(r#"[{"n":"x","v":1,"t":1e300}]"#).to_string(),
        "an instant outside the contract at record 0"
    );
}

#[test]
fn units_of_the_registry_become_ucum_and_percent_is_a_ratio() {
    for (unit, ucum) in
        [("%", "{ratio}"), ("/", "{ratio}"), ("%EL", "%"), ("beat/min", "/min"), ("count", "1"), ("Pa", "Pa")]
    {
        assert_eq!(
            says(&format!(r#"[{{"n":"x","u":"{unit}","v":0.5}}]"#)),
            [format!("x 0.5 {ucum} @reception")]
        );
    }
}

#[test]
fn versions_labels_names_and_values_are_held_to_the_standard() {
    for (pack, what) in [
        (r#"[{"bver":11,"n":"x","v":1}]"#, "a SenML version other than 10 at record 0"),
        (r#"[{"n":"x","v":1},{"bver":5,"n":"y","v":1}]"#, "a SenML version other than 10 at record 1"),
        (r#"[{"n":"x","v":1,"odd_":1}]"#, "a label that must be understood and is not at byte 16"),
        (r#"[{"v":1}]"#, "not a SenML name at record 0"),
        (r#"[{"n":"-x","v":1}]"#, "not a SenML name at record 0"),
        (r#"[{"n":"a b","v":1}]"#, "not a SenML name at record 0"),
        (r#"[{"n":"y"}]"#, "exactly one value expected in the record at record 0"),
        (r#"[{"n":"x","v":1,"vs":"LOW"}]"#, "exactly one value expected in the record at record 0"),
        (r#"[{"n":"x","v":1,"v":2}]"#, "a key that was already given at byte 16"),
        (r#"[{"n":"x","bv":1e308,"v":1e308}]"#, "a number outside the finite doubles at record 0"),
        (r#"[{"n":"x","vd":"aGkgCg=="}]"#, "expected base64url without padding at byte 15"),
        (r#"[{"n":"x","v":"1"}]"#, "expected a number at byte 14"),
        (r#"[{"bn":"x"}]"#, "the message holds no reading at byte 0"),
    ] {
        assert_eq!(fault(pack).to_string(), what, "{pack}");
    }
    assert_eq!(says(r#"[{"n":"x","v":1,"odd":{"a":[1]}}]"#), ["x 1 @reception"]);
    assert_eq!(skips(r#"[{"n":"x","s":3}]"#), ["x NoValue"]);
}
