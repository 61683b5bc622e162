//! A chart shows what was measured, once, in one unit, and from one device at a time.

use std::ops::Range;

use crate::readings::buckets;
use crate::readings::latest;
use crate::readings::roll;
use crate::readings::testing::{Clinic, NOON, Patient, evaluate, heart_rate, message, permit_from};
use crate::readings::{Bucket, Drawn};
use domain::time::civil::Window;
use domain::{Flags, Instant, Reading, Signal, Unit};

fn at(second: i64) -> Instant {
    Instant::from_secs(NOON.secs() + second)
}

fn draw(clinic: &Clinic, patient: &Patient, signal: Signal, seconds: Range<i64>, points: u32) -> Drawn {
    let within = Window { from: at(seconds.start), to: at(seconds.end) };
    clinic.store.read(|view| buckets(view, &evaluate(), patient.key, signal, within, points)).unwrap()
}

#[test]
fn a_chart_is_the_same_before_and_after_the_roll() {
    for clinic in Clinic::each() {
        let (patient, device) = (clinic.patient(), clinic.device());
        let sent: Vec<_> = (0..5_400_i32).map(|n| heart_rate(at(n.into()), f64::from(60 + n % 10))).collect();
        clinic.send(&patient, device, message(1, 0), &sent);
        let hot = draw(&clinic, &patient, Signal::HeartRate, 0..6_000, 100);
        assert_eq!(hot.buckets.len(), 90);
        assert_eq!(hot.devices, [device]);
        assert_eq!(hot.buckets[1], Bucket { at: at(60), min: 60.0, avg: 64.5, max: 69.0, n: 60 });
        for until in [30, 3_700, 6_000] {
            roll(&clinic.store, NOON, at(until)).unwrap();
            // Late copies of what chunks hold, and one that is new.
            clinic.send(&patient, device, message(2, 0), &sent[10..20]);
            assert_eq!(draw(&clinic, &patient, Signal::HeartRate, 0..6_000, 100), hot, "rolled to {until}");
        }
        let part = draw(&clinic, &patient, Signal::HeartRate, 90..150, 1);
        assert_eq!(part.buckets, [Bucket { at: at(90), min: 60.0, avg: 64.5, max: 69.0, n: 60 }]);
        let late = permit_from(at(5_390).micros());
        let within = Window { from: at(0), to: at(6_000) };
        let drawn = clinic
            .store
            .read(|view| buckets(view, &late, patient.key, Signal::HeartRate, within, 1))
            .unwrap();
        assert_eq!(drawn.buckets[0].n, 10, "nothing from before the permit reaches");
    }
}

#[test]
fn low_and_high_are_counted_but_not_averaged_and_units_are_one() {
    for clinic in Clinic::each() {
        let (patient, device) = (clinic.patient(), clinic.device());
        let glucose = |second, value, unit, flags| Reading {
            signal: Signal::Glucose,
            at: at(second),
            value,
            unit,
            flags,
        };
        let sent = [
            glucose(0, 40.0, Unit::MgPerDl, Flags::LOW),
            glucose(1, 100.0, Unit::MgPerDl, Flags::default()),
            glucose(2, 10.0, Unit::MmolPerL, Flags::default()),
            glucose(60, 400.0, Unit::MgPerDl, Flags::HIGH),
        ];
        clinic.send(&patient, device, message(1, 0), &sent);
        for until in [0, 100] {
            roll(&clinic.store, NOON, at(until)).unwrap();
            let drawn = draw(&clinic, &patient, Signal::Glucose, 0..120, 2);
            let high = sent[2].canonical();
            let first = Bucket { at: at(0), min: 40.0, avg: f64::midpoint(100.0, high), max: high, n: 3 };
            let second = Bucket { at: at(60), min: 400.0, avg: 400.0, max: 400.0, n: 1 };
            assert_eq!(drawn.buckets, [first, second]);
        }
    }
}

#[test]
fn where_two_devices_measure_the_preferred_one_is_drawn() {
    for clinic in Clinic::each() {
        let patient = clinic.patient();
        let (watch, strap, clip) = (clinic.device(), clinic.device(), clinic.device());
        clinic.bind(&patient, watch, at(-100), false);
        clinic.bind(&patient, strap, at(-50), true);
        clinic.bind(&patient, clip, at(-20), false);
        clinic.send(&patient, clip, message(1, 0), &[heart_rate(at(0), 50.0), heart_rate(at(130), 51.0)]);
        clinic.send(&patient, watch, message(1, 0), &[heart_rate(at(1), 60.0), heart_rate(at(61), 61.0)]);
        clinic.send(&patient, strap, message(1, 0), &[heart_rate(at(2), 70.0)]);
        for until in [0, 200] {
            roll(&clinic.store, NOON, at(until)).unwrap();
            let drawn = draw(&clinic, &patient, Signal::HeartRate, 0..180, 3);
            let means: Vec<_> = drawn.buckets.iter().map(|bucket| (bucket.avg, bucket.n)).collect();
            assert_eq!(means, [(70.0, 1), (61.0, 1), (51.0, 1)], "preferred, else first bound");
            assert_eq!(drawn.devices, [watch, strap, clip]);
            let signals = [Signal::HeartRate];
            let newest = clinic.store.read(|view| latest(view, &evaluate(), patient.key, &signals)).unwrap();
            assert_eq!(newest[0].device_key, clip);
        }
    }
}

#[test]
fn at_one_instant_the_preferred_device_speaks() {
    for clinic in Clinic::each() {
        let (patient, watch, strap) = (clinic.patient(), clinic.device(), clinic.device());
        clinic.bind(&patient, watch, at(-100), true);
        clinic.bind(&patient, strap, at(-200), false);
        for (device, value) in [(strap, 70.0), (watch, 60.0)] {
            clinic.send(&patient, device, message(1, 0), &[heart_rate(at(0), value)]);
        }
        for until in [0, 10] {
            roll(&clinic.store, NOON, at(until)).unwrap();
            let signals = [Signal::HeartRate];
            let newest = clinic.store.read(|view| latest(view, &evaluate(), patient.key, &signals)).unwrap();
            assert_eq!((newest.len(), newest[0].device_key), (1, watch));
        }
    }
}
