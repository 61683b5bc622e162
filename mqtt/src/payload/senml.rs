//! SenML's resolution (RFC 8428 §4), whatever the encoding: base fields, names, sums, relative times, units.

use std::borrow::Cow;

use super::json::Read;
use super::{At, Malformed, Place, Samples, Skip, Value, What, names, stamp};

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

            /// Whether it holds for the records that follow, too.
            pub(super) const fn is_base(self) -> bool {
                match self { $(Self::$variant => $code < 0,)+ }
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
    /// An ignored label says when it was measured, as `t` would.
    says_when: bool,
    /// An ignored label says in which unit, as `u` would.
    says_unit: bool,
    /// The first fault in it, with the label where it stands.
    fault: Option<(Option<Label>, Malformed)>,
    /// Its base fields that cannot be read: they are in force, and nobody knows what they say.
    lost: Vec<Label>,
}

impl<'a> Record<'a> {
    /// Notes that it cannot be taken, and whether those that follow can.
    pub(super) fn spoil(&mut self, label: Option<Label>, fault: Malformed) {
        self.lost.extend(label.filter(|label| label.is_base()));
        self.fault.get_or_insert((label, fault));
    }

    /// Hears a label that may be ignored (RFC 8428 §4.4): what it stands for does not count as absent.
    pub(super) fn ignore(&mut self, label: &str) {
        self.says_when |= names::says_when(label);
        self.says_unit |= names::unit_of(label).is_some();
    }

    /// Puts a datum under the label that stands at byte `at`; given twice, it is a fault.
    pub(super) fn set(&mut self, label: Label, datum: Datum<'a>, at: usize) {
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
        if was_there {
            self.spoil(Some(label), Malformed::byte(at, What::DuplicateKey));
        }
    }

    /// Which base fields it gives anew.
    fn gives(&self, label: Label) -> bool {
        match label {
            Label::BaseVersion => self.version.is_some(),
            Label::BaseName => self.base_name.is_some(),
            Label::BaseTime => self.base_time.is_some(),
            Label::BaseUnit => self.base_unit.is_some(),
            Label::BaseValue => self.base_value.is_some(),
            Label::BaseSum => self.base_sum.is_some(),
            _ => false,
        }
    }

    const fn is_nothing(&self) -> bool {
        let version = self.version.is_none() && self.base_name.is_none() && self.base_unit.is_none();
        version && self.base_time.is_none() && self.base_value.is_none() && self.base_sum.is_none()
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
    /// Base fields in force that could not be read.
    lost: Vec<Label>,
    records: usize,
}

/// What a record comes to.
enum Resolved<'a> {
    /// A value in its unit.
    Value(Value<'a>, Option<Cow<'a, str>>),
    /// A kind of value that no signal has.
    NoValue,
    /// Only base fields.
    Nothing,
}

impl<'a> Bases<'a> {
    /// Resolves the next record into `out`. A fault in it is its own; only a version that is not understood ends the
    /// pack (RFC 8428 §4.4).
    pub(super) fn resolve(&mut self, mut record: Record<'a>, out: &mut Samples<'a>) -> Read<()> {
        let place = Place::Record(self.records);
        self.records = self.records.saturating_add(1);
        self.take(&record, place)?;
        let time = self.time + record.time.unwrap_or(0.0);
        let at = instant(time).filter(|_| !self.lost.contains(&Label::BaseTime));
        let name = self.name_of(record.name.clone());
        let fault = record.fault.take().or_else(|| {
            let is_only_base = record.is_only_base() && record.base_value.is_none();
            let stands_on = self.lost.first().filter(|_| !is_only_base);
            stands_on.map(|label| (Some(*label), Malformed { at: place, what: What::Base }))
        });
        if let Some((label, fault)) = fault {
            let at = at.filter(|_| label != Some(Label::Time));
            out.refuse(name.unwrap_or_default(), why(label), at, Some(fault))?;
        } else if record.says_when && at == Some(At::Reception(0)) {
            // It is not of now, and nobody knows of when.
            out.skip(name.unwrap_or_default(), Skip::Undated, None)?;
        } else if record.says_unit && record.unit.is_none() && self.unit.is_none() && record.value.is_some() {
            out.skip(name.unwrap_or_default(), Skip::Unit, at)?;
        } else {
            let refuse = |what| Malformed { at: place, what };
            match (self.value_of(record, name.as_ref().is_ok_and(|name| !name.is_empty())), name, at) {
                (Ok(Resolved::Nothing), ..) => {}
                (_, Err(what), _) => {
                    out.refuse(Cow::Borrowed(""), Skip::Malformed, at, Some(refuse(what)))?
                }
                (Err(what), Ok(name), _) => out.refuse(name, Skip::NoValue, at, Some(refuse(what)))?,
                (_, Ok(name), None) => out.refuse(name, Skip::Undated, None, Some(refuse(What::Stamp)))?,
                (Ok(Resolved::NoValue), Ok(name), _) => out.skip(name, Skip::NoValue, at)?,
                (Ok(Resolved::Value(value, unit)), Ok(name), Some(at)) => out.push(name, value, unit, at)?,
            }
        }
        out.next_record();
        Ok(())
    }

    fn value_of(&self, record: Record<'a>, is_named: bool) -> Result<Resolved<'a>, What> {
        if record.is_only_base() && record.is_nothing() {
            return Err(What::OneValue);
        }
        if record.is_only_base() && (record.base_value.is_none() || !is_named) {
            return Ok(Resolved::Nothing);
        }
        let unit = record.unit.as_ref().or(self.unit.as_ref()).cloned().map(ucum);
        let value = match (record.values(), record.value, record.text) {
            (2.., ..) => return Err(What::OneValue),
            (1, Some(v), _) => self.value.unwrap_or(0.0) + v,
            (1, None, Some(text)) => return Ok(Resolved::Value(Value::Text(text), unit)),
            (1, None, None) => return Ok(Resolved::NoValue),
            _ => match self.value {
                Some(base) => base,
                // A sum is the integral of a signal over time: no signal here has that unit.
                None if record.sum.is_some() || self.sum.is_some() => return Ok(Resolved::NoValue),
                None => return Err(What::OneValue),
            },
        };
        if value.is_finite() {
            Ok(Resolved::Value(Value::Number(value), unit))
        } else {
            Err(What::NumberRange)
        }
    }

    /// Lays the record's base fields over those in force.
    fn take(&mut self, record: &Record<'a>, at: Place) -> Read<()> {
        self.lost.retain(|label| !record.gives(*label));
        let fresh: Vec<Label> =
            record.lost.iter().filter(|label| !self.lost.contains(label)).copied().collect();
        self.lost.extend(fresh);
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

/// Why a record with a fault at this label holds no value to take.
const fn why(label: Option<Label>) -> Skip {
    match label {
        Some(Label::Value | Label::StringValue | Label::BooleanValue | Label::DataValue) => Skip::NoValue,
        Some(Label::Time | Label::BaseTime) => Skip::Undated,
        Some(Label::Unit | Label::BaseUnit) => Skip::Unit,
        _ => Skip::Malformed,
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
