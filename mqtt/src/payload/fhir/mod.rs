//! FHIR R4 Observation, and Bundle of Observations: codes to signals, UCUM units, components, times, and whose it
//! says to be. Resources of other types in a Bundle hold no readings and are passed over.

mod codes;
mod when;

use std::borrow::Cow;

use super::json::{Read, Scanner};
use super::{At, Format, MAX_READINGS, Malformed, Samples, Skip, Status, Value, What};
use codes::{Meaning, meaning};
use when::Times;

const UCUM: &str = "http://unitsofmeasure.org";

pub(super) fn read<'a>(scanner: &mut Scanner<'a>) -> Read<Samples<'a>> {
    let mut out = Samples::new(Format::Fhir);
    let at = scanner.place();
    match resource_type(*scanner)?.as_ref() {
        "Observation" => out.record(scanner, observation)?,
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
        scanner.pass()?;
    }
    Err(Malformed::byte(at, What::Missing("resourceType")))
}

/// Each entry is a record of its own; the members of the Bundle itself are not read.
fn bundle<'a>(scanner: &mut Scanner<'a>, out: &mut Samples<'a>) -> Read<()> {
    scanner.open(b'{', "a Bundle")?;
    let mut first = true;
    while let Some((key, _)) = scanner.key(&mut first)? {
        if key == "entry" && scanner.peek() == b'[' {
            scanner.array(|scanner| out.record(scanner, entry))?;
        } else {
            scanner.pass()?;
        }
    }
    Ok(())
}

fn entry<'a>(scanner: &mut Scanner<'a>, out: &mut Samples<'a>) -> Read<()> {
    scanner.object(|scanner, key| match key {
        "resource" if resource_type(*scanner)? == "Observation" => observation(scanner, out),
        _ => scanner.skip(),
    })
}

/// The code and value of an Observation or of one of its components; a value that cannot be read with its fault.
#[derive(Default)]
struct Measure<'a> {
    code: Code<'a>,
    quantity: Option<Read<Option<Quantity<'a>>>>,
}

impl<'a> Measure<'a> {
    /// Takes a member that both know; `false` leaves it unread.
    fn member(&mut self, scanner: &mut Scanner<'a>, key: &str) -> Read<bool> {
        match key {
            "code" => self.code = code(scanner)?,
            "valueQuantity" => self.quantity = Some(scanner.attempt(quantity)?),
            "valueInteger" | "valueString" => self.quantity = Some(scanner.attempt(bare)?.map(Some)),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Whether it is more than a detail of the Observation around it.
    fn speaks(&self) -> bool {
        self.code.meaning.is_some() || self.quantity.is_some()
    }
}

fn observation<'a>(scanner: &mut Scanner<'a>, out: &mut Samples<'a>) -> Read<()> {
    let at = scanner.place();
    let (mut own, mut components) = (Measure::default(), Vec::new());
    let (mut status, mut times) = (None, Times::default());
    scanner.object(|scanner, key| {
        match key {
            "status" => status = Some(standing(scanner)?),
            "subject" => {
                if let Some(subject) = subject(scanner)? {
                    out.claim(subject);
                }
            }
            "component" => scanner.array(|scanner| {
                let room = MAX_READINGS.saturating_sub(components.len());
                if room == 0 {
                    return scanner.refuse(What::TooMany);
                }
                let read = scanner.attempt(component)?;
                components.push(
                    read.unwrap_or_else(|fault| Measure { quantity: Some(Err(fault)), ..Measure::default() }),
                );
                Ok(())
            })?,
            _ if times.member(scanner, key)? || own.member(scanner, key)? => {}
            _ => scanner.skip()?,
        }
        Ok(())
    })?;
    let status = status.ok_or(Malformed::byte(at, What::Missing("status")))?;
    // A panel has no value of its own: its components speak for it, and what they hold beside signals is detail.
    let is_panel = components.iter().any(|c| c.code.meaning.is_some());
    if own.quantity.is_some() || !is_panel {
        emit(own, status, &times, out)?;
    }
    components.into_iter().filter(Measure::speaks).try_for_each(|measure| emit(measure, status, &times, out))
}

/// What the status makes of the values; `None`: nothing was measured.
fn standing(scanner: &mut Scanner<'_>) -> Read<Option<Status>> {
    let at = scanner.place();
    Ok(Some(match scanner.string("a status")?.as_ref() {
        "final" | "preliminary" | "registered" | "unknown" => Status::Final,
        "corrected" | "amended" => Status::Correction,
        "entered-in-error" => Status::EnteredInError,
        "cancelled" => return Ok(None),
        _ => return Err(Malformed::byte(at, What::Expected("a status of an Observation"))),
    }))
}

/// The reference or the identifier of a subject. A name for display alone claims nothing.
fn subject<'a>(scanner: &mut Scanner<'a>) -> Read<Option<Cow<'a, str>>> {
    let (mut reference, mut identifier) = (None, None);
    scanner.object(|scanner, key| match key {
        "reference" => scanner.string("a reference").map(|text| reference = Some(text)),
        "identifier" => scanner.object(|scanner, key| match key {
            "value" => scanner.string("an identifier").map(|text| identifier = Some(text)),
            _ => scanner.skip(),
        }),
        _ => scanner.skip(),
    })?;
    Ok(reference.or(identifier))
}

fn component<'a>(scanner: &mut Scanner<'a>) -> Read<Measure<'a>> {
    let mut measure = Measure::default();
    scanner.object(|scanner, key| if measure.member(scanner, key)? { Ok(()) } else { scanner.skip() })?;
    Ok(measure)
}

fn emit<'a>(measure: Measure<'a>, status: Option<Status>, times: &Times, out: &mut Samples<'a>) -> Read<()> {
    let instant = times.instant();
    let at = instant.ok().flatten().map(At::Unix);
    let name = match measure.code.meaning {
        Some(Meaning::Signal(name)) => Cow::Borrowed(name),
        Some(Meaning::Statistic(name)) => return out.skip(Cow::Borrowed(name), Skip::Statistic, at),
        None => {
            let code = measure.code.first.unwrap_or(Cow::Borrowed("Observation"));
            let fault = measure.quantity.and_then(Result::err);
            return out.refuse(code, Skip::Unknown, at, fault);
        }
    };
    let Some(status) = status else { return out.skip(name, Skip::Retracted, at) };
    let (value, unit) = match measure.quantity.transpose().map(Option::flatten) {
        Err(fault) => return out.refuse(name, Skip::NoValue, at, Some(fault)),
        Ok(Some(Quantity { value, unit })) => (value, unit),
        Ok(None) if status == Status::EnteredInError => (Value::Absent, None),
        Ok(None) => return out.skip(name, Skip::NoValue, at),
    };
    match (instant, at) {
        (Err(fault), _) => out.refuse(name, Skip::Undated, None, Some(fault)),
        (Ok(_), None) => out.skip(name, Skip::Undated, None),
        (Ok(_), Some(at)) => out.push_as(status, name, value, unit, at),
    }
}

/// What a CodeableConcept says: what the first known code means, and its first code.
#[derive(Default)]
struct Code<'a> {
    meaning: Option<Meaning>,
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
            if let (Some(system), Some(code)) = (system.as_deref(), code.as_deref()) {
                known.meaning = known.meaning.or_else(|| meaning(system, code));
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

/// A Quantity; `None` when it has no value, which FHIR allows. A comparator says that the sensor's range ended there,
/// which is a sentinel and not a value.
fn quantity<'a>(scanner: &mut Scanner<'a>) -> Read<Option<Quantity<'a>>> {
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
    let Some(number) = value else { return Ok(None) };
    let value = match comparator {
        None => Value::Number(number),
        Some((at, sign)) => Value::Text(Cow::Borrowed(match sign.as_ref() {
            "<" | "<=" => "LOW",
            ">" | ">=" => "HIGH",
            _ => return Err(Malformed::byte(at, What::Expected("a comparator"))),
        })),
    };
    Ok(Some(Quantity { value, unit: code.filter(|_| is_ucum).or(unit) }))
}

/// A number or a word without a unit.
fn bare<'a>(scanner: &mut Scanner<'a>) -> Read<Quantity<'a>> {
    let value = if scanner.peek() == b'"' {
        Value::Text(scanner.string("a value")?)
    } else {
        Value::Number(scanner.number()?.value)
    };
    Ok(Quantity { value, unit: None })
}
