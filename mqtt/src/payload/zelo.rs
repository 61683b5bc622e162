//! Zelo's own JSON, which is also ThingsBoard's: `{"ts", "values", "units"?}`, an array of them, or bare values.
//! The hot path: three values cost one allocation.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::json::Scanner;
use super::{At, Format, Malformed, Place, Sample, Samples, Value, What, senml, stamp};

/// Which JSON format this is, by the keys of the (first) object.
pub(super) fn shape(mut scanner: Scanner<'_>) -> Result<Format, Malformed> {
    let list = scanner.peek() == b'[';
    if list {
        scanner.open(b'[', "an array")?;
        if !scanner.more(&mut true, b']')? {
            return Ok(Format::Zelo);
        }
    }
    if scanner.peek() != b'{' {
        return Ok(Format::Zelo);
    }
    scanner.open(b'{', "an object")?;
    let mut first = true;
    while let Some((key, _)) = scanner.key(&mut first)? {
        match key.as_ref() {
            "ts" | "values" => return Ok(Format::Zelo),
            "resourceType" => return Ok(Format::Fhir),
            "header" | "body" => return Ok(Format::OpenMhealth),
            label if list && senml::Label::named(label).is_some() => return Ok(Format::SenmlJson),
            _ => scanner.skip()?,
        }
    }
    Ok(Format::Zelo)
}

pub(super) fn read<'a>(scanner: &mut Scanner<'a>) -> Result<Samples<'a>, Malformed> {
    let mut out = Samples::new(Format::Zelo);
    if scanner.peek() == b'[' {
        scanner.array(|scanner| record(scanner, &mut out))?;
    } else {
        record(scanner, &mut out)?;
    }
    Ok(out)
}

/// One object: its values, then its instant and units laid over them, in whatever order they came.
fn record<'a>(scanner: &mut Scanner<'a>, out: &mut Samples<'a>) -> Result<(), Malformed> {
    let mut names = Names { start: out.list.len(), many: HashSet::new() };
    let (mut ts, mut units, mut values) = (None, None, false);
    scanner.open(b'{', "an object")?;
    let mut first = true;
    while let Some((key, at)) = scanner.key(&mut first)? {
        match key.as_ref() {
            "ts" if ts.is_none() => ts = Some(instant(scanner)?),
            "values" if !values => {
                values = true;
                named_values(scanner, out, &mut names)?;
            }
            "units" if units.is_none() => units = Some(named_units(scanner)?),
            "ts" | "values" | "units" => return Err(Malformed::byte(at, What::DuplicateKey)),
            _ => value(scanner, (key, at), out, &mut names)?,
        }
    }
    let fresh = out.list.get_mut(names.start..).unwrap_or_default();
    if let Some(micros) = ts {
        fresh.iter_mut().for_each(|sample| sample.at = At::Unix(micros));
    }
    if let Some(units) = units {
        fresh.iter_mut().for_each(|sample| sample.unit = units.get(&sample.name).cloned());
    }
    Ok(())
}

fn instant(scanner: &mut Scanner<'_>) -> Result<i64, Malformed> {
    let number = scanner.number()?;
    stamp::unix(number).ok_or(Malformed::byte(number.at, What::Stamp))
}

fn named_values<'a>(
    scanner: &mut Scanner<'a>,
    out: &mut Samples<'a>,
    names: &mut Names<'a>,
) -> Result<(), Malformed> {
    scanner.open(b'{', "an object of values")?;
    let mut first = true;
    while let Some(key) = scanner.key(&mut first)? {
        value(scanner, key, out, names)?;
    }
    Ok(())
}

fn value<'a>(
    scanner: &mut Scanner<'a>,
    (name, at): (Cow<'a, str>, usize),
    out: &mut Samples<'a>,
    names: &mut Names<'a>,
) -> Result<(), Malformed> {
    if !names.add(&out.list, name.clone()) {
        return Err(Malformed::byte(at, What::DuplicateKey));
    }
    let value = match scanner.peek() {
        b'"' => Value::Text(scanner.string("a string")?),
        b't' | b'f' | b'n' | b'{' | b'[' => return scanner.refuse(What::Expected("a number or a string")),
        _ => Value::Number(scanner.number()?.value),
    };
    out.push(Sample { name, value, unit: None, at: At::Reception(0) }, Place::Byte(at))
}

type Units<'a> = HashMap<Cow<'a, str>, Cow<'a, str>>;

fn named_units<'a>(scanner: &mut Scanner<'a>) -> Result<Units<'a>, Malformed> {
    let mut units = Units::new();
    scanner.open(b'{', "an object of units")?;
    let mut first = true;
    while let Some((name, at)) = scanner.key(&mut first)? {
        if units.insert(name, scanner.string("a unit")?).is_some() {
            return Err(Malformed::byte(at, What::DuplicateKey));
        }
    }
    Ok(units)
}

/// The names of one record: the samples themselves while they are few, then a set.
struct Names<'a> {
    start: usize,
    many: HashSet<Cow<'a, str>>,
}

impl<'a> Names<'a> {
    const FEW: usize = 16;

    /// Whether the name is new.
    fn add(&mut self, list: &[Sample<'a>], name: Cow<'a, str>) -> bool {
        let so_far = list.get(self.start..).unwrap_or_default();
        if so_far.len() < Self::FEW {
            return so_far.iter().all(|sample| sample.name != name);
        }
        if self.many.is_empty() {
            self.many.extend(so_far.iter().map(|sample| sample.name.clone()));
        }
        self.many.insert(name)
    }
}
