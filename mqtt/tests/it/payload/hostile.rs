//! What an adversary puts into each format: the fault names the rule that was broken and the place where it was.

use mqtt::payload::{What, decode};

use super::fuzz::CORPUS;

/// The JSON messages of the corpus.
fn messages() -> impl Iterator<Item = &'static [u8]> {
    CORPUS.iter().copied().filter(|message| message.starts_with(b"{") || message.starts_with(b"["))
}

/// Those whose first object is a record: what a Bundle says beside its entries is not read.
fn records() -> impl Iterator<Item = &'static [u8]> {
    messages().filter(|message| !message.windows(8).any(|word| word == b"\"Bundle\""))
}

/// Where the first number that is a member's value stands.
fn first_number(message: &[u8]) -> (usize, usize) {
    let from = (1..message.len())
        .find(|at| {
            let before = message[..*at].trim_ascii_end().last();
            before == Some(&b':')
                && message[*at].is_ascii_digit()
                && message[..*at].trim_ascii_end().ends_with(b"\":")
        })
        .unwrap();
    let length = message[from..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    (from, from + length)
}

fn spliced(message: &[u8], (from, to): (usize, usize), piece: &[u8]) -> Vec<u8> {
    [&message[..from], piece, &message[to..]].concat()
}

/// The fault of a message, or of its record, that must be refused, and the byte it points at.
fn refused(message: &[u8]) -> (What, usize) {
    let fault = match decode(None, message) {
        Err(fault) => Some(fault),
        Ok(samples) => samples.skipped.iter().find_map(|skipped| skipped.fault),
    };
    let fault = fault.unwrap_or_else(|| panic!("accepted: {}", String::from_utf8_lossy(message)));
    let message = fault.to_string();
    let place = message.rsplit(' ').next().and_then(|place| place.parse().ok());
    (fault.what, place.unwrap_or_else(|| panic!("no place in `{message}`")))
}

#[test]
fn a_number_that_is_none_or_too_large_is_refused_where_it_stands_in_every_format() {
    for message in messages() {
        let place = first_number(message);
        for piece in [&b"NaN"[..], b"Infinity", b"-Infinity", b"+1", b"01", b"1.", b".5", b"0x10", b"1e"] {
            let bad = spliced(message, place, piece);
            let (what, at) = refused(&bad);
            let right = matches!(what, What::NumberForm | What::Expected(_));
            let within = (place.0..=place.0 + piece.len()).contains(&at);
            assert!(right && within, "{what:?} at {at}: {}", String::from_utf8_lossy(&bad));
        }
        let nines = vec![b'9'; 400];
        for piece in [&b"1e999"[..], b"-1e999", nines.as_slice()] {
            assert_eq!(refused(&spliced(message, place, piece)), (What::NumberRange, place.0));
        }
    }
}

#[test]
fn a_key_given_twice_is_refused_where_it_comes_again_in_every_format() {
    for message in records() {
        let opening = message.iter().position(|byte| *byte == b'{').unwrap() + 1;
        let bad = spliced(message, (opening, opening), br#""zz":"a","zz":"b","#);
        assert_eq!(refused(&bad), (What::DuplicateKey, opening + 9), "{}", String::from_utf8_lossy(&bad));
        let below = spliced(message, (opening, opening), br#""zz":{"a":1,"a":2},"#);
        assert!(matches!(refused(&below), (What::DuplicateKey | What::Expected(_), _)));
        // Written otherwise, it is the same key.
        let bad = spliced(message, (opening, opening), br#""zz":"a","\u007az":"b","#);
        assert_eq!(refused(&bad), (What::DuplicateKey, opening + 9), "{}", String::from_utf8_lossy(&bad));
    }
}

#[test]
fn nesting_without_end_is_refused_in_every_format_and_costs_no_stack() {
    for message in records() {
        let opening = message.iter().position(|byte| *byte == b'{').unwrap() + 1;
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            for deep in [40, 200_000] {
                let nest = format!(r#""zz":{}0{},"#, open.repeat(deep), close.repeat(deep));
                let (what, at) = refused(&spliced(message, (opening, opening), nest.as_bytes()));
                // Where a format says that a member is a word or a number, that is what it asks for.
                assert!(matches!(what, What::TooDeep | What::Expected(_)), "{what:?}");
                assert!((opening..opening + 40 * open.len() + 8).contains(&at), "{at}");
            }
        }
    }
}

#[test]
fn bytes_that_are_not_utf_8_are_refused_where_they_stand_in_every_format() {
    let wrong: [&[u8]; 6] =
        [b"\xff", b"\xc3\x28", b"\xe2\x82", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80"];
    for message in messages() {
        let quote = message.iter().position(|byte| *byte == b'"').unwrap() + 1;
        for piece in wrong {
            assert_eq!(
                refused(&spliced(message, (quote, quote), piece)),
                (What::NotUtf8, quote),
                "{piece:x?}"
            );
        }
    }
}

#[test]
fn a_message_that_breaks_off_anywhere_is_refused_in_every_format() {
    for message in CORPUS {
        let whole = message.trim_ascii_end();
        for end in 0..whole.len() {
            let fault = decode(None, &whole[..end]).err();
            let fault = fault.unwrap_or_else(|| panic!("{end} of {} bytes accepted", whole.len()));
            let place = fault.to_string();
            assert!(place.contains(" at "), "{place}");
        }
    }
}

/// One record `{0: "x", 2: …}` in an array, with the value given.
fn cbor(value: &[u8]) -> Vec<u8> {
    [&[0x81, 0xa2, 0x00, 0x61, b'x', 0x02][..], value].concat()
}

#[test]
fn hostile_cbor_is_refused_where_its_item_began() {
    let range = (What::NumberRange, 6);
    for (name, value, expected) in [
        ("half NaN", &[0xf9, 0x7e, 0x00][..], range),
        ("single NaN", &[0xfa, 0x7f, 0xc0, 0, 0], range),
        ("double NaN", &[0xfb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 1], range),
        ("minus infinity", &[0xfb, 0xff, 0xf0, 0, 0, 0, 0, 0, 0], range),
    ] {
        assert_eq!(refused(&cbor(value)), expected, "{name}");
    }
    let deep = [&[0x81, 0xa1, 0x61, b'z'][..], &vec![0x81; 200_000], &[0x00]].concat();
    assert_eq!(refused(&deep).0, What::TooDeep);
    let endless = [&[0x81, 0xa1, 0x61, b'z'][..], &vec![0x9f; 200_000]].concat();
    assert!(matches!(refused(&endless).0, What::TooDeep | What::Expected(_)));
    // A decimal whose exponent no double can hold, and lengths that no message can have.
    for (name, value) in [
        ("huge exponent", &[0xc4, 0x82, 0x1b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01][..]),
        ("huge text", &[0x7b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ("huge bytes", &[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ("huge map", &[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ("reserved length", &[0x1c]),
        ("a break alone", &[0xff]),
        ("undefined", &[0xf7]),
    ] {
        let (_, at) = refused(&cbor(value));
        assert!((6..=6 + value.len()).contains(&at), "{name} at {at}");
    }
    for (name, twice) in [
        (
            "a label that is ignored",
            &[0x81, 0xa4, 0x00, 0x61, b'x', 0x02, 0x07, 0x61, b'z', 1, 0x61, b'z', 2][..],
        ),
        ("a number that is ignored", &[0x81, 0xa4, 0x00, 0x61, b'x', 0x02, 0x07, 0x18, 99, 1, 0x18, 99, 2]),
    ] {
        assert_eq!(refused(twice), (What::DuplicateKey, 10), "{name}");
    }
    let below = [0x81, 0xa3, 0x00, 0x61, b'x', 0x02, 0x07, 0x61, b'z', 0xa2, 0x01, 0x00, 0x01, 0x00];
    assert_eq!(refused(&below), (What::DuplicateKey, 12));
}
