//! Wire formats to samples: what a wearable sent, told apart by content type or by shape, read strictly and record
//! by record, and placed (a byte or a record) where it cannot be read. Knows no clock, no bounds and no consent.

mod fhir;
mod json;
mod names;
mod openmhealth;
mod samples;
mod senml;
mod senml_cbor;
mod senml_json;
mod stamp;
mod zelo;

use std::fmt;

use json::Scanner;
pub use names::folded;
pub use samples::{At, Claim, Sample, Samples, Side, Skip, Skipped, Status, StrayUnit, Value};

/// The quota on readings in one message; the answer to more is 0x97 and names it.
pub const MAX_READINGS: usize = 10_000;

/// The quota on values in one message that correct or take back what was reported before: each is sealed, logged and
/// judged again by itself. The answer to more is 0x97 and names it.
pub const MAX_AMENDMENTS: usize = 256;

/// How deep arrays and objects may nest.
pub const MAX_DEPTH: u8 = 32;

/// The format a message was read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `{"ts", "values", "units"?}`, an array of them, or bare values (ThingsBoard's shape too).
    Zelo,
    /// SenML in JSON (RFC 8428 §5).
    SenmlJson,
    /// SenML in CBOR (RFC 8428 §6).
    SenmlCbor,
    /// Open mHealth data points.
    OpenMhealth,
    /// FHIR R4 Observation or Bundle.
    Fhir,
}

/// Where in a message it cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Bytes from its start.
    Byte(usize),
    /// The record of an array, from 0.
    Record(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Byte(n) => write!(f, "byte {n}"),
            Self::Record(n) => write!(f, "record {n}"),
        }
    }
}

/// A message that cannot be read. Names the place, never what stood there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} at {at}")]
pub struct Malformed {
    /// Where.
    pub at: Place,
    /// What.
    pub what: What,
}

impl Malformed {
    const fn byte(at: usize, what: What) -> Self {
        Self { at: Place::Byte(at), what }
    }

    /// The quota that the message breaks, when that is all that is wrong with it.
    #[must_use]
    pub const fn quota(&self) -> Option<&'static str> {
        match self.what {
            What::TooMany => Some("readings_per_message"),
            What::TooManyAmendments => Some("amendments_per_message"),
            _ => None,
        }
    }
}

/// What is wrong with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum What {
    /// No bytes.
    #[error("the message is empty")]
    Empty,
    /// Well-formed, with nothing measured in it.
    #[error("the message holds no reading")]
    NoReading,
    /// Bytes that are not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// The grammar asks for something else.
    #[error("expected {0}")]
    Expected(&'static str),
    /// More after the end.
    #[error("bytes after the end of the message")]
    Trailing,
    /// Nesting beyond [`MAX_DEPTH`].
    #[error("nested deeper than 32")]
    TooDeep,
    /// The same key twice in one object.
    #[error("a key that was already given")]
    DuplicateKey,
    /// A number no JSON grammar allows (leading zero, `+`, bare point, `NaN`).
    #[error("not a JSON number")]
    NumberForm,
    /// A number that an IEEE double cannot hold, or not finite.
    #[error("a number outside the finite doubles")]
    NumberRange,
    /// An instant outside what the contract can place.
    #[error("an instant outside the contract")]
    Stamp,
    /// A required member is absent.
    #[error("missing {0}")]
    Missing(&'static str),
    /// SenML: a version newer than 10, or two versions.
    #[error("a SenML version other than 10")]
    Version,
    /// SenML: an unknown label that ends in `_` (RFC 8428 §4.4). FHIR: a modifier (R4 §2.1.0.2).
    #[error("a label that must be understood and is not")]
    MustUnderstand,
    /// SenML: an empty name or a character outside RFC 8428 §4.5.1.
    #[error("not a SenML name")]
    Name,
    /// SenML: two values in one record, or none. FHIR: two values, or one beside the reason why there is none.
    #[error("exactly one value expected in the record")]
    OneValue,
    /// SenML: a base field that this record stands on could not be read.
    #[error("a base field that cannot be read stands")]
    Base,
    /// More than [`MAX_READINGS`].
    #[error("more than 10000 readings (quota readings_per_message)")]
    TooMany,
    /// More than [`MAX_AMENDMENTS`].
    #[error("more than 256 corrections and withdrawals (quota amendments_per_message)")]
    TooManyAmendments,
}

/// Reads a message, record by record: one that is malformed, or a member that holds no value, is named in
/// [`Samples::skipped`] and the rest is read. Only what is no document of its format, or holds nothing that can be
/// read, is an error.
///
/// `content_type` is the v5 property when there is one; parameters after `;` are ignored and an unknown
/// type leaves the choice to the shape.
///
/// # Errors
/// [`Malformed`], placed; [`Malformed::quota`] tells a quota (0x97) from an invalid payload (0x99).
pub fn decode<'a>(content_type: Option<&str>, bytes: &'a [u8]) -> Result<Samples<'a>, Malformed> {
    let first = *bytes.first().ok_or(Malformed::byte(0, What::Empty))?;
    let named = content_type.and_then(format_named);
    let samples = if named == Some(Format::SenmlCbor) || (named.is_none() && looks_like_cbor(first)) {
        senml_cbor::read(bytes)?
    } else {
        let text = std::str::from_utf8(bytes).map_err(|e| Malformed::byte(e.valid_up_to(), What::NotUtf8))?;
        let mut scanner = Scanner::new(text);
        let format = match named {
            Some(format) => format,
            None => zelo::shape(scanner)?,
        };
        let samples = match format {
            Format::SenmlJson | Format::SenmlCbor => senml_json::read(&mut scanner)?,
            Format::OpenMhealth => openmhealth::read(&mut scanner)?,
            Format::Fhir => fhir::read(&mut scanner)?,
            Format::Zelo => zelo::read(&mut scanner)?,
        };
        scanner.end()?;
        samples
    };
    if samples.list.is_empty() && samples.skipped.is_empty() {
        return Err(Malformed::byte(0, What::NoReading));
    }
    samples.fault().map_or(Ok(samples), Err)
}

fn format_named(content_type: &str) -> Option<Format> {
    let media = content_type.split(';').next().unwrap_or_default().trim();
    let is = |name: &str| media.eq_ignore_ascii_case(name);
    if is("application/senml+json") || is("application/sensml+json") {
        Some(Format::SenmlJson)
    } else if is("application/senml+cbor") || is("application/sensml+cbor") {
        Some(Format::SenmlCbor)
    } else if is("application/fhir+json") {
        Some(Format::Fhir)
    } else if is("application/vnd.openmhealth+json") {
        Some(Format::OpenMhealth)
    } else {
        None
    }
}

/// A CBOR array (major type 4) or the self-description tag 55799; neither byte can start JSON.
const fn looks_like_cbor(first: u8) -> bool {
    matches!(first, 0x80..=0x9f | 0xd9)
}
