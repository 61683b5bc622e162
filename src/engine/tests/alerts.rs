//! A red whose beginning was learned late and that still stands is nobody's secret.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::ward::{raise_late, wards};
use crate::Module as _;
use crate::alerts::late_reds::{LateReds, QUIET};
use domain::{AlertId, DeviceId, Flags, Instant, Rule, Signal};
use rules::{JudgedReading, Machine, SeriesKey, Speaker, WATERMARK, Watchlist};
use store::alerts::{self, late_reds};
use store::health::lapses;
use store::testing::NOW;
use store::{Store, escalation};

fn watch() -> Arc<Mutex<Watchlist>> {
    Arc::new(Mutex::new(Watchlist::new(Rule::seeds().into())))
}

/// The series' newest reading is now that of `at`.
fn head(watch: &Arc<Mutex<Watchlist>>, patient_key: i64, at: Instant) {
    let mut machine = Machine::new(&Rule::seeds()[0]);
    let device = DeviceId(uuid::Uuid::nil());
    machine.step(&JudgedReading { at, value: 130.0, flags: Flags::default(), device });
    let key = SeriesKey { patient_key, signal: Signal::HeartRate };
    let speaker = Speaker::new(Vec::new(), &Rule::seeds(), key.signal);
    watch.lock().unwrap().know(key, speaker, vec![machine], &[]);
}

fn is_escalating(store: &Store, id: AlertId) -> bool {
    store.read(|view| escalation::of_alert(view, id)).unwrap().is_some()
}

fn soon(millis: u64) -> Instant {
    NOW.plus(Duration::from_millis(millis))
}

#[test]
fn a_red_that_was_found_late_and_still_stands_pages_once_its_series_is_quiet() {
    for ward in wards() {
        let id = raise_late(&ward.home, NOW);
        assert!(!is_escalating(&ward.home, id));
        let late = |now: Instant| ward.home.read(|view| lapses::look(view, now)).unwrap();
        assert!(
            late(NOW).iter().any(|lapse| lapse.kind == "unescalated_red" && lapse.subject == id.to_string()),
            "whoever looks from outside misses its escalation"
        );
        let mut module = LateReds::new((*ward.home).clone(), watch());
        let mut did = |millis| module.run(soon(millis)).unwrap().did;
        let quiet = u64::try_from(QUIET.as_millis()).unwrap();
        assert_eq!((did(0), did(quiet - 1), did(quiet), did(quiet + 1)), (0, 0, 1, 0));
        assert!(is_escalating(&ward.home, id));
        assert!(!ward.home.read(|view| alerts::get(view, id)).unwrap().retrospective);
        assert!(!late(soon(quiet)).iter().any(|lapse| lapse.kind == "unescalated_red"));
    }
}

#[test]
fn a_backlog_that_still_comes_in_is_waited_for_until_it_reaches_the_present() {
    for ward in wards() {
        let id = raise_late(&ward.home, NOW);
        let standing = ward.home.read(late_reds::standing).unwrap();
        let patient = standing.iter().find(|red| red.id == id).unwrap().patient_key;
        let watch = watch();
        let mut module = LateReds::new((*ward.home).clone(), Arc::clone(&watch));
        for second in 0..60 {
            head(&watch, patient, NOW.minus(WATERMARK * 7).plus(WATERMARK * second / 10));
            assert_eq!(module.run(soon(1_000 * u64::from(second))).unwrap().did, 0, "second {second}");
        }
        head(&watch, patient, NOW);
        assert_eq!(module.run(soon(60_000)).unwrap().did, 1);
        assert!(is_escalating(&ward.home, id));
    }
}
