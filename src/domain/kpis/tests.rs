//! Names read back, dimensions have one form, and no sentence fits into a fact.

use std::time::Duration;

use super::*;

#[test]
fn every_kind_and_every_unit_reads_back_from_its_name() {
    for kind in Kind::ALL {
        assert_eq!(Kind::from_name(kind.name()), Some(*kind));
    }
    for unit in Unit::ALL {
        assert_eq!(Unit::from_name(unit.name()), Some(unit));
    }
    assert_eq!((Kind::from_name("alert.seen"), Unit::from_name("s")), (None, None));
}

#[test]
fn no_sentence_fits_into_a_code() {
    for code in ["http_410", "alert.evaluate", "always:2", "A-1", &"x".repeat(Code::LONGEST)] {
        assert_eq!(Code::of(code).as_str(), code);
    }
    for text in ["", "Maria da Silva", "não", "a@b", &"x".repeat(Code::LONGEST + 1)] {
        assert_eq!(Code::of(text).as_str(), Code::OTHER, "{text}");
    }
}

#[test]
fn dimensions_have_one_form_in_whatever_order_they_were_given() {
    let fact = || Fact::new(Kind::AlertRaised, "a", 1, Instant::from_secs(1));
    let one = fact().with(Dimension::Rule, "tachycardia").with(Dimension::Level, "red");
    let other = fact().with(Dimension::Level, "red").with(Dimension::Rule, "tachycardia");
    assert_eq!(one, other);
    let json = serde_json::to_string(&one.dimensions).unwrap();
    assert_eq!(json, r#"{"rule":"tachycardia","level":"red"}"#);
    assert_eq!(serde_json::from_str::<Dimensions>(&json).unwrap(), one.dimensions);
}

#[test]
fn a_time_is_counted_in_whole_milliseconds() {
    let took = Amount::took_counted(Duration::from_micros(90_000_999), Duration::from_secs(30));
    assert_eq!((took.value, took.counted, took.unit), (90_000, Some(30_000), Unit::Milliseconds));
    assert_eq!(Amount::people(3).value, 3);
}
