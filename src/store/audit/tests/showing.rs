//! What is shown and handed out.

use super::*;
use crate::Act;
use audit::Decision;
use audit::proof::LeafProof;
use audit::tag::Found;
use audit::tile::Dir;
use audit::verify::verify_dir;

#[test]
fn pages_go_from_the_newest_entry_to_the_first_and_filters_hold() {
    for mut house in houses() {
        for n in 0..300 {
            let allowed = n % 3 == 0;
            house
                .home
                .write(Actor::Operator, NOW, |tx| {
                    let act = Act::new("access.read").patient(house.patient.id).decided(allowed);
                    if n % 10 == 0 {
                        tx.audit(&act)
                    } else {
                        tx.audit(&Act::new("auth.login").decided(allowed))
                    }
                })
                .unwrap();
        }
        house.seal(0);
        let size = house.head().checkpoint.size;
        let all = |filter: Filter<'_>, limit| {
            let (mut leaves, mut before) = (Vec::new(), None);
            loop {
                let slice = house.home.read(|view| page(view, &filter, before, limit)).unwrap();
                leaves.extend(slice.lines);
                before = slice.next;
                if before.is_none() {
                    return leaves;
                }
            }
        };
        let every = all(Filter::default(), 7);
        assert!(every.iter().map(|line| line.leaf).eq((0..size).rev()));
        assert_eq!(all(Filter { kind: Some("access.read"), ..Filter::default() }, 11).len(), 30);
        let denied = Filter { decision: Some(Decision::Deny), ..Filter::default() };
        assert_eq!(all(denied, 9).len(), 200);
        let later = Filter { from: Some(Instant::from_secs(NOW.secs() + 1)), ..Filter::default() };
        assert_eq!(all(later, 9), []);
        let hers = all(
            Filter { subjects: [Some(Subject::Patient(house.patient.id)), None], ..Filter::default() },
            8,
        );
        assert!(hers.iter().all(|line| line.found == Some(Found::Subject)));
        let kinds = hers.iter().filter(|line| line.entry.as_ref().unwrap().kind.name() == "access.read");
        assert_eq!(kinds.count(), 30);
        assert!(hers.iter().any(|line| line.entry.as_ref().unwrap().kind.name() == "consent.granted"));
    }
}

#[test]
fn an_entry_and_a_reading_are_proven_to_somebody_who_has_only_the_key() {
    for mut house in houses() {
        for second in 0..5 {
            (0..4).for_each(|ordinal| house.message(second * 10, ordinal, &[]));
            house.message(second * 10, 4, &[70.0, 71.0]);
        }
        house.seal(60);
        let head = house.head();
        let proof = house.home.read(|view| proof_of_entry(view, house.key(), 3)).unwrap();
        let bytes = house.home.read(|view| entry(view, 3)).unwrap().unwrap();
        let proof: LeafProof = proof.parse().unwrap();
        assert_eq!(proof.verify(&bytes, house.key()).unwrap(), head.checkpoint);
        let beyond = house.home.read(|view| proof_of_entry(view, house.key(), head.checkpoint.size));
        assert!(matches!(beyond, Err(Error::NotFound(_))));
        let (at, device) = (Instant::from_secs(NOW.secs() + 20), house.device.id);
        let prove = |at| {
            house.home.read(|view| {
                proof_of_reading(view, house.key(), house.patient.id, Signal::HeartRate, at, device)
            })
        };
        let hot = prove(at).unwrap();
        let (batch, _) = hot.verify(house.key()).unwrap();
        assert_eq!((batch.second, batch.n, hot.message.ordinal), (NOW.secs() + 20, 5, 4));
        assert!(matches!(prove(Instant::from_secs(1)), Err(Error::NotFound(_))));
        rolled(&house);
        assert_eq!(prove(at).unwrap(), hot);
    }
}

/// Moves every reading into chunks.
pub(super) fn rolled(house: &House) {
    use crate::readings::roll;
    let now = Instant::from_secs(NOW.secs() + 40 * 86_400);
    while roll(&house.home, now, now).unwrap().more {}
    let left: i64 = house
        .home
        .read(|view| Ok(crate::db::schema::readings::table.count().get_result(view.conn)?))
        .unwrap();
    assert_eq!(left, 0);
}

#[test]
fn an_export_verifies_without_the_database_and_holds_one_persons_entries() {
    for mut house in houses() {
        house.message(0, 0, &[70.0]);
        house.seal(1);
        let temp = tempfile::tempdir().unwrap();
        let dir = Dir(temp.path().join("log"));
        let scope = Scope::Patient(house.patient.id);
        let head = export(&house.home, house.sequencer.signer(), &dir, scope).unwrap();
        assert_eq!(head, house.head().checkpoint);
        assert!(verify_dir(&dir, &[house.key().clone()], None).unwrap().ok);
        let manifest: serde_json::Value = serde_json::from_str(&dir.text("manifest.json").unwrap()).unwrap();
        for term in manifest["terms"].as_array().unwrap() {
            let text = dir.text(&format!("terms/{}.txt", term.as_str().unwrap())).unwrap();
            assert_eq!(hex::encode(audit::merkle::sha256(text.as_bytes())), term.as_str().unwrap());
        }
        let entries = manifest["subject"]["entries"].as_array().unwrap();
        assert!(entries.len() >= 3, "{manifest}");
        for leaf in entries.iter().map(|leaf| leaf.as_u64().unwrap()) {
            let proof: LeafProof = dir.text(&format!("proofs/{leaf}.tlog-proof")).unwrap().parse().unwrap();
            let bytes = house.home.read(|view| entry(view, leaf)).unwrap().unwrap();
            proof.verify(&bytes, house.key()).unwrap();
        }
        // The export is the past of the log that went on.
        house.message(5, 0, &[71.0]);
        house.seal(6);
        let report = verify(&house.home, house.key(), Some(&dir), &[]).unwrap();
        assert!(report.ok && report.size > head.size, "{report:?}");
    }
}
