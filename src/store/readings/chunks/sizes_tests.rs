//! What is on disk: within the budgets of bytes, and no value in clear.

use crate::readings::roll;
use crate::readings::sizes;
use crate::readings::testing::{Clinic, NOON, heart_rate, message};
use crate::readings::{Batch, append};
use crate::{Urgency, Url};
use domain::Instant;

fn at(second: i64) -> Instant {
    Instant::from_secs(NOON.secs() + second)
}

#[test]
fn a_reading_costs_what_was_promised_hot_and_cold() {
    for clinic in Clinic::each() {
        let patients: Vec<_> = (0..4).map(|_| (clinic.patient(), clinic.device())).collect();
        for slice in 0..9 {
            let mut batch = Batch::default();
            for second in slice * 800..(slice + 1) * 800 {
                for (patient, device) in &patients {
                    let value = f64::from(70 + u8::try_from(second / 30 % 25).unwrap());
                    let received = message(at(second).secs(), 0);
                    let reading = [heart_rate(at(second), value)];
                    let permit = crate::readings::testing::collect();
                    batch.admit(&permit, &patient.secret, patient.key, *device, received, &reading).unwrap();
                }
            }
            clinic.store.keep_house(Urgency::Patient, "test", NOON, |tx| append(tx, &batch)).unwrap();
        }
        let hot = clinic.store.read(sizes).unwrap().hot;
        let budget = if matches!(clinic.store.url(), Url::Sqlite(_)) { 45_000 } else { 130_000 };
        println!("hot: {} thousandths of a byte", hot.per_thousand());
        assert_eq!(hot.readings, 28_800);
        assert!(hot.per_thousand() <= budget, "{} > {budget}", hot.per_thousand());
        roll(&clinic.store, NOON, Instant::MAX).unwrap();
        let cold = clinic.store.read(sizes).unwrap().cold;
        println!("cold: {} bytes for {} readings", cold.bytes, cold.readings);
        assert_eq!(cold.readings, 28_800);
        // Few chunks: pages are not full, and on PostgreSQL an index takes at least two of 8 KiB each.
        assert!(cold.per_thousand() <= 4_000, "{}", cold.per_thousand());
    }
}

#[test]
fn the_space_of_rolled_rows_is_used_again() {
    for clinic in Clinic::each() {
        let (patient, device) = (clinic.patient(), clinic.device());
        let mut sizes_seen = Vec::new();
        for round in 0..4_i64 {
            let readings: Vec<_> = (0..20_000).map(|n| heart_rate(at(round * 20_000 + n), 70.0)).collect();
            clinic.send(&patient, device, message(round, 0), &readings);
            sizes_seen.push(clinic.store.read(sizes).unwrap().hot.bytes);
            roll(&clinic.store, NOON, Instant::MAX).unwrap();
            assert_eq!(clinic.store.read(sizes).unwrap().hot.readings, 0);
        }
        let (first, last) = (sizes_seen[0], sizes_seen[3]);
        // Pages of an index wait for the oldest reader; other tests read, too.
        assert!(last <= first * 5 / 2, "{sizes_seen:?}: the journal grows although it is rolled");
    }
}

#[test]
fn no_value_is_on_disk_in_clear() {
    let clinic = Clinic::sqlite();
    let (patient, device) = (clinic.patient(), clinic.device());
    let (hot, cold, held) = (71.372_819_346_51, 68.914_402_771_3, 91.503_317_788_2);
    clinic.send(&patient, device, message(1, 0), &[heart_rate(at(0), cold), heart_rate(at(1), cold)]);
    roll(&clinic.store, NOON, at(10)).unwrap();
    clinic.send(&patient, device, message(2, 0), &[heart_rate(at(0), held)]);
    roll(&clinic.store, NOON, at(10)).unwrap();
    clinic.send(&patient, device, message(3, 0), &[heart_rate(at(20), hot)]);
    let files = ["zelo.db", "zelo.db-wal"].map(|name| std::fs::read(clinic.store.dir().join(name)).unwrap());
    let holds =
        |needle: &[u8]| files.iter().any(|file| file.windows(needle.len()).any(|bytes| bytes == needle));
    for value in [hot, cold, held] {
        for needle in
            [value.to_le_bytes().to_vec(), value.to_be_bytes().to_vec(), value.to_string().into_bytes()]
        {
            assert!(!holds(&needle), "{value} in clear");
        }
    }
    assert!(
        holds(&at(20).micros().to_be_bytes()),
        "instants are in clear: the search does find what is there"
    );
}
