//! SenML's JSON encoding (RFC 8428 §5): an array of objects, read label by label.

use super::json::{Keys, Scanner};
use super::senml::{Bases, Datum, Kind, Label, Record};
use super::{Format, Malformed, Samples, What};

pub(super) fn read<'a>(scanner: &mut Scanner<'a>) -> Result<Samples<'a>, Malformed> {
    let mut out = Samples::new(Format::SenmlJson);
    let mut bases = Bases::default();
    scanner.array(|scanner| bases.resolve(record(scanner)?, &mut out))?;
    Ok(out)
}

fn record<'a>(scanner: &mut Scanner<'a>) -> Result<Record<'a>, Malformed> {
    let mut record = Record::default();
    scanner.open(b'{', "an object")?;
    let (mut first, mut ignored) = (true, Keys::default());
    while let Some((key, at)) = scanner.key(&mut first)? {
        let Some(label) = Label::named(&key) else {
            if key.ends_with('_') {
                return Err(Malformed::byte(at, What::MustUnderstand));
            }
            ignored.add(key).ok_or(Malformed::byte(at, What::DuplicateKey))?;
            scanner.skip()?;
            continue;
        };
        let datum = match label.kind() {
            Kind::Number => Datum::Number(scanner.number()?.value),
            Kind::Text => Datum::Text(scanner.string("a string")?),
            Kind::Boolean => scanner.boolean().map(|_known| Datum::Other)?,
            Kind::Data => data(scanner)?,
        };
        record.set(label, datum).ok_or(Malformed::byte(at, What::DuplicateKey))?;
    }
    Ok(record)
}

/// Bytes as base64url without padding (RFC 8428 §4.3); no signal takes them.
fn data<'a>(scanner: &mut Scanner<'a>) -> Result<Datum<'a>, Malformed> {
    let at = scanner.place();
    let text = scanner.string("a string")?;
    let is_base64url = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if is_base64url && text.len() % 4 != 1 {
        Ok(Datum::Other)
    } else {
        Err(Malformed::byte(at, What::Expected("base64url without padding")))
    }
}
