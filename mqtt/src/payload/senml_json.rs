//! SenML's JSON encoding (RFC 8428 §5): an array of objects, read label by label.

use super::json::{Keys, Read, Scanner};
use super::senml::{Bases, Datum, Kind, Label, Record};
use super::{Format, Malformed, Samples, What};

pub(super) fn read<'a>(scanner: &mut Scanner<'a>) -> Read<Samples<'a>> {
    let mut out = Samples::new(Format::SenmlJson);
    let mut bases = Bases::default();
    scanner.array(|scanner| bases.resolve(record(scanner)?, &mut out))?;
    Ok(out)
}

/// A record with what of it could be read: those that follow stand on its base fields.
fn record<'a>(scanner: &mut Scanner<'a>) -> Read<Record<'a>> {
    let mut record = Record::default();
    if let Err(fault) = scanner.attempt(|scanner| scanner.opens(b'{', "an object"))? {
        record.spoil(None, fault);
        return Ok(record);
    }
    scanner.open(b'{', "an object")?;
    let (mut first, mut ignored) = (true, Keys::default());
    while let Some((key, at)) = scanner.key(&mut first)? {
        let label = Label::named(&key);
        let read = match label {
            Some(label) => scanner.attempt(|scanner| datum(scanner, label))?,
            None if key.ends_with('_') => {
                scanner.pass()?;
                Err(Malformed::byte(at, What::MustUnderstand))
            }
            None => {
                let passed = scanner.attempt(Scanner::skip)?;
                record.ignore(&key);
                let is_new = ignored.add(key).is_some();
                let passed = passed.map(|()| Datum::Other);
                if is_new { passed } else { Err(Malformed::byte(at, What::DuplicateKey)) }
            }
        };
        match (label, read) {
            (_, Err(fault)) => record.spoil(label, fault),
            (Some(label), Ok(datum)) => record.set(label, datum, at),
            (None, Ok(_ignored)) => {}
        }
    }
    Ok(record)
}

fn datum<'a>(scanner: &mut Scanner<'a>, label: Label) -> Read<Datum<'a>> {
    Ok(match label.kind() {
        Kind::Number => Datum::Number(scanner.number()?.value),
        Kind::Text => Datum::Text(scanner.string("a string")?),
        Kind::Boolean => scanner.boolean().map(|_known| Datum::Other)?,
        Kind::Data => data(scanner)?,
    })
}

/// Bytes as base64url without padding (RFC 8428 §4.3); no signal takes them.
fn data<'a>(scanner: &mut Scanner<'a>) -> Read<Datum<'a>> {
    let at = scanner.place();
    let text = scanner.string("a string")?;
    let is_base64url = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if is_base64url && text.len() % 4 != 1 {
        Ok(Datum::Other)
    } else {
        Err(Malformed::byte(at, What::Expected("base64url without padding")))
    }
}
