//! New Year in UTC, by a driven clock: one tree ends, the next names its end, and nothing is lost between them.

use super::*;
use crate::Act;
use audit::Entry;
use audit::proof::LeafProof;
use audit::tile::Dir;
use audit::verify::verify_dir;

/// 2027-01-01T00:00:00Z, and 2029's, in seconds from [`NOW`].
const NEW_YEAR: i64 = 1_798_761_600 - NOW.secs();
const TWO_YEARS_ON: i64 = 1_861_920_000 - NOW.secs();

fn act_at(house: &House, at: i64, purpose: &str) {
    let now = Instant::from_secs(NOW.secs() + at);
    house
        .home
        .write(Actor::Operator, now, |tx| tx.audit(&Act::new("admin.config").purpose(purpose)))
        .unwrap();
}

fn kind(house: &House, leaf: u64) -> String {
    let bytes = house.home.read(|view| entry(view, leaf)).unwrap().unwrap();
    let entry = Entry::read(&bytes).unwrap();
    entry.purpose.filter(|_| entry.kind.name() == "admin.config").unwrap_or_else(|| entry.kind.name().into())
}

/// A log that went over New Year; the number of the new tree's first entry.
fn over_new_year(house: &mut House) -> u64 {
    house.message(0, 0, &[70.0]);
    house.seal(1);
    // Written in the old year, sequenced in the new one.
    house.message(NEW_YEAR - 1, 0, &[71.0]);
    act_at(house, NEW_YEAR - 1, "the-last");
    act_at(house, NEW_YEAR, "the-first");
    // Committed late by a clock that is behind: it stays behind what has its place.
    act_at(house, NEW_YEAR - 1, "a-straggler");
    house.seal(NEW_YEAR + 1);
    house.head().first
}

#[test]
fn at_new_year_the_tree_is_closed_and_the_next_one_names_its_final_checkpoint() {
    for mut house in houses() {
        let old = house.key().clone();
        assert!(old.name().ends_with("/2026"));
        let first = over_new_year(&mut house);
        let head = house.head();
        assert_eq!((head.year, house.key().name().rsplit_once('/').unwrap().1), (2027, "2027"));
        assert!(house.key().same_key(&old));
        let kinds: Vec<String> = (first - 2..head.entries()).map(|leaf| kind(&house, leaf)).collect();
        let expected =
            ["the-last", "log.sealed", "log.opened", "the-first", "a-straggler", "telemetry.batch"];
        assert_eq!(kinds, expected);
        let report = house.verified();
        assert!(report.ok && report.size == head.entries(), "{report:?}");

        // A proof names its year's log and holds under that name alone.
        for (leaf, place, key) in [(first - 2, first - 2, &old), (first + 1, 1, house.key())] {
            let proof = house.home.read(|view| proof_of_entry(view, &old, leaf)).unwrap();
            let proof: LeafProof = proof.parse().unwrap();
            let bytes = house.home.read(|view| entry(view, leaf)).unwrap().unwrap();
            assert_eq!(proof.index, place);
            assert_eq!(proof.verify(&bytes, key).unwrap().origin, key.name());
        }

        // Idle years turn too, and a program that starts again goes on.
        assert_eq!(house.seal(NEW_YEAR + 2).placed, 0);
        assert_eq!(house.seal(TWO_YEARS_ON).placed, 2);
        let signer = load(&house.home, &house.home.dir().join("keys")).unwrap();
        assert!(signer.vkey().name().ends_with("/2029"));
        house.sequencer = Sequencer::begin(&house.home, signer).unwrap();
        act_at(&house, TWO_YEARS_ON + 5, "on");
        // A clock that went back opens no old tree again.
        house.seal(NEW_YEAR + 9);
        assert_eq!(house.head().year, 2029);
        let report = house.verified();
        assert!(report.ok && report.size == house.head().entries(), "{report:?}");
    }
}

#[test]
fn of_two_sequencers_over_new_year_the_second_goes_on_in_the_new_tree() {
    for mut house in houses() {
        let other = open(&house.home, &house.home.dir().join("keys"), NOW).unwrap();
        let mut other = Sequencer::begin(&house.home, other).unwrap();
        other.sequence(&house.home, NOW, 1_000).unwrap();
        over_new_year(&mut house);
        act_at(&house, NEW_YEAR + 3, "by-the-other");
        other.sequence(&house.home, Instant::from_secs(NOW.secs() + NEW_YEAR + 4), 1_000).unwrap();
        assert_eq!(other.signer().vkey(), house.key());
        let report = house.verified();
        assert!(report.ok, "{report:?}");
    }
}

#[test]
fn an_export_over_new_year_holds_both_trees_and_their_seam() {
    for mut house in houses() {
        house.seal(0);
        let (old, visit) = (house.key().clone(), house.head().note);
        let temp = tempfile::tempdir().unwrap();
        let visited = temp.path().join("visited");
        export(&house.home, house.sequencer.signer(), &Dir(visited.clone()), Scope::Log).unwrap();
        let first = over_new_year(&mut house);
        let dir = Dir(temp.path().join("log"));
        let head =
            export(&house.home, house.sequencer.signer(), &dir, Scope::Patient(house.patient.id)).unwrap();
        assert!(head.origin.ends_with("/2027"));
        let report = verify_dir(&dir, std::slice::from_ref(&old), Some(&visit)).unwrap();
        assert!(report.ok && report.size == house.head().entries(), "{report:?}");
        assert!(verify(&house.home, &old, Some(&dir), &[&visit]).unwrap().ok);
        let policy = dir.text("policy.txt").unwrap();
        assert!(policy.contains(&format!("log {old}\n")) && policy.contains("quorum none\n"), "{policy}");

        let altered = |name: &str, alter: &dyn Fn(Vec<u8>) -> Vec<u8>| {
            let path = dir.0.join(name);
            let whole = std::fs::read(&path).unwrap();
            std::fs::write(&path, alter(whole.clone())).unwrap();
            let report = verify_dir(&dir, std::slice::from_ref(&old), None).unwrap();
            std::fs::write(&path, whole).unwrap();
            assert!(!report.ok, "{name}");
            report.first_break.unwrap()
        };
        for body in std::fs::read_dir(dir.0.join("bodies")).unwrap() {
            let body = body.unwrap().path();
            let text = std::fs::read(&body).unwrap();
            if text.starts_with(b"{\"next") || text.starts_with(b"{\"previous") {
                let found = altered(body.strip_prefix(&dir.0).unwrap().to_str().unwrap(), &|mut bytes| {
                    bytes[20] ^= 1;
                    bytes
                });
                assert_eq!(found.index, Some(first), "{}", found.what);
            }
        }
        let entries = format!("logs/2026/tile/entries/000.p/{first}");
        let found = altered(&entries, &|mut bytes| {
            bytes[9] ^= 1;
            bytes
        });
        assert_eq!(found.index, Some(0), "{}", found.what);
        // The old year in an earlier state, honest and signed, is noticed at the seam.
        std::fs::remove_dir_all(dir.0.join("logs/2026")).unwrap();
        std::fs::rename(&visited, dir.0.join("logs/2026")).unwrap();
        let cut = verify_dir(&dir, std::slice::from_ref(&old), None).unwrap();
        assert!(!cut.ok && cut.first_break.unwrap().what.contains("between two years"));
    }
}

#[test]
fn what_is_altered_between_the_years_is_found_at_the_seam() {
    let foreign = audit::Signer::from_seed("zelo.other/audit/2026", &[9; 32]).unwrap();
    let strange = format!("UPDATE audit_years SET vkey = '{}' WHERE year = 2026", foreign.vkey());
    for sql in [
        "UPDATE audit_years SET first_leaf = first_leaf + 1 WHERE year = 2027",
        strange.as_str(),
        "DELETE FROM audit_bodies WHERE hash IN (SELECT hash FROM audit_bodies WHERE subject = 'system' \
         ORDER BY length(bytes) LIMIT 3)",
        "DELETE FROM audit_checkpoints WHERE year = 2026",
        "UPDATE audit_bundles SET bytes = (SELECT bytes FROM audit_bundles WHERE year = 2027) WHERE year = 2026",
    ] {
        for mut house in houses() {
            over_new_year(&mut house);
            house.tamper(sql);
            let report = house.verified();
            assert!(!report.ok && report.first_break.as_ref().unwrap().index.is_some(), "{sql} {report:?}");
        }
    }
}
