//! A few days of a small clinic, run twice, and the log of what happened held against the tables.

use super::*;
use store::Url;
use store::keys::kek::Keks;

/// 2026-11-22T03:00:00Z: midnight in São Paulo.
const UNTIL: Instant = Instant::from_secs(1_795_316_400);

fn simulated(days: u32, patients: u32, seed: u64) -> (Summary, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let cheap = Cost { memory: 64, passes: 1, lanes: 1 };
    let plan = Plan { days, patients, seed, until: UNTIL, cost: cheap };
    let (summary, users) = simulate(dir.path(), &plan, &|_| ()).unwrap();
    assert_eq!(users.len(), 7);
    (Summary { seconds: 0, ..summary }, dir)
}

#[test]
fn the_same_seed_tells_the_same_story_and_its_log_holds() {
    let (first, dir) = simulated(3, 20, 7);
    assert_eq!(first, simulated(3, 20, 7).0);
    assert_ne!(first, simulated(3, 20, 8).0);
    let url = Url::Sqlite(dir.path().join("zelo.db"));
    let store = Store::open(&url, Keks::load(&dir.path().join("keys")).unwrap()).unwrap();
    let key = audit::load(&store, &dir.path().join("keys")).unwrap();
    let report = audit::verify(&store, key.vkey(), None, &[]).unwrap();
    assert!(report.ok, "{report:?}");
    assert_eq!(report.size, first.audit.entries);
}

/// A month of few patients: the kinds of endings that a clinic knows occur.
#[test]
fn a_month_of_a_clinic_passes_in_seconds() {
    let (month, dir) = simulated(30, 30, 3);
    assert!(month.telemetry.readings > 50_000, "{month:?}");
    assert!(month.telemetry.refused > 0, "who did not agree is not stored: {month:?}");
    for level in ["yellow", "red"] {
        assert!(month.alerts.get(level).is_some_and(|count| *count > 1), "{month:?}");
    }
    assert!(month.pages.get("1").is_some_and(|count| *count > 1), "{month:?}");
    assert!(month.sla.get("met").is_some_and(|count| *count > 1), "{month:?}");
    assert_eq!(month.outage.lost, 0, "{month:?}");
    assert!(month.absences.covered > 0 && month.absences.count > month.absences.covered, "{month:?}");
    drop(dir);
}
