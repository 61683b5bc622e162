//! A chunk gives back what went in, bit for bit, and is as small as was promised.

use proptest::prelude::*;

use super::{pack, unpack};
use crate::readings::journal::row::StoredReading;
use crate::readings::receipt::ReceiptRef;
use crate::readings::testing::{NOON, reading};
use domain::{Flags, Instant, Reading, Signal, Unit};

/// What sealing, the row and its index entries add to a chunk (see the size test of the roll).
const AROUND: usize = 41 + 90;

fn value() -> impl Strategy<Value = f64> {
    let decimal = (any::<i32>(), 0_u32..6).prop_map(|(n, scale)| f64::from(n) / f64::from(10_u32.pow(scale)));
    prop_oneof![
        any::<f64>().prop_filter("finite", |v| v.is_finite()),
        decimal,
        Just(-0.0),
        Just(f64::MIN_POSITIVE),
    ]
}

fn stored() -> impl Strategy<Value = StoredReading> {
    let unit = prop_oneof![Just(Unit::MgPerDl), Just(Unit::MmolPerL)];
    (any::<i64>(), value(), unit, any::<u8>(), any::<i64>(), any::<i64>()).prop_map(
        |(at, value, unit, flags, device_key, received)| StoredReading {
            reading: Reading {
                signal: Signal::Glucose,
                at: Instant::from_micros(at),
                value,
                unit,
                flags: Flags(flags),
            },
            device_key,
            received: ReceiptRef::from_stored(received),
        },
    )
}

fn same_bits(a: &[StoredReading], b: &[StoredReading]) -> bool {
    let key = |r: &StoredReading| {
        (r.reading.at, r.reading.value.to_bits(), r.reading.unit, r.reading.flags, r.device_key, r.received)
    };
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| key(a) == key(b))
}

proptest! {
    #[test]
    fn a_chunk_of_anything_comes_back_bit_for_bit(rows in proptest::collection::vec(stored(), 0..300)) {
        let back = unpack(Signal::Glucose, &pack(&rows).unwrap()).unwrap();
        prop_assert!(same_bits(&rows, &back));
    }

    #[test]
    fn a_chunk_of_decimals_comes_back_bit_for_bit(
        numbers in proptest::collection::vec(-100_000_i32..100_000, 1..500), scale in 0_u32..5,
    ) {
        let rows: Vec<_> = (0_i64..).zip(&numbers).map(|(n, number)| {
            let value = f64::from(*number) / f64::from(10_u32.pow(scale));
            live(Signal::BodyTemperature, n, 0, value)
        }).collect();
        let back = unpack(Signal::BodyTemperature, &pack(&rows).unwrap()).unwrap();
        prop_assert!(same_bits(&rows, &back));
    }

    #[test]
    fn bytes_that_are_no_chunk_are_refused_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let versioned: Vec<u8> = std::iter::once(1).chain(bytes).collect();
        let _refused = unpack(Signal::HeartRate, &versioned);
    }
}

/// A reading at `second` plus `jitter` microseconds, received 300 ms later.
fn live(signal: Signal, second: i64, jitter: i64, value: f64) -> StoredReading {
    let at = Instant::from_micros(NOON.micros() + second * 1_000_000 + jitter);
    let received = ReceiptRef::new((at.micros() + 300_000).div_euclid(1_000_000), 0, 0).unwrap();
    StoredReading { reading: reading(signal, at, value), device_key: 7, received }
}

/// A random walk in whole steps, as a device reports it.
struct Walk(u64);

impl Walk {
    fn next(&mut self, below: u64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((self.0 >> 33) % below).unwrap()
    }
}

fn bytes_per_reading(count: i64, every: i64, jitter: u64, scale: f64) -> f64 {
    let mut walk = Walk(1);
    let mut level = 700_i64;
    let rows: Vec<_> = (0..count)
        .map(|n| {
            level += walk.next(3) - 1;
            let offset = if jitter == 0 { 0 } else { walk.next(jitter) };
            let value = f64::from(i32::try_from(level).unwrap()) / scale;
            live(Signal::HeartRate, n * every, offset, value)
        })
        .collect();
    let size = pack(&rows).unwrap().len() + AROUND;
    f64::from(u32::try_from(size).unwrap()) / f64::from(i32::try_from(count).unwrap())
}

#[test]
fn a_stored_reading_stays_within_its_budget_of_bytes() {
    let cases = [
        ("1 Hz", bytes_per_reading(3_600, 1, 0, 10.0), 1.0),
        ("1 Hz with 5 ms jitter", bytes_per_reading(3_600, 1, 5_000, 10.0), 4.0),
        ("1 per minute with 5 ms jitter", bytes_per_reading(1_440, 60, 5_000, 10.0), 4.0),
        ("every 5 minutes with 5 ms jitter", bytes_per_reading(2_880, 300, 5_000, 10.0), 12.0),
    ];
    for (name, bytes, budget) in cases {
        println!("{name}: {bytes:.2} bytes");
        assert!(bytes <= budget, "{name}: {bytes:.2} bytes of {budget}");
    }
}
