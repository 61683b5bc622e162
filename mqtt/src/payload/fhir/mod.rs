//! FHIR R4 Observation, and Bundle of Observations: codes to signals, UCUM units, components, times, and whose it
//! says to be. Resources of other types in a Bundle are passed over, unless one holds Observations: those are not looked
//! for there, and it is refused.

mod codes;
mod when;

use std::borrow::Cow;

use super::json::{Read, Scanner};
use super::{At, Format, MAX_READINGS, Malformed, Samples, Side, Skip, Status, Value, What};
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
    let at = scanner.place();
    let mut is_something = false;
    scanner.object(|scanner, key| match key {
        "resource" => {
            is_something = true;
            if resource_type(*scanner)? == "Observation" { observation(scanner, out) } else { other(scanner) }
        }
        "modifierExtension" => scanner.refuse(What::MustUnderstand),
        _ => scanner.skip(),
    })?;
    if is_something { Ok(()) } else { Err(Malformed::byte(at, What::Missing("resource"))) }
}

/// A resource that is no Observation.
fn other(scanner: &mut Scanner<'_>) -> Read<()> {
    let at = scanner.place();
    if holds_observation(scanner)? {
        return Err(Malformed::byte(at, What::Expected("an Observation of its own in the Bundle")));
    }
    Ok(())
}

/// Passes over a value: whether an Observation, or a Bundle that may have some, is anywhere in it.
fn holds_observation(scanner: &mut Scanner<'_>) -> Read<bool> {
    let mut holds = false;
    match scanner.peek() {
        b'{' => scanner.object(|scanner, key| {
            if key == "resourceType" && scanner.peek() == b'"' {
                holds |= matches!(scanner.string("a resource type")?.as_ref(), "Observation" | "Bundle");
            } else {
                holds |= holds_observation(scanner)?;
            }
            Ok(())
        })?,
        b'[' => scanner.array(|scanner| {
            holds |= holds_observation(scanner)?;
            Ok(())
        })?,
        _ => scanner.skip()?,
    }
    Ok(holds)
}

/// The code and value of an Observation or of one of its components; a value that cannot be read with its fault.
#[derive(Default)]
struct Measure<'a> {
    code: Code<'a>,
    quantity: Option<Read<Option<Quantity<'a>>>>,
    /// Where it says why there is no value.
    absent: Option<usize>,
    /// What may turn its meaning around, and nobody here knows how.
    modifier: Option<Malformed>,
}

impl<'a> Measure<'a> {
    /// Takes a member that both know; `false` leaves it unread.
    fn member(&mut self, scanner: &mut Scanner<'a>, key: &str) -> Read<bool> {
        match key {
            "code" => self.code = code(scanner)?,
            "valueQuantity" | "valueInteger" | "valueString" if self.quantity.is_some() => {
                return scanner.refuse(What::OneValue);
            }
            "dataAbsentReason" => {
                self.absent = Some(scanner.place());
                scanner.skip()?;
            }
            "modifierExtension" | "implicitRules" => {
                self.modifier = Some(Malformed::byte(scanner.place(), What::MustUnderstand));
                scanner.skip()?;
            }
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
    let mut contained = None;
    scanner.object(|scanner, key| {
        match key {
            "status" => status = Some(standing(scanner)?),
            "subject" => {
                if let Some(subject) = subject(scanner)? {
                    out.claim(subject);
                }
            }
            // It is of what it names here, and not of the subject (R4 Observation.focus).
            "focus" => scanner.array(|scanner| {
                let of = subject(scanner)?;
                out.claim(of.unwrap_or_default());
                Ok(())
            })?,
            "contained" => {
                let at = scanner.place();
                contained = holds_observation(scanner)?.then_some(at);
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
    if let Some(modifier) = own.modifier {
        return Err(modifier);
    }
    if let Some(at) = contained {
        let fault = Malformed::byte(at, What::Expected("no Observation inside another"));
        out.refuse(Cow::Borrowed(""), Skip::Malformed, None, Some(fault))?;
    }
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
    if let Some(modifier) = measure.modifier {
        return out.refuse(name, Skip::Malformed, at, Some(modifier));
    }
    let Some(status) = status else { return out.skip(name, Skip::Retracted, at) };
    let absent = measure.absent.map(|at| Malformed::byte(at, What::OneValue));
    let (value, unit) = match measure.quantity.transpose().map(Option::flatten) {
        Err(fault) => return out.refuse(name, Skip::NoValue, at, Some(fault)),
        Ok(Some(_)) if absent.is_some() => return out.refuse(name, Skip::NoValue, at, absent),
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

/// A Quantity; `None` when it has no value, which FHIR allows. With a comparator the number is a bound of the value. A
/// code of another system than UCUM counts like a unit as it is printed.
fn quantity<'a>(scanner: &mut Scanner<'a>) -> Read<Option<Quantity<'a>>> {
    let (mut value, mut unit, mut code, mut side) = (None, None, None, None);
    let mut is_ucum = true;
    scanner.object(|scanner, key| {
        match key {
            "value" => value = Some(scanner.number()?.value),
            "unit" => unit = Some(scanner.string("a unit")?),
            "code" => code = Some(scanner.string("a unit code")?),
            "system" => is_ucum = scanner.string("a unit system")? == UCUM,
            "comparator" => side = Some(comparator(scanner)?),
            _ => scanner.skip()?,
        }
        Ok(())
    })?;
    let Some(number) = value else { return Ok(None) };
    let value = side.map_or(Value::Number(number), |side| Value::Bound(side, number));
    let unit = if is_ucum { code.or(unit) } else { unit.or(code) };
    Ok(Some(Quantity { value, unit }))
}

fn comparator(scanner: &mut Scanner<'_>) -> Read<Side> {
    let at = scanner.place();
    match scanner.string("a comparator")?.as_ref() {
        "<" | "<=" => Ok(Side::Below),
        ">" | ">=" => Ok(Side::Above),
        _ => Err(Malformed::byte(at, What::Expected("a comparator"))),
    }
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
