//! SenML's resolution (RFC 8428 §4), whatever the encoding: base fields, names, sums, relative times, units.

use std::borrow::Cow;

use super::{At, Malformed, Place, Sample, Samples, Skip, Value, What, stamp};

/// The version that is understood.
const VERSION: f64 = 10.0;
/// A resolved time below 2^28 seconds is relative to reception (RFC 8428 §4.5.3).
const RELATIVE_BELOW: f64 = 268_435_456.0;

/// What kind of datum a label carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Text,
    Boolean,
    Data,
}

macro_rules! labels {
    ($($variant:ident = $name:literal, $code:literal, $kind:ident;)+) => {
        /// A label of RFC 8428, by its JSON name and its CBOR number.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Label { $($variant,)+ }

        impl Label {
            pub(super) fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }

            pub(super) const fn coded(code: i64) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }

            pub(super) const fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)+ }
            }
        }
    };
}

labels! {
    BaseVersion = "bver", -1, Number;
    BaseName = "bn", -2, Text;
    BaseTime = "bt", -3, Number;
    BaseUnit = "bu", -4, Text;
    BaseValue = "bv", -5, Number;
    BaseSum = "bs", -6, Number;
    Name = "n", 0, Text;
    Unit = "u", 1, Text;
    Value = "v", 2, Number;
    StringValue = "vs", 3, Text;
    BooleanValue = "vb", 4, Boolean;
    Sum = "s", 5, Number;
    Time = "t", 6, Number;
    UpdateTime = "ut", 7, Number;
    DataValue = "vd", 8, Data;
}

/// One datum, read.
pub(super) enum Datum<'a> {
    Number(f64),
    Text(Cow<'a, str>),
    /// A boolean or bytes: kinds that no signal has.
    Other,
}

/// One record as it was written.
#[derive(Default)]
pub(super) struct Record<'a> {
    version: Option<f64>,
    base_name: Option<Cow<'a, str>>,
    base_time: Option<f64>,
    base_unit: Option<Cow<'a, str>>,
    base_value: Option<f64>,
    base_sum: Option<f64>,
    name: Option<Cow<'a, str>>,
    unit: Option<Cow<'a, str>>,
    value: Option<f64>,
    text: Option<Cow<'a, str>>,
    boolean: Option<()>,
    data: Option<()>,
    sum: Option<f64>,
    time: Option<f64>,
    update: Option<f64>,
}

impl<'a> Record<'a> {
    /// Puts a datum under its label; `None` when the label was there already.
    pub(super) fn set(&mut self, label: Label, datum: Datum<'a>) -> Option<()> {
        let was_there = match datum {
            Datum::Number(n) => match label {
                Label::BaseVersion => self.version.replace(n),
                Label::BaseTime => self.base_time.replace(n),
                Label::BaseValue => self.base_value.replace(n),
                Label::BaseSum => self.base_sum.replace(n),
                Label::Value => self.value.replace(n),
                Label::Sum => self.sum.replace(n),
                Label::Time => self.time.replace(n),
                _ => self.update.replace(n),
            }
            .is_some(),
            Datum::Text(text) => match label {
                Label::BaseName => self.base_name.replace(text),
                Label::BaseUnit => self.base_unit.replace(text),
                Label::Name => self.name.replace(text),
                Label::Unit => self.unit.replace(text),
                _ => self.text.replace(text),
            }
            .is_some(),
            Datum::Other => match label {
                Label::BooleanValue => self.boolean.replace(()),
                _ => self.data.replace(()),
            }
            .is_some(),
        };
        (!was_there).then_some(())
    }

    fn values(&self) -> usize {
        [self.value.is_some(), self.text.is_some(), self.boolean.is_some(), self.data.is_some()]
            .into_iter()
            .filter(|there| *there)
            .count()
    }

    fn is_only_base(&self) -> bool {
        let own = [self.name.is_some(), self.unit.is_some()];
        let when = [self.time.is_some(), self.update.is_some(), self.sum.is_some()];
        self.values() == 0 && !own.contains(&true) && !when.contains(&true)
    }
}

/// The base fields in force.
#[derive(Default)]
pub(super) struct Bases<'a> {
    version: Option<f64>,
    name: Cow<'a, str>,
    time: f64,
    unit: Option<Cow<'a, str>>,
    value: Option<f64>,
    sum: Option<f64>,
    records: usize,
}

impl<'a> Bases<'a> {
    /// Resolves the next record into `out`.
    pub(super) fn resolve(&mut self, record: Record<'a>, out: &mut Samples<'a>) -> Result<(), Malformed> {
        let place = Place::Record(self.records);
        self.records = self.records.saturating_add(1);
        let refuse = |what| Malformed { at: place, what };
        self.take(&record, place)?;
        let only_base = record.is_only_base();
        let own_value = record.base_value.is_some();
        let given = record.values();
        let time = self.time + record.time.unwrap_or(0.0);
        let name = self.name_of(record.name).map_err(refuse)?;
        if only_base && (!own_value || name.is_empty()) {
            return Ok(());
        }
        let at = instant(time).ok_or(refuse(What::Stamp))?;
        let unit = record.unit.or_else(|| self.unit.clone()).map(ucum);
        let value = match (given, record.value, record.text) {
            (2.., ..) => return Err(refuse(What::OneValue)),
            (1, Some(v), _) => self.value.unwrap_or(0.0) + v,
            (1, None, Some(text)) => {
                return out.push(Sample { name, value: Value::Text(text), unit, at }, place);
            }
            (1, None, None) => return out.skip(name, Skip::NoValue, place),
            _ => match self.value {
                Some(base) => base,
                // A sum is the integral of a signal over time: no signal here has that unit.
                None if record.sum.is_some() || self.sum.is_some() => {
                    return out.skip(name, Skip::NoValue, place);
                }
                None => return Err(refuse(What::OneValue)),
            },
        };
        if !value.is_finite() {
            return Err(refuse(What::NumberRange));
        }
        out.push(Sample { name, value: Value::Number(value), unit, at }, place)
    }

    /// Lays the record's base fields over those in force.
    fn take(&mut self, record: &Record<'a>, at: Place) -> Result<(), Malformed> {
        let version = *self.version.get_or_insert(record.version.unwrap_or(VERSION));
        if version > VERSION
            || version.fract() != 0.0
            || version < 1.0
            || record.version.is_some_and(|v| v != version)
        {
            return Err(Malformed { at, what: What::Version });
        }
        if let Some(name) = &record.base_name {
            self.name = name.clone();
        }
        if let Some(unit) = &record.base_unit {
            self.unit = Some(unit.clone());
        }
        self.time = record.base_time.unwrap_or(self.time);
        self.value = record.base_value.or(self.value);
        self.sum = record.base_sum.or(self.sum);
        Ok(())
    }

    /// The signal's name: what follows the last `:` or `/` of base name and name together.
    fn name_of(&self, own: Option<Cow<'a, str>>) -> Result<Cow<'a, str>, What> {
        let own = own.unwrap_or_default();
        let mut all = self.name.bytes().chain(own.bytes());
        let first = all.next().ok_or(What::Name)?;
        if !first.is_ascii_alphanumeric() || !all.all(is_name_byte) {
            return Err(What::Name);
        }
        if own.contains([':', '/']) {
            return Ok(last_segment(own));
        }
        let base = last_segment(self.name.clone());
        Ok(match (base.is_empty(), own.is_empty()) {
            (true, _) => own,
            (false, true) => base,
            (false, false) => Cow::Owned(base.into_owned() + &own),
        })
    }
}

const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b':' | b'.' | b'/' | b'_')
}

fn last_segment(name: Cow<'_, str>) -> Cow<'_, str> {
    match name {
        Cow::Borrowed(name) => Cow::Borrowed(name.rsplit([':', '/']).next().unwrap_or_default()),
        Cow::Owned(name) => Cow::Owned(name.rsplit([':', '/']).next().unwrap_or_default().to_owned()),
    }
}

fn instant(seconds: f64) -> Option<At> {
    let micros = stamp::micros(seconds)?;
    Some(if seconds < RELATIVE_BELOW { At::Reception(micros) } else { At::Unix(micros) })
}

/// SenML's units (RFC 8428 §12.1) as UCUM; its `%` is a ratio, note 2 of the registry says. Others stay as
/// they are, for a fleet that agreed on `mm[Hg]` or `mg/dL`.
fn ucum(unit: Cow<'_, str>) -> Cow<'_, str> {
    Cow::Borrowed(match unit.as_ref() {
        "%" | "/" => "{ratio}",
        "beat/min" => "/min",
        "beat/s" | "1/s" => "/s",
        "1/min" => "/min",
        "%EL" => "%",
        "count" => "1",
        _ => return unit,
    })
}
