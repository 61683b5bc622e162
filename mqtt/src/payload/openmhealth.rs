//! Open mHealth data points (header and body, one or an array): the schema names the signal, the body's time
//! frame the instant. A mean over at most an hour is a reading; other statistics of a span are not.

use std::borrow::Cow;

use super::json::{Read, Scanner};
use super::stamp::Written;
use super::{At, Format, Malformed, Samples, Skip, Value, What, stamp};

/// The longest span whose mean still stands for its end.
const MEAN_SPAN: i64 = 3_600_000_000;

/// What a schema measures: body key and signal.
type Measures = &'static [(&'static str, &'static str)];

fn measures(schema: &str) -> Option<Measures> {
    Some(match schema {
        "heart-rate" => &[("heart_rate", "heart_rate")],
        "respiratory-rate" => &[("respiratory_rate", "respiratory_rate")],
        "oxygen-saturation" => {
            &[("oxygen_saturation", "spo2"), ("supplemental_oxygen_flow_rate", "supplemental_oxygen")]
        }
        "blood-glucose" => &[("blood_glucose", "glucose")],
        "body-temperature" => &[("body_temperature", "body_temperature")],
        "blood-pressure" => {
            &[("systolic_blood_pressure", "systolic_bp"), ("diastolic_blood_pressure", "diastolic_bp")]
        }
        "body-weight" => &[("body_weight", "weight")],
        "body-height" => &[("body_height", "height")],
        "step-count" => &[("step_count", "steps")],
        "sleep-duration" => &[("sleep_duration", "sleep_duration")],
        _ => return None,
    })
}

/// Schemas whose value means nothing without the interval that it fills.
fn is_of_a_span(schema: &str) -> bool {
    matches!(schema, "step-count" | "sleep-duration")
}

pub(super) fn read<'a>(scanner: &mut Scanner<'a>) -> Read<Samples<'a>> {
    let mut out = Samples::new(Format::OpenMhealth);
    if scanner.peek() == b'[' {
        scanner.array(|scanner| out.record(scanner, point))?;
    } else {
        out.record(scanner, point)?;
    }
    Ok(out)
}

/// One data point. The header may come after the body, so the body is bookmarked and read last.
fn point<'a>(scanner: &mut Scanner<'a>, out: &mut Samples<'a>) -> Read<()> {
    let at = scanner.place();
    let (mut head, mut body) = (Header::default(), None);
    scanner.object(|scanner, key| {
        match key {
            "header" => head = header(scanner)?,
            "body" => {
                body = Some(*scanner);
                scanner.skip()?;
            }
            _ => scanner.skip()?,
        }
        Ok(())
    })?;
    if let Some(user) = head.user {
        out.claim(user);
    }
    let schema = head.schema.ok_or(Malformed::byte(at, What::Missing("header.schema_id")))?;
    let mut body = body.ok_or(Malformed::byte(at, What::Missing("body")))?;
    match measures(&schema) {
        Some(measures) => read_body(&mut body, measures, is_of_a_span(&schema), out),
        None => out.skip(schema, Skip::Unknown, None),
    }
}

/// What a header says: the schema's name, and whose the point is.
#[derive(Default)]
struct Header<'a> {
    schema: Option<Cow<'a, str>>,
    user: Option<Cow<'a, str>>,
}

fn header<'a>(scanner: &mut Scanner<'a>) -> Read<Header<'a>> {
    let mut header = Header::default();
    scanner.object(|scanner, key| match key {
        "schema_id" => scanner.object(|scanner, key| match key {
            "name" => scanner.string("a schema name").map(|text| header.schema = Some(text)),
            _ => scanner.skip(),
        }),
        "user_id" => user_id(scanner).map(|user| header.user = Some(user)),
        _ => scanner.skip(),
    })?;
    Ok(header)
}

/// A text, or whatever else a vendor puts there: a claim all the same.
fn user_id<'a>(scanner: &mut Scanner<'a>) -> Read<Cow<'a, str>> {
    match scanner.attempt(|scanner| scanner.string("a user id"))? {
        Ok(user) => Ok(user),
        Err(_no_text) => Ok(Cow::Borrowed("")),
    }
}

/// One value of a body, or what is wrong with it.
type Found<'a> = (&'static str, Read<Quantity<'a>>);

fn read_body<'a>(
    scanner: &mut Scanner<'a>,
    measures: Measures,
    needs_span: bool,
    out: &mut Samples<'a>,
) -> Read<()> {
    let at = scanner.place();
    let mut found: Vec<Found<'a>> = Vec::with_capacity(measures.len());
    let (mut frame, mut statistic, mut per_span) = (None, None, false);
    let (mut specimen, mut location) = (None, None);
    scanner.object(|scanner, key| {
        if let Some((_, signal)) = measures.iter().find(|(body_key, _)| *body_key == key) {
            found.push((signal, scanner.attempt(quantity)?));
            return Ok(());
        }
        match key {
            "effective_time_frame" => frame = Some(scanner.attempt(time_frame)?),
            "descriptive_statistic" => statistic = Some(scanner.string("a statistic")?),
            "descriptive_statistic_denominator" => {
                per_span = true;
                scanner.skip()?;
            }
            "specimen_source" => specimen = Some(scanner.string("a specimen")?),
            "measurement_location" => location = Some(scanner.string("a location")?),
            _ => scanner.skip()?,
        }
        Ok(())
    })?;
    let first_key = measures.first().map_or("", |(key, _)| *key);
    if found.is_empty() {
        let signal = measures.first().map_or("", |(_, signal)| *signal);
        let fault = Malformed::byte(at, What::Missing(first_key));
        return out.refuse(Cow::Borrowed(signal), Skip::NoValue, None, Some(fault));
    }
    let missing = |what| Err(Malformed::byte(at, What::Missing(what)));
    let frame = match frame.unwrap_or_else(|| missing("effective_time_frame")) {
        Ok(Frame::Moment(_)) if needs_span => missing("time_interval"),
        frame => frame,
    };
    let end = match frame {
        Ok(Frame::Moment(end) | Frame::Span { end, .. }) => Some(At::Unix(end)),
        _ => None,
    };
    for (signal, quantity) in found {
        let name = signal_at(signal, specimen.as_deref(), location.as_deref()).map(Cow::Borrowed);
        match (name, frame, end, quantity) {
            (None, ..) => out.skip(Cow::Borrowed(first_key), Skip::Unknown, end)?,
            (Some(name), .., Err(fault)) => out.refuse(name, Skip::NoValue, end, Some(fault))?,
            (Some(name), Err(fault), ..) => out.refuse(name, Skip::Undated, None, Some(fault))?,
            (Some(name), Ok(_), None, _) => out.skip(name, Skip::Undated, None)?,
            (Some(name), Ok(frame), Some(end), Ok(quantity)) => {
                if is_a_reading(statistic.as_deref(), per_span, frame) {
                    out.push(name, quantity.value, quantity.unit, end)?;
                } else {
                    out.skip(name, Skip::Statistic, Some(end))?;
                }
            }
        }
    }
    Ok(())
}

fn is_a_reading(statistic: Option<&str>, per_span: bool, frame: Frame) -> bool {
    match (statistic, frame) {
        (None, _) => !per_span,
        (Some("average"), Frame::Moment(_)) => !per_span,
        (Some("average"), Frame::Span { length, .. }) => !per_span && length <= MEAN_SPAN,
        _ => false,
    }
}

/// Where it was taken can make it another signal, or none.
fn signal_at(signal: &'static str, specimen: Option<&str>, location: Option<&str>) -> Option<&'static str> {
    match (signal, specimen, location) {
        ("glucose", None | Some("interstitial fluid"), _) => Some(signal),
        // A spot value of blood, wherever it was drawn: the thresholds of hypoglycaemia are those of plasma.
        (
            "glucose",
            Some(
                "capillary blood" | "venous blood" | "arterial blood" | "whole blood" | "plasma" | "serum"
                | "venous plasma" | "serum or plasma",
            ),
            _,
        ) => Some("glucose_capillary"),
        ("glucose", ..) => None,
        ("body_temperature", _, Some("finger" | "toe" | "wrist" | "left wrist" | "right wrist")) => {
            Some("skin_temperature")
        }
        _ => Some(signal),
    }
}

struct Quantity<'a> {
    value: Value<'a>,
    unit: Option<Cow<'a, str>>,
}

/// `{"value", "unit"}`, or a bare number as step-count had before version 3.
fn quantity<'a>(scanner: &mut Scanner<'a>) -> Read<Quantity<'a>> {
    if scanner.peek() != b'{' {
        return Ok(Quantity { value: Value::Number(scanner.number()?.value), unit: None });
    }
    let at = scanner.place();
    let (mut value, mut unit) = (None, None);
    scanner.object(|scanner, key| match key {
        // A sensor at the end of its range writes a word.
        "value" if scanner.peek() == b'"' => {
            scanner.string("a value").map(|word| value = Some(Value::Text(word)))
        }
        "value" => scanner.number().map(|n| value = Some(Value::Number(n.value))),
        "unit" => scanner.string("a unit").map(|text| unit = Some(text)),
        _ => scanner.skip(),
    })?;
    let value = value.ok_or(Malformed::byte(at, What::Missing("value")))?;
    let unit = unit.ok_or(Malformed::byte(at, What::Missing("unit")))?;
    Ok(Quantity { value, unit: Some(unit) })
}

/// When: a moment, a span that ends at the reading's instant, or only a date.
#[derive(Clone, Copy)]
enum Frame {
    Moment(i64),
    Span { end: i64, length: i64 },
    Undated,
}

fn time_frame(scanner: &mut Scanner<'_>) -> Read<Frame> {
    let at = scanner.place();
    let mut frame = None;
    scanner.object(|scanner, key| match key {
        "date_time" => date_time(scanner).map(|end| frame = Some(Frame::Moment(end))),
        "time_interval" => interval(scanner).map(|span| frame = Some(span)),
        _ => scanner.skip(),
    })?;
    frame.ok_or(Malformed::byte(at, What::Missing("date_time or time_interval")))
}

/// Two of start, end and duration; a date with a part of the day places nothing.
fn interval(scanner: &mut Scanner<'_>) -> Read<Frame> {
    let at = scanner.place();
    let (mut start, mut end, mut length, mut date) = (None, None, None, false);
    scanner.object(|scanner, key| match key {
        "start_date_time" => date_time(scanner).map(|t| start = Some(t)),
        "end_date_time" => date_time(scanner).map(|t| end = Some(t)),
        "duration" => duration(scanner).map(|d| length = Some(d)),
        "date" => scanner.string("a date").map(|_day| date = true),
        _ => scanner.skip(),
    })?;
    match (start, end, length) {
        (Some(start), Some(end), _) => Ok(Frame::Span { end, length: end.saturating_sub(start) }),
        (_, Some(end), Some(Some(length))) => Ok(Frame::Span { end, length }),
        (Some(start), None, Some(Some(length))) => {
            let end = start.checked_add(length).ok_or(Malformed::byte(at, What::Stamp))?;
            Ok(Frame::Span { end, length })
        }
        (Some(_), None, Some(None)) | (_, Some(_), Some(None)) => Ok(Frame::Undated),
        _ if date => Ok(Frame::Undated),
        _ => Err(Malformed::byte(at, What::Missing("two of start, end and duration"))),
    }
}

fn date_time(scanner: &mut Scanner<'_>) -> Read<i64> {
    let at = scanner.place();
    match stamp::written(&scanner.string("a date-time")?) {
        Some(Written::At(micros)) => Ok(micros),
        _ => Err(Malformed::byte(at, What::Stamp)),
    }
}

/// A duration in microseconds; `None` for months and years, whose length nobody knows.
fn duration(scanner: &mut Scanner<'_>) -> Read<Option<i64>> {
    let at = scanner.place();
    let Quantity { value: Value::Number(value), unit } = quantity(scanner)? else {
        return Err(Malformed::byte(at, What::Expected("a number")));
    };
    let seconds = match unit.as_deref() {
        Some("ms") => 0.001,
        Some("sec") => 1.0,
        Some("min") => 60.0,
        Some("h") => 3_600.0,
        Some("d") => 86_400.0,
        Some("wk") => 604_800.0,
        Some("Mo" | "yr") => return Ok(None),
        _ => return Err(Malformed::byte(at, What::Expected("a unit of time"))),
    };
    stamp::micros(value * seconds).map(Some).ok_or(Malformed::byte(at, What::Stamp))
}
