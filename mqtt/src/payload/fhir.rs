//! FHIR R4 Observation, and Bundle of Observations: LOINC codes to signals, UCUM units, components, and the
//! end of the effective time. Resources of other types in a Bundle hold no readings and are passed over.

use std::borrow::Cow;

use super::json::Scanner;
use super::stamp::Written;
use super::{At, Format, Malformed, Place, Sample, Samples, Skip, Value, What, stamp};

type Read<T> = Result<T, Malformed>;

const LOINC: &str = "http://loinc.org";
const UCUM: &str = "http://unitsofmeasure.org";

/// LOINC to signal (clinical reference 4d; 3151-8 from US Core's pulse oximetry profile).
fn signal(loinc: &str) -> Option<&'static str> {
    Some(match loinc {
        "8867-4" => "heart_rate",
        "40443-4" => "resting_heart_rate",
        "9279-1" => "respiratory_rate",
        "2708-6" | "59408-5" => "spo2",
        "8310-5" => "body_temperature",
        "8480-6" => "systolic_bp",
        "8462-4" => "diastolic_bp",
        "99504-3" | "105272-9" => "glucose",
        "41653-7" | "2339-0" => "glucose_capillary",
        "29463-7" => "weight",
        "8302-2" => "height",
        "41950-7" | "55423-8" => "steps",
        "93832-4" => "sleep_duration",
        "80404-7" => "hrv_sdnn",
        "3151-8" => "supplemental_oxygen",
        _ => return None,
    })
}

pub(super) fn read<'a>(scanner: &mut Scanner<'a>) -> Read<Samples<'a>> {
    let mut out = Samples::new(Format::Fhir);
    let at = scanner.place();
    match resource_type(*scanner)?.as_ref() {
        "Observation" => observation(scanner, &mut out)?,
        "Bundle" => bundle(scanner, &mut out)?,
        _ => return Err(Malformed::byte(at, What::Expected("an Observation or a Bundle"))),
    }
    Ok(out)
}

/// Looks ahead: the type may stand after what it gives meaning to.
fn resource_type<'a>(mut scanner: Scanner<'a>) -> Read<Cow<'a, str>> {
    let at = scanner.place();
    scanner.open(b'{', "a resource")?;
    let mut first = true;
    while let Some((key, _)) = scanner.key(&mut first)? {
        if key == "resourceType" {
            return scanner.string("a resource type");
        }
        scanner.skip()?;
    }
    Err(Malformed::byte(at, What::Missing("resourceType")))
}

fn bundle<'a>(scanner: &mut Scanner<'a>, out: &mut Samples<'a>) -> Read<()> {
    scanner.object(|scanner, key| match key {
        "entry" => scanner.array(|scanner| {
            scanner.object(|scanner, key| match key {
                "resource" if resource_type(*scanner)? == "Observation" => observation(scanner, out),
                _ => scanner.skip(),
            })
        }),
        _ => scanner.skip(),
    })
}

/// The code, value and absence of an Observation or of one of its components.
#[derive(Default)]
struct Measure<'a> {
    code: Code<'a>,
    quantity: Option<Quantity<'a>>,
}

impl<'a> Measure<'a> {
    /// Takes a member that both know; `false` leaves it unread.
    fn member(&mut self, scanner: &mut Scanner<'a>, key: &str) -> Read<bool> {
        match key {
            "code" => self.code = code(scanner)?,
            "valueQuantity" => self.quantity = Some(quantity(scanner)?),
            "valueInteger" => {
                let value = Value::Number(scanner.number()?.value);
                self.quantity = Some(Quantity { value, unit: None });
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn observation<'a>(scanner: &mut Scanner<'a>, out: &mut Samples<'a>) -> Read<()> {
    let at = scanner.place();
    let (mut own, mut components) = (Measure::default(), Vec::new());
    let (mut status, mut effective) = (None, None);
    scanner.object(|scanner, key| {
        match key {
            "status" => status = Some(scanner.string("a status")?),
            "effectiveDateTime" | "effectiveInstant" => effective = Some(date_time(scanner)?),
            "effectivePeriod" => effective = Some(period(scanner)?),
            "component" => scanner.array(|scanner| {
                let room = super::MAX_READINGS.saturating_sub(components.len());
                if room == 0 {
                    return scanner.refuse(What::TooMany);
                }
                component(scanner).map(|measure| components.push(measure))
            })?,
            _ if own.member(scanner, key)? => {}
            _ => scanner.skip()?,
        }
        Ok(())
    })?;
    let status = status.ok_or(Malformed::byte(at, What::Missing("status")))?;
    let retracted = matches!(status.as_ref(), "entered-in-error" | "cancelled");
    // A panel has no value of its own: its components speak for it, and what they hold beside signals is detail.
    let is_panel = components.iter().any(|c| c.code.signal.is_some());
    if own.quantity.is_some() || !is_panel {
        emit(own, retracted, effective, out, at)?;
    }
    for measure in components.into_iter().filter(|c| c.code.signal.is_some() || c.quantity.is_some()) {
        emit(measure, retracted, effective, out, at)?;
    }
    Ok(())
}

fn component<'a>(scanner: &mut Scanner<'a>) -> Read<Measure<'a>> {
    let mut measure = Measure::default();
    scanner.object(|scanner, key| if measure.member(scanner, key)? { Ok(()) } else { scanner.skip() })?;
    Ok(measure)
}

fn emit<'a>(
    measure: Measure<'a>,
    retracted: bool,
    effective: Option<Effective>,
    out: &mut Samples<'a>,
    at: usize,
) -> Read<()> {
    let place = Place::Byte(at);
    let Some(name) = measure.code.signal.map(Cow::Borrowed) else {
        let code = measure.code.first.unwrap_or(Cow::Borrowed("Observation"));
        return out.skip(code, Skip::Unknown, place);
    };
    if retracted {
        return out.skip(name, Skip::Retracted, place);
    }
    let Some(Quantity { value, unit }) = measure.quantity else {
        return out.skip(name, Skip::NoValue, place);
    };
    let at = match effective {
        None => At::Reception(0),
        Some(Effective::At(micros)) => At::Unix(micros),
        Some(Effective::Day) => return out.skip(name, Skip::Undated, place),
    };
    out.push(Sample { name, value, unit, at }, place)
}

/// What a CodeableConcept says: a signal if a LOINC code knows one, and its first code otherwise.
#[derive(Default)]
struct Code<'a> {
    signal: Option<&'static str>,
    first: Option<Cow<'a, str>>,
}

fn code<'a>(scanner: &mut Scanner<'a>) -> Read<Code<'a>> {
    let mut known = Code::default();
    scanner.object(|scanner, key| match key {
        "coding" => scanner.array(|scanner| {
            let (mut system, mut code) = (None, None);
            scanner.object(|scanner, key| match key {
                "system" => scanner.string("a code system").map(|text| system = Some(text)),
                "code" => scanner.string("a code").map(|text| code = Some(text)),
                _ => scanner.skip(),
            })?;
            if let (Some(LOINC), Some(loinc)) = (system.as_deref(), code.as_deref()) {
                known.signal = known.signal.or_else(|| signal(loinc));
            }
            known.first = known.first.take().or(code);
            Ok(())
        }),
        _ => scanner.skip(),
    })?;
    Ok(known)
}

struct Quantity<'a> {
    value: Value<'a>,
    unit: Option<Cow<'a, str>>,
}

/// A Quantity; a comparator says that the sensor's range ended there, which is a sentinel and not a value.
fn quantity<'a>(scanner: &mut Scanner<'a>) -> Read<Quantity<'a>> {
    let at = scanner.place();
    let (mut value, mut unit, mut code, mut comparator) = (None, None, None, None);
    let mut is_ucum = true;
    scanner.object(|scanner, key| {
        match key {
            "value" => value = Some(scanner.number()?.value),
            "unit" => unit = Some(scanner.string("a unit")?),
            "code" => code = Some(scanner.string("a unit code")?),
            "system" => is_ucum = scanner.string("a unit system")? == UCUM,
            "comparator" => comparator = Some((scanner.place(), scanner.string("a comparator")?)),
            _ => scanner.skip()?,
        }
        Ok(())
    })?;
    let number = value.ok_or(Malformed::byte(at, What::Missing("value")))?;
    let value = match comparator {
        None => Value::Number(number),
        Some((at, sign)) => Value::Text(Cow::Borrowed(match sign.as_ref() {
            "<" | "<=" => "LOW",
            ">" | ">=" => "HIGH",
            _ => return Err(Malformed::byte(at, What::Expected("a comparator"))),
        })),
    };
    Ok(Quantity { value, unit: code.filter(|_| is_ucum).or(unit) })
}

#[derive(Clone, Copy)]
enum Effective {
    At(i64),
    /// A date without a time of day.
    Day,
}

fn date_time(scanner: &mut Scanner<'_>) -> Read<Effective> {
    let at = scanner.place();
    match stamp::written(&scanner.string("a dateTime")?) {
        Some(Written::At(micros)) => Ok(Effective::At(micros)),
        Some(Written::Day) => Ok(Effective::Day),
        None => Err(Malformed::byte(at, What::Stamp)),
    }
}

/// The end of a Period; one that has not ended places nothing.
fn period(scanner: &mut Scanner<'_>) -> Read<Effective> {
    let mut end = None;
    scanner.object(|scanner, key| match key {
        "end" => date_time(scanner).map(|t| end = Some(t)),
        "start" => date_time(scanner).map(drop),
        _ => scanner.skip(),
    })?;
    Ok(end.unwrap_or(Effective::Day))
}
