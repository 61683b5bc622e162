//! Every strictness rule, with the place it names and without the value it saw.

use mqtt::payload::{What, decode};

use super::{fault, says};

#[test]
fn what_is_not_strict_json_is_refused_where_it_stands() {
    for (text, what) in [
        (" ", "expected an object at byte 1"),
        ("7", "expected an object at byte 0"),
        ("[]", "the message holds no reading at byte 0"),
        ("{}", "the message holds no reading at byte 0"),
        (r#"{"ts":1,"values":{}}"#, "the message holds no reading at byte 0"),
        (r#"[[{"spo2":1}]]"#, "expected an object at byte 1"),
        (r#"{"spo2":1}x"#, "bytes after the end of the message at byte 10"),
        (r#"{"spo2":1} {}"#, "bytes after the end of the message at byte 11"),
        (r#"{"spo2":1,}"#, "expected a member after `,` at byte 10"),
        (r#"{"spo2":1 "x":2}"#, "expected `,` or `}` at byte 10"),
        (r#"[{"spo2":1}{"spo2":1}]"#, "expected `,` or `]` at byte 11"),
        (r#"{"spo2" 1}"#, "expected `:` at byte 8"),
        (r#"{spo2:1}"#, "expected a key at byte 1"),
        (r#"{"spo2":097}"#, "not a JSON number at byte 8"),
        (r#"{"spo2":-07}"#, "not a JSON number at byte 8"),
        (r#"{"spo2":+97}"#, "not a JSON number at byte 8"),
        (r#"{"spo2":.97}"#, "not a JSON number at byte 8"),
        (r#"{"spo2":97.}"#, "not a JSON number at byte 8"),
        (r#"{"spo2":9e}"#, "not a JSON number at byte 8"),
        (r#"{"spo2":-}"#, "not a JSON number at byte 8"),
        (r#"{"spo2":NaN}"#, "not a JSON number at byte 8"),
        (r#"{"spo2":Infinity}"#, "not a JSON number at byte 8"),
        (r#"{"spo2":-Infinity}"#, "not a JSON number at byte 8"),
        (r#"{"spo2":1e400}"#, "a number outside the finite doubles at byte 8"),
        (r#"{"spo2":true}"#, "expected a number or a string at byte 8"),
        (r#"{"spo2":null}"#, "expected a number or a string at byte 8"),
        (r#"{"spo2":{"v":1}}"#, "expected a number or a string at byte 8"),
        (r#"{"spo2":[1]}"#, "expected a number or a string at byte 8"),
        (r#"{"values":[1]}"#, "expected an object of values at byte 10"),
        (r#"{"values":{"a":1},"units":{"a":1}}"#, "expected a unit at byte 31"),
        (r#"{"ts":"1732233600","spo2":1}"#, "expected a number at byte 6"),
        (r#"{"ts":1e15,"spo2":1}"#, "an instant outside the contract at byte 6"),
        (r#"{"ts":-1e12,"spo2":1}"#, "an instant outside the contract at byte 6"),
        (r#"{"ts":1,"ts":2,"spo2":1}"#, "a key that was already given at byte 8"),
        (r#"{"values":{"spo2":1},"values":{}}"#, "a key that was already given at byte 21"),
        (r#"{"values":{"spo2":1,"spo2":1}}"#, "a key that was already given at byte 20"),
        (r#"{"units":{"a":"x","a":"x"},"a":1}"#, "a key that was already given at byte 18"),
        (r#"{"spo2":"LO"#, "expected the end of a string at byte 11"),
        ("{\"spo2\":\"L\nW\"}", "expected the end of a string at byte 10"),
        (r#"{"a":"\x"}"#, "expected an escape at byte 7"),
        (r#"{"a":"\ud800"}"#, "expected a Unicode escape at byte 8"),
        (r#"{"a":"\udc00\ud800"}"#, "expected a Unicode escape at byte 8"),
        (r#"{"a":"\u00g0"}"#, "expected a Unicode escape at byte 8"),
        ("\u{feff}{\"a\":1}", "expected an object at byte 0"),
    ] {
        assert_eq!(fault(text).to_string(), what, "{text}");
    }
}

#[test]
fn an_empty_message_and_bytes_outside_utf8_are_told_apart() {
    let fault = |bytes: &[u8]| decode(None, bytes).err().map(|e| e.to_string());
    assert_eq!(fault(b"").as_deref(), Some("the message is empty at byte 0"));
    assert_eq!(fault(b"{\"a\xff\":1}").as_deref(), Some("not UTF-8 at byte 3"));
    assert_eq!(fault(b"\xff\xfe").as_deref(), Some("not UTF-8 at byte 0"));
    assert_eq!(
        decode(Some("application/senml+json"), b"\x81\xa0").err().map(|e| e.what),
        Some(What::NotUtf8)
    );
}

#[test]
fn nesting_ends_at_32_even_in_what_is_passed_over() {
    let nested = |n: usize| {
        let (open, close) = ("[".repeat(n), "]".repeat(n));
        format!(r#"[{{"n":"x","v":1,"z":{open}{close}}}]"#)
    };
    assert_eq!(says(&nested(30)), ["x 1 @reception"]);
    assert_eq!(fault(&nested(31)).to_string(), "nested deeper than 32 at byte 50");
    let bomb = "[".repeat(1_000_000);
    assert_eq!(
        decode(None, bomb.as_bytes()).err().map(|e| e.to_string()).as_deref(),
        Some("expected a value at byte 1000000")
    );
}

#[test]
fn a_fault_never_repeats_what_stood_there() {
    for text in [r#"{"spo2":"secret" x}"#, r#"{"secret":[1]}"#, r#"{"ts":98765432109876543,"a":1}"#] {
        let message = fault(text).to_string();
        assert!(!message.contains("secret") && !message.contains("9876"), "{message}");
    }
}

#[test]
fn a_number_is_the_double_nearest_to_its_text() {
    for text in ["0.1", "36.6", "1e-7", "5e-324", "1.7976931348623157e308", "-0", "9007199254740993", "100"] {
        let message = format!(r#"{{"x":{text}}}"#);
        let nearest: f64 = text.parse().unwrap();
        assert_eq!(says(&message), [format!("x {nearest} @reception")]);
    }
}
