//! The packed form of a span of readings: one column after another, each as small as its content allows.
//!
//! Layout: version `1` ‖ count ‖ columns instant, value, attributes, device, reception lag, message. Numbers are
//! LEB128; a column is a tag, a length and its bytes. Values that are exact decimals are packed as integers.

pub(in crate::readings) mod backlog;
pub(in crate::readings) mod fold;
pub(in crate::readings) mod roll;
#[cfg(test)]
pub(in crate::readings) mod roll_tests;
pub(in crate::readings) mod rows;
pub(in crate::readings) mod sizes;
#[cfg(test)]
pub(in crate::readings) mod sizes_tests;
pub(in crate::readings) mod span;
#[cfg(test)]
pub(in crate::readings) mod tests;

use pco::ChunkConfig;
use pco::standalone::{simple_compress, simple_decompress};

use super::journal::row::{StoredReading, attrs, unit_and_flags};
use super::receipt::ReceiptRef;
use crate::db::error::{Error, Result};
use domain::{Instant, Reading, Signal};

const VERSION: u8 = 1;
const SAME: u8 = 0;
const STEPS: u8 = 1;
const PACKED: u8 = 2;
const FLOATS: u8 = 255;
/// Powers of ten that a decimal may be scaled by.
const SCALES: [f64; 5] = [1.0, 10.0, 100.0, 1_000.0, 10_000.0];
/// Up to here every integer is an exact `f64`.
const EXACT: f64 = 9_007_199_254_740_992.0;
const SECOND: i64 = 1_000_000;
/// More readings than any chunk holds.
const MOST: usize = 1 << 24;
const BROKEN: Error = Error::corrupt("chunks.sealed");

/// Packs readings of one signal, given in the order of (instant, device).
///
/// # Errors
/// More readings than a chunk can hold.
pub(crate) fn pack(readings: &[StoredReading]) -> Result<Vec<u8>> {
    let column = |of: &dyn Fn(&StoredReading) -> i64| readings.iter().map(of).collect::<Vec<i64>>();
    let mut out = vec![VERSION];
    put_number(&mut out, u64::try_from(readings.len()).map_err(|_range| BROKEN)?);
    put_integers(&mut out, &column(&|r| r.reading.at.micros()))?;
    put_values(&mut out, &readings.iter().map(|r| r.reading.value).collect::<Vec<f64>>())?;
    put_integers(&mut out, &column(&|r| i64::from(attrs(&r.reading))))?;
    put_integers(&mut out, &column(&|r| r.device_key))?;
    put_integers(&mut out, &column(&|r| r.received.second().wrapping_sub(second_of(r))))?;
    put_integers(&mut out, &column(&|r| r.received.stored() & 0xffff))?;
    Ok(out)
}

/// Unpacks what [`pack`] made.
///
/// # Errors
/// The bytes are not a chunk.
pub(crate) fn unpack(signal: Signal, bytes: &[u8]) -> Result<Vec<StoredReading>> {
    let mut rest = bytes;
    let head = Points::take(&mut rest)?;
    let lag = take_integers(&mut rest, head.count)?;
    let message = take_integers(&mut rest, head.count)?;
    let rows = head.at.iter().zip(&head.value).enumerate().map(|(place, (at, value))| {
        let (unit, flags) = unit_and_flags(signal, head.attrs_of(place)?)?;
        let at = Instant::from_micros(*at);
        let second = lag.get(place).wrapping_add(at.secs());
        Ok(StoredReading {
            reading: Reading { signal, at, value: *value, unit, flags },
            device_key: head.device.get(place),
            received: ReceiptRef::from_stored((second << 16) | message.get(place)),
        })
    });
    rows.collect()
}

/// What a chart needs of a chunk: everything but how it was received.
pub(crate) struct Points {
    count: usize,
    pub at: Vec<i64>,
    pub value: Vec<f64>,
    attrs: Integers,
    pub device: Integers,
}

impl Points {
    /// Unpacks the columns of a chunk that a chart needs.
    pub(crate) fn unpack(bytes: &[u8]) -> Result<Self> {
        Self::take(&mut &*bytes)
    }

    fn take(rest: &mut &[u8]) -> Result<Self> {
        let (version, after) = rest.split_first().ok_or(BROKEN)?;
        if *version != VERSION {
            return Err(Error::corrupt("chunks.sealed: a format that this program does not know"));
        }
        *rest = after;
        let count = take_length(rest)?;
        if count > MOST {
            return Err(BROKEN);
        }
        Ok(Self {
            count,
            at: take_integers(rest, count)?.into_vec(count),
            value: take_values(rest, count)?,
            attrs: take_integers(rest, count)?,
            device: take_integers(rest, count)?,
        })
    }

    pub(crate) fn attrs_of(&self, place: usize) -> Result<i16> {
        i16::try_from(self.attrs.get(place)).map_err(|_range| BROKEN)
    }
}

/// A column of integers; one that never changes is not spelt out.
pub(crate) enum Integers {
    Same(i64),
    Each(Vec<i64>),
}

impl Integers {
    pub(crate) fn get(&self, place: usize) -> i64 {
        match self {
            Self::Same(number) => *number,
            Self::Each(numbers) => numbers.get(place).copied().unwrap_or_default(),
        }
    }

    fn into_vec(self, count: usize) -> Vec<i64> {
        match self {
            Self::Same(number) => vec![number; count],
            Self::Each(numbers) => numbers,
        }
    }
}

fn second_of(reading: &StoredReading) -> i64 {
    reading.reading.at.micros().div_euclid(SECOND)
}

fn put_integers(out: &mut Vec<u8>, numbers: &[i64]) -> Result<()> {
    let first = numbers.first().copied().unwrap_or_default();
    let second = numbers.get(1).copied().unwrap_or(first);
    let step = second.wrapping_sub(first);
    if numbers.windows(2).all(|pair| matches!(pair, [a, b] if b.wrapping_sub(*a) == step)) {
        out.push(if step == 0 { SAME } else { STEPS });
        put_signed(out, first);
        if step != 0 {
            put_signed(out, step);
        }
        return Ok(());
    }
    out.push(PACKED);
    put_bytes(out, &simple_compress(numbers, &config()).map_err(|_config| BROKEN)?)
}

fn take_integers(rest: &mut &[u8], count: usize) -> Result<Integers> {
    match take_byte(rest)? {
        SAME => Ok(Integers::Same(take_signed(rest)?)),
        STEPS => {
            let (first, step) = (take_signed(rest)?, take_signed(rest)?);
            let next = |at: &i64| Some(at.wrapping_add(step));
            Ok(Integers::Each(std::iter::successors(Some(first), next).take(count).collect()))
        }
        PACKED => {
            let numbers: Vec<i64> = simple_decompress(take_bytes(rest)?).map_err(|_corrupt| BROKEN)?;
            if numbers.len() == count { Ok(Integers::Each(numbers)) } else { Err(BROKEN) }
        }
        _ => Err(BROKEN),
    }
}

fn put_values(out: &mut Vec<u8>, values: &[f64]) -> Result<()> {
    for (tag, scale) in (0_u8..).zip(SCALES) {
        if let Some(whole) = values.iter().map(|value| whole(*value, scale)).collect::<Option<Vec<i64>>>() {
            out.push(tag);
            return put_integers(out, &whole);
        }
    }
    out.push(FLOATS);
    put_bytes(out, &simple_compress(values, &config()).map_err(|_config| BROKEN)?)
}

fn take_values(rest: &mut &[u8], count: usize) -> Result<Vec<f64>> {
    let tag = take_byte(rest)?;
    if tag == FLOATS {
        let values: Vec<f64> = simple_decompress(take_bytes(rest)?).map_err(|_corrupt| BROKEN)?;
        return if values.len() == count { Ok(values) } else { Err(BROKEN) };
    }
    let scale = *SCALES.get(usize::from(tag)).ok_or(BROKEN)?;
    Ok(match take_integers(rest, count)? {
        Integers::Same(number) => vec![unscaled(number, scale); count],
        Integers::Each(numbers) => numbers.into_iter().map(|number| unscaled(number, scale)).collect(),
    })
}

/// The integer that gives this value back, bit for bit, when divided by `scale`.
#[expect(clippy::as_conversions, reason = "exact: the product is whole and below 2^53")]
fn whole(value: f64, scale: f64) -> Option<i64> {
    let product = (value * scale).round();
    if !(-EXACT..=EXACT).contains(&product) {
        return None;
    }
    let number = product as i64;
    (unscaled(number, scale).to_bits() == value.to_bits()).then_some(number)
}

#[expect(clippy::as_conversions, reason = "exact: the integer is below 2^53")]
fn unscaled(number: i64, scale: f64) -> f64 {
    number as f64 / scale
}

fn config() -> ChunkConfig {
    ChunkConfig::default().with_compression_level(8)
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        let [low, ..] = number.to_le_bytes();
        out.push(low | 0x80);
        number >>= 7;
    }
    let [low, ..] = number.to_le_bytes();
    out.push(low);
}

fn take_number(rest: &mut &[u8]) -> Result<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = take_byte(rest)?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(BROKEN)
}

fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_number(out, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

fn take_signed(rest: &mut &[u8]) -> Result<i64> {
    let folded = take_number(rest)?;
    Ok((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed())
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) -> Result<()> {
    put_number(out, u64::try_from(bytes.len()).map_err(|_range| BROKEN)?);
    out.extend_from_slice(bytes);
    Ok(())
}

fn take_bytes<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8]> {
    let length = take_length(rest)?;
    let (bytes, after) = rest.split_at_checked(length).ok_or(BROKEN)?;
    *rest = after;
    Ok(bytes)
}

fn take_length(rest: &mut &[u8]) -> Result<usize> {
    usize::try_from(take_number(rest)?).map_err(|_range| BROKEN)
}

fn take_byte(rest: &mut &[u8]) -> Result<u8> {
    let (byte, after) = rest.split_first().ok_or(BROKEN)?;
    *rest = after;
    Ok(*byte)
}
