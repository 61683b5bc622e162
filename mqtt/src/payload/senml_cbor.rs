//! SenML's CBOR encoding (RFC 8428 §6): an array of maps whose labels are small integers; definite and
//! indefinite lengths, half floats and decimal fractions (tag 4).

use std::borrow::Cow;
use std::collections::HashSet;

use minicbor::Decoder;
use minicbor::data::{Tag, Type};
use minicbor::decode::Error;

use super::json::Read;
use super::senml::{Bases, Datum, Kind, Label, Record};
use super::{Format, MAX_DEPTH, Malformed, Samples, What};

/// Marks a document as CBOR (RFC 8949 §3.4.6).
const SELF_DESCRIBED: Tag = Tag::new(55_799);
/// `[exponent, mantissa]`, base 10 (RFC 8949 §3.4.4).
const DECIMAL_FRACTION: Tag = Tag::new(4);

pub(super) fn read(bytes: &[u8]) -> Read<Samples<'_>> {
    let mut cbor = Cbor { decoder: Decoder::new(bytes) };
    let mut out = Samples::new(Format::SenmlCbor);
    let mut bases = Bases::default();
    if cbor.kind()? == Type::Tag {
        cbor.tag(SELF_DESCRIBED)?;
    }
    let mut left = cbor.open(false)?;
    while cbor.more(&mut left)? {
        bases.resolve(cbor.record()?, &mut out)?;
    }
    if cbor.decoder.position() == bytes.len() { Ok(out) } else { cbor.refuse(What::Trailing) }
}

struct Cbor<'a> {
    decoder: Decoder<'a>,
}

impl<'a> Cbor<'a> {
    fn refuse<T>(&self, what: What) -> Read<T> {
        Err(Malformed::byte(self.decoder.position(), what))
    }

    /// Takes one item; a refusal stands where the item began.
    fn item<T>(
        &mut self,
        wanted: &'static str,
        take: impl FnOnce(&mut Decoder<'a>) -> Result<T, Error>,
    ) -> Read<T> {
        let at = self.decoder.position();
        take(&mut self.decoder).map_err(|e| {
            let what =
                if e.is_end_of_input() { What::Expected("more bytes") } else { What::Expected(wanted) };
            Malformed::byte(at, what)
        })
    }

    fn kind(&mut self) -> Read<Type> {
        self.item("a CBOR item", |d| d.datatype())
    }

    fn tag(&mut self, wanted: Tag) -> Read<()> {
        let at = self.decoder.position();
        let tag = self.item("a tag", Decoder::tag)?;
        if tag == wanted { Ok(()) } else { Err(Malformed::byte(at, What::Expected("a known tag"))) }
    }

    /// Opens an array or a map; `None` counts until the break.
    fn open(&mut self, map: bool) -> Read<Option<u64>> {
        if map { self.item("a map", Decoder::map) } else { self.item("an array", Decoder::array) }
    }

    fn more(&mut self, left: &mut Option<u64>) -> Read<bool> {
        match left {
            Some(0) => Ok(false),
            Some(n) => {
                *n -= 1;
                Ok(true)
            }
            None if self.kind()? == Type::Break => {
                self.item("a break", Decoder::skip)?;
                Ok(false)
            }
            None => Ok(true),
        }
    }

    /// Reads one item that may be faulty by itself: the inner error is its own fault, and the decoder stands behind it
    /// either way; the outer one is a fault of the document.
    fn attempt<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<Read<T>> {
        let before = self.decoder.position();
        let read = read(self);
        if let Err(fault) = &read {
            self.decoder.set_position(before);
            self.skip().map_err(|_broken| *fault)?;
        }
        Ok(read)
    }

    /// Passes over one item by its form alone (RFC 8949 §5.3.1): a text that is not UTF-8 is well-formed, and the fault of
    /// the record that it stands in.
    fn skip(&mut self) -> Read<()> {
        // What is open, with how many items are left; `None` counts until the break.
        let mut open: Vec<Option<u64>> = Vec::new();
        loop {
            match self.kind()? {
                Type::Array | Type::ArrayIndef => open.push(self.open(false)?),
                Type::Map | Type::MapIndef => {
                    let pairs = self.open(true)?;
                    open.push(pairs.map(|pairs| pairs.saturating_mul(2)));
                }
                Type::StringIndef | Type::BytesIndef => {
                    self.decoder.set_position(self.decoder.position() + 1);
                    open.push(None);
                }
                Type::Tag => {
                    self.item("a tag", Decoder::tag)?;
                    continue;
                }
                Type::String | Type::Bytes => self.skip_string()?,
                Type::Break => return self.refuse(What::Expected("a CBOR item")),
                _ => self.item("a CBOR item", Decoder::skip)?,
            }
            loop {
                let Some(left) = open.last_mut() else { return Ok(()) };
                if self.more(left)? {
                    break;
                }
                open.pop();
            }
        }
    }

    /// Passes over a string of definite length, whatever its bytes.
    fn skip_string(&mut self) -> Read<()> {
        let at = self.decoder.position();
        let behind = || {
            let head = self.decoder.input().get(at..)?;
            let argument = head.first()? & 0x1f;
            let width = argument.checked_sub(24).map_or(0, |power| 1_usize << power.min(3));
            let length = match width {
                0 => u64::from(argument),
                _ => head.get(1..=width)?.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)),
            };
            let behind = at.checked_add(1 + width)?.checked_add(usize::try_from(length).ok()?)?;
            (behind <= self.decoder.input().len()).then_some(behind)
        };
        let behind = behind().ok_or(Malformed::byte(at, What::Expected("more bytes")))?;
        self.decoder.set_position(behind);
        Ok(())
    }

    /// The label that began at `at` and was just read, if it is a word.
    fn word_since(&self, at: usize) -> &'a str {
        let label = self.decoder.input().get(at..self.decoder.position()).unwrap_or_default();
        Decoder::new(label).str().unwrap_or_default()
    }

    /// A record with what of it could be read: those that follow stand on its base fields.
    fn record(&mut self) -> Read<Record<'a>> {
        let (mut record, mut ignored) = (Record::default(), HashSet::new());
        let at = self.decoder.position();
        if !matches!(self.kind()?, Type::Map | Type::MapIndef) {
            self.skip()?;
            record.spoil(None, Malformed::byte(at, What::Expected("a map")));
            return Ok(record);
        }
        let mut left = self.open(true)?;
        while self.more(&mut left)? {
            let at = self.decoder.position();
            let label = self.attempt(Self::label)?;
            let read = match label {
                Ok(Some(label)) => self.attempt(|cbor| cbor.datum(label))?,
                Ok(None) => {
                    record.ignore(self.word_since(at));
                    let is_new = self.once(&mut ignored, at);
                    let passed = self.attempt(|cbor| cbor.pass(2))?;
                    is_new.and(passed).map(|()| Datum::Other)
                }
                Err(fault) => {
                    self.skip()?;
                    Err(fault)
                }
            };
            let label = label.ok().flatten();
            match (label, read) {
                (_, Err(fault)) => record.spoil(label, fault),
                (Some(label), Ok(datum)) => record.set(label, datum, at),
                (None, Ok(_ignored)) => {}
            }
        }
        Ok(record)
    }

    fn datum(&mut self, label: Label) -> Read<Datum<'a>> {
        Ok(match label.kind() {
            Kind::Number => Datum::Number(self.number()?),
            Kind::Text => Datum::Text(self.text()?),
            Kind::Boolean => self.item("a boolean", Decoder::bool).map(|_known| Datum::Other)?,
            Kind::Data => self.item("bytes", Decoder::bytes).map(|_known| Datum::Other)?,
        })
    }

    /// The key that began at `at` and was just read is not among those before it.
    fn once(&self, keys: &mut HashSet<&'a [u8]>, at: usize) -> Read<()> {
        let key = self.decoder.input().get(at..self.decoder.position()).unwrap_or_default();
        if keys.insert(key) { Ok(()) } else { Err(Malformed::byte(at, What::DuplicateKey)) }
    }

    /// A label by number or by name; `None` for one that may be ignored.
    fn label(&mut self) -> Read<Option<Label>> {
        let at = self.decoder.position();
        match self.kind()? {
            Type::String | Type::StringIndef => {
                let name = self.text()?;
                match Label::named(&name) {
                    None if name.ends_with('_') => Err(Malformed::byte(at, What::MustUnderstand)),
                    label => Ok(label),
                }
            }
            _ => self.item("a label", Decoder::i64).map(Label::coded),
        }
    }

    fn text(&mut self) -> Read<Cow<'a, str>> {
        if self.kind()? != Type::StringIndef {
            return self.item("a text", Decoder::str).map(Cow::Borrowed);
        }
        self.item("a text", |d| d.str_iter()?.collect::<Result<String, _>>().map(Cow::Owned))
    }

    fn number(&mut self) -> Read<f64> {
        let at = self.decoder.position();
        let value = match self.kind()? {
            Type::F16 => f64::from(self.item("a number", Decoder::f16)?),
            Type::F32 => f64::from(self.item("a number", Decoder::f32)?),
            Type::F64 => self.item("a number", Decoder::f64)?,
            Type::Tag => {
                self.tag(DECIMAL_FRACTION)?;
                self.decimal_fraction()?
            }
            _ => decimal(self.integer()?, 0),
        };
        if value.is_finite() { Ok(value) } else { Err(Malformed::byte(at, What::NumberRange)) }
    }

    fn integer(&mut self) -> Read<i128> {
        self.item("a number", Decoder::int).map(i128::from)
    }

    fn decimal_fraction(&mut self) -> Read<f64> {
        let at = self.decoder.position();
        let mut left = self.open(false)?;
        let mut part = |cbor: &mut Self| {
            if cbor.more(&mut left)? {
                cbor.integer()
            } else {
                cbor.refuse(What::Expected("exponent and mantissa"))
            }
        };
        let (exponent, mantissa) = (part(self)?, part(self)?);
        if self.more(&mut left)? {
            return self.refuse(What::Expected("the end of the decimal fraction"));
        }
        let exponent = i32::try_from(exponent).map_err(|_too_big| Malformed::byte(at, What::NumberRange))?;
        Ok(decimal(mantissa, exponent))
    }

    /// Passes over the value of a label that is ignored.
    fn pass(&mut self, depth: u8) -> Read<()> {
        if depth == MAX_DEPTH {
            return self.refuse(What::TooDeep);
        }
        match self.kind()? {
            Type::Array | Type::ArrayIndef => {
                let mut left = self.open(false)?;
                while self.more(&mut left)? {
                    self.pass(depth + 1)?;
                }
                Ok(())
            }
            Type::Map | Type::MapIndef => {
                let mut left = self.open(true)?;
                let mut keys = HashSet::new();
                while self.more(&mut left)? {
                    let at = self.decoder.position();
                    self.pass(depth + 1)?;
                    self.once(&mut keys, at)?;
                    self.pass(depth + 1)?;
                }
                Ok(())
            }
            Type::Tag => {
                self.item("a tag", Decoder::tag)?;
                self.pass(depth + 1)
            }
            _ => self.item("a CBOR item", Decoder::skip),
        }
    }
}

/// The double nearest to `mantissa × 10^exponent`, by way of its decimal text; infinite when too large.
fn decimal(mantissa: i128, exponent: i32) -> f64 {
    if let (Ok(small), 0) = (i32::try_from(mantissa), exponent) {
        return f64::from(small);
    }
    format!("{mantissa}e{exponent}").parse().unwrap_or(f64::NAN)
}
