//! Zelo's own JSON, which is also ThingsBoard's: `{"ts", "values", "units"?}`, an array of them, or bare values.
//! The hot path: three values cost one allocation.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::json::{Read, Scanner};
use super::{At, Format, Malformed, Sample, Samples, Skip, Skipped, Value, What, names, senml, stamp};

/// Which JSON format this is, by the keys of the (first) object.
pub(super) fn shape(mut scanner: Scanner<'_>) -> Read<Format> {
    let list = scanner.peek() == b'[';
    if list {
        scanner.open(b'[', "an array")?;
        let mut first = true;
        // What is no object tells nothing.
        while scanner.more(&mut first, b']')? && scanner.peek() != b'{' {
            scanner.pass()?;
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
            _ => scanner.pass()?,
        }
    }
    Ok(Format::Zelo)
}

pub(super) fn read<'a>(scanner: &mut Scanner<'a>) -> Read<Samples<'a>> {
    let mut out = Samples::new(Format::Zelo);
    if scanner.peek() == b'[' {
        scanner.array(|scanner| out.record(scanner, record))?;
    } else {
        out.record(scanner, record)?;
    }
    Ok(out)
}

/// One object: its values, then its instant and units laid over them, in whatever order they came.
fn record<'a>(scanner: &mut Scanner<'a>, out: &mut Samples<'a>) -> Read<()> {
    let mut names = Names::behind(out);
    let start = scanner.place();
    let (mut ts, mut units, mut values) = (None, None, false);
    scanner.open(b'{', "an object")?;
    let mut first = true;
    while let Some((key, at)) = scanner.key(&mut first)? {
        match key.as_ref() {
            "ts" if ts.is_none() => ts = Some(scanner.attempt(instant)?),
            "values" if !values => {
                values = true;
                named_values(scanner, out, &mut names)?;
            }
            "units" if units.is_none() => units = Some(named_units(scanner)?),
            "ts" | "values" | "units" => return Err(Malformed::byte(at, What::DuplicateKey)),
            _ => value(scanner, key, at, out, &mut names)?,
        }
    }
    if names.is_nothing(out) {
        return Err(Malformed::byte(start, What::NoReading));
    }
    if let Some(units) = units {
        lay_units(units, &names, out)?;
    }
    match ts {
        // It says when under a name that is not the contract's: it is not of now, and nobody knows of when.
        None if names.say_when(out) => undate(&names, None, out),
        None => Ok(()),
        Some(Ok(micros)) => {
            let (samples, skipped) = names.since(out);
            samples.iter_mut().for_each(|sample| sample.at = At::Unix(micros));
            skipped.iter_mut().for_each(|skipped| skipped.at = Some(At::Unix(micros)));
            Ok(())
        }
        // It says another time than now, and nobody knows which.
        Some(Err(fault)) => undate(&names, Some(fault), out),
    }
}

/// Refuses what the record brought, as of no known time.
fn undate<'a>(names: &Names<'a>, fault: Option<Malformed>, out: &mut Samples<'a>) -> Read<()> {
    let undated: Vec<_> = out.list.drain(names.start.0..).collect();
    undated.into_iter().try_for_each(|sample| out.refuse(sample.name, Skip::Undated, None, fault))
}

fn instant(scanner: &mut Scanner<'_>) -> Read<i64> {
    let number = scanner.number()?;
    stamp::unix(number).ok_or(Malformed::byte(number.at, What::Stamp))
}

fn named_values<'a>(scanner: &mut Scanner<'a>, out: &mut Samples<'a>, names: &mut Names<'a>) -> Read<()> {
    scanner.open(b'{', "an object of values")?;
    let mut first = true;
    while let Some((key, at)) = scanner.key(&mut first)? {
        value(scanner, key, at, out, names)?;
    }
    Ok(())
}

fn value<'a>(
    scanner: &mut Scanner<'a>,
    name: Cow<'a, str>,
    at: usize,
    out: &mut Samples<'a>,
    known: &mut Names<'a>,
) -> Read<()> {
    if !known.add(out, name.clone()) {
        return Err(Malformed::byte(at, What::DuplicateKey));
    }
    let inside = *scanner;
    let value = scanner.attempt(|scanner| match scanner.peek() {
        b'"' => scanner.string("a string").map(Value::Text),
        b't' | b'f' | b'n' | b'{' | b'[' => scanner.refuse(What::Expected("a number or a string")),
        _ => scanner.number().map(|number| Value::Number(number.value)),
    })?;
    match value {
        Ok(value) => {
            if let (Value::Text(unit), Some(of)) = (&value, names::unit_of(&name)) {
                out.stray_unit(None, of, unit.clone())?;
            }
            out.push(name, value, None, At::Reception(0))
        }
        Err(fault) => {
            known.say_when |= names::says_when_inside(inside);
            if names::unit_of(&name).is_some() {
                unknown_units(inside, out)?;
            }
            out.refuse(name, Skip::NoValue, None, Some(fault))
        }
    }
}

/// An object of units under a key that is not the contract's.
fn unknown_units<'a>(mut scanner: Scanner<'a>, out: &mut Samples<'a>) -> Read<()> {
    // What is no object of units says none.
    let Ok(units) = named_units(&mut scanner) else { return Ok(()) };
    let readable =
        units.into_iter().filter_map(|(name, unit)| unit.ok().map(|unit| (names::folded(&name), unit)));
    readable.into_iter().try_for_each(|(of, unit)| out.stray_unit(None, of, unit))
}

/// The units by name; the fault of one that is no text.
type Units<'a> = HashMap<Cow<'a, str>, Read<Cow<'a, str>>>;

fn named_units<'a>(scanner: &mut Scanner<'a>) -> Read<Units<'a>> {
    let mut units = Units::new();
    scanner.open(b'{', "an object of units")?;
    let mut first = true;
    while let Some((name, at)) = scanner.key(&mut first)? {
        let unit = scanner.attempt(|scanner| scanner.string("a unit"))?;
        if units.insert(name, unit).is_some() {
            return Err(Malformed::byte(at, What::DuplicateKey));
        }
    }
    Ok(units)
}

/// Gives the samples of the record their units; one whose unit cannot be read is refused, and a unit of what the record
/// does not hold is told.
fn lay_units<'a>(mut units: Units<'a>, names: &Names<'a>, out: &mut Samples<'a>) -> Read<()> {
    let start = names.start.0;
    let mut unread = Vec::new();
    for sample in out.list.get_mut(start..).unwrap_or_default() {
        match units.remove(&sample.name) {
            Some(Ok(unit)) => sample.unit = Some(unit),
            Some(Err(fault)) => unread.push((sample.name.clone(), fault)),
            None => {}
        }
    }
    for skipped in out.skipped.get(names.start.1..).unwrap_or_default() {
        units.remove(&skipped.name);
    }
    for (name, fault) in unread {
        if let Some(place) = out.list.iter().skip(start).position(|sample| sample.name == name) {
            out.list.remove(start + place);
        }
        out.refuse(name, Skip::Unit, None, Some(fault))?;
    }
    let mut stray: Vec<_> = units.into_iter().collect();
    stray.sort_by(|(one, _), (other, _)| one.cmp(other));
    stray.into_iter().try_for_each(|(name, unit)| {
        let of = names::folded(&name);
        out.stray_unit(Some(name), of, unit.unwrap_or_default())
    })
}

/// The names of one record: its samples and what was refused of it while they are few, then a set.
struct Names<'a> {
    start: (usize, usize),
    many: HashSet<Cow<'a, str>>,
    /// Whether something inside a member says when.
    say_when: bool,
}

impl<'a> Names<'a> {
    const FEW: usize = 16;

    /// Those of a record that begins behind what was read.
    fn behind(out: &Samples<'_>) -> Self {
        Self { start: (out.list.len(), out.skipped.len()), many: HashSet::new(), say_when: false }
    }

    /// Whether the record brought nothing, not even something to refuse.
    const fn is_nothing(&self, out: &Samples<'_>) -> bool {
        out.list.len() == self.start.0 && out.skipped.len() == self.start.1
    }

    /// Whether a member of the record says when, by its name or by its value.
    fn say_when(&self, out: &Samples<'_>) -> bool {
        let samples = out.list.get(self.start.0..).unwrap_or_default();
        let skipped = out.skipped.get(self.start.1..).unwrap_or_default();
        self.say_when
            || samples.iter().any(|s| names::is_instant(&s.value) || names::says_when(&s.name))
            || skipped.iter().any(|s| names::says_when(&s.name))
    }

    /// What the record brought so far.
    fn since<'o>(&self, out: &'o mut Samples<'a>) -> (&'o mut [Sample<'a>], &'o mut [Skipped<'a>]) {
        let samples = out.list.get_mut(self.start.0..).unwrap_or_default();
        (samples, out.skipped.get_mut(self.start.1..).unwrap_or_default())
    }

    /// Whether the name is new.
    fn add(&mut self, out: &mut Samples<'a>, name: Cow<'a, str>) -> bool {
        let (samples, skipped) = self.since(out);
        let mut so_far = samples.iter().map(|s| &s.name).chain(skipped.iter().map(|s| &s.name));
        if samples.len() + skipped.len() < Self::FEW {
            return so_far.all(|known| *known != name);
        }
        if self.many.is_empty() {
            self.many.extend(so_far.cloned());
        }
        self.many.insert(name)
    }
}
