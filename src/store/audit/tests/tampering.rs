//! Whatever is altered behind the log's back is found, and what an erasure takes away is not a break.

use std::time::Duration;

use super::showing::rolled;
use super::*;
use crate::Tx;
use crate::db::schema::{audit_bundles as bundles, subject_keys};
use crate::privacy::accesses::{self, Look, What};
use crate::privacy::reveals;
use domain::{Role, UserId};

/// A log with everything in it, some of it rolled into chunks, some merged, some in conflict.
pub(super) fn lived_in(house: &mut House) {
    for second in 0..20 {
        house.message(second, 0, &[70.0, 71.5]);
        house.message(second, 1, &[]);
    }
    rolled(house);
    // The same again, which the roll merges; another value, which it sets aside; and fresh ones.
    house.message(3, 2, &[70.0]);
    house.message(4, 3, &[99.0]);
    rolled(house);
    for second in 30..40 {
        house.message(second, 0, &[80.0, 81.0]);
    }
    house
        .home
        .write(Actor::Operator, NOW.plus(Duration::from_secs(60)), |tx| {
            let proof = serde_json::json!({ "gesture": "tap", "screen": "consents/3" });
            let hand = consents::Hand { giver: Giver::Subject, evidence: Some(proof) };
            consents::revoke(tx, house.patient.id, Purpose::TelemetryCollect, &hand)
        })
        .unwrap();
    looked(house);
    house.seal(50);
    house.seal(61);
    // Still open: a second that is not packed and an entry that has no place.
    house.message(70, 0, &[85.0]);
    patient(&house.home, "Bia");
}

/// A clinician looks at Ana, then at a list of Ana and Caio; an auditor is refused; a DPO learns who Ana is.
fn looked(house: &House) {
    let caio = patient(&house.home, "Caio").id;
    let ana = house.patient.id;
    let viewer = |role| Actor::User { id: UserId::new(NOW), role };
    let look = |patient, what, refused| Look { patient, what, refused };
    let at = |secs| NOW.plus(Duration::from_secs(secs));
    let see = |who, list, seen: &[Look], secs| {
        accesses::witness(&house.home, who, list, &seen.iter().copied().collect(), at(secs)).unwrap();
    };
    let clinician = viewer(Role::Clinician);
    see(clinician, None, &[look(ana, What::Readings, None), look(ana, What::Alerts, None)], 11);
    let both = [look(ana, What::Identity, None), look(caio, What::Contacts, None)];
    see(clinician, Some("/patients"), &both, 12);
    see(viewer(Role::Auditor), None, &[look(ana, What::Contacts, Some("E_ROLE"))], 13);
    let reveal = |tx: &mut Tx<'_>| reveals::at_once(tx, ana, "pedido 7").map(drop);
    house.home.write(viewer(Role::Dpo), at(14), reveal).unwrap();
}

fn found(house: &House) -> String {
    let report = house.verified();
    assert!(!report.ok, "{report:?}");
    let found = report.first_break.unwrap();
    format!("{:?} {}", found.index, found.what)
}

#[test]
fn a_log_that_was_lived_in_is_whole() {
    for mut house in houses() {
        lived_in(&mut house);
        let report = house.verified();
        assert!(report.ok, "{report:?}");
        assert_eq!(exit_code(&Ok::<_, Error>(report)), 0);
        house.seal(80);
        let report = house.verified();
        assert!(report.ok, "{report:?}");
    }
}

/// Statements behind the log's back, and what is then found: at which entry, told by a question that is asked
/// before (`""`: at none), and words of it.
type Tampering = (&'static [&'static str], &'static str, &'static str);

/// The entry that commits to the receipt of the first reading in the journal.
const FIRST_HOT: &str = "SELECT e.leaf AS leaf FROM receipts r JOIN audit_entries e ON e.id = r.entry \
    WHERE r.second = (SELECT min(received) / 65536 FROM readings)";
const FIRST_PACK: &str = "SELECT min(e.leaf) AS leaf FROM receipts r JOIN audit_entries e ON e.id = r.entry";
const LAST_PACK: &str = "SELECT max(e.leaf) AS leaf FROM receipts r JOIN audit_entries e ON e.id = r.entry";
const GRANTED: &str = "SELECT min(leaf) AS leaf FROM audit_entries WHERE kind = 'consent.granted'";
const REVOKED: &str = "SELECT max(leaf) AS leaf FROM audit_entries WHERE kind = 'consent.revoked'";
const LOOK: &str = "SELECT min(leaf) AS leaf FROM audit_entries WHERE kind = 'access.read'";
const LISTED: &str =
    "SELECT leaf FROM audit_entries WHERE kind = 'access.read' ORDER BY leaf LIMIT 1 OFFSET 1";
const REFUSED_LOOK: &str = "SELECT max(leaf) AS leaf FROM audit_entries WHERE kind = 'access.read'";
const REVEAL: &str = "SELECT max(leaf) AS leaf FROM audit_entries WHERE kind = 'access.reveal'";
const LAST: &str = "SELECT max(leaf) AS leaf FROM audit_entries";
const LEAF_0: &str = "SELECT min(leaf) AS leaf FROM audit_entries";
const LEAF_5: &str = "SELECT leaf FROM audit_entries WHERE leaf = 5";

const TAMPERED: &[Tampering] = &[
    // The tree.
    (&["UPDATE audit_tiles SET bytes = substr(bytes, 33) WHERE level = 0"], LEAF_0, "tile"),
    (&["DELETE FROM audit_tiles"], LEAF_0, "tile"),
    (&["DELETE FROM audit_bundles"], LEAF_0, "missing"),
    (
        &["UPDATE audit_bundles SET bytes = substr(bytes, 1, length(bytes) - 9)"],
        LAST,
        "ends before this entry",
    ),
    (&["UPDATE audit_checkpoints SET note = replace(note, 'a', 'b')"], "", "checkpoint"),
    (&["UPDATE audit_checkpoints SET root = substr(root, 2)"], "", "checkpoint of"),
    (&["DELETE FROM audit_checkpoints"], "", "no checkpoint"),
    (
        &[
            "DELETE FROM audit_checkpoints",
            "DELETE FROM audit_tiles",
            "DELETE FROM audit_bundles",
            "DELETE FROM audit_years",
        ],
        "",
        "no log",
    ),
    // The rows of entries.
    (&["UPDATE audit_entries SET kind = 'auth.login' WHERE leaf = 5"], LEAF_5, "another kind"),
    (&["UPDATE audit_entries SET at = at + 1000 WHERE leaf = 5"], LEAF_5, "another time"),
    (&["DELETE FROM audit_entries WHERE leaf = 5"], LEAF_5, "no row"),
    (&["DELETE FROM audit_entries WHERE leaf = (SELECT max(leaf) FROM audit_entries)"], LAST, "no row"),
    (
        &[
            "UPDATE audit_entries SET leaf = -1 WHERE kind = 'consent.granted'",
            "UPDATE audit_entries SET leaf = (SELECT max(leaf) FROM audit_entries) + 7 WHERE kind = 'consent.revoked'",
            "UPDATE audit_entries SET leaf = (SELECT min(leaf) FROM audit_entries WHERE leaf >= 0 AND leaf + 1 NOT IN (SELECT leaf FROM audit_entries WHERE leaf IS NOT NULL)) + 1 WHERE kind = 'consent.revoked'",
        ],
        GRANTED,
        "another kind",
    ),
    (
        &["UPDATE audit_entries SET entry = (SELECT bytes FROM audit_bodies LIMIT 1) WHERE leaf = 5"],
        LEAF_5,
        "bytes of its own",
    ),
    (
        &["UPDATE audit_entries SET leaf = 100000 WHERE leaf IS NULL"],
        "SELECT CAST(100000 AS BIGINT) AS leaf",
        "claims this place",
    ),
    (&["UPDATE audit_entries SET kind = 'auth.login' WHERE leaf IS NULL"], "", "no place yet"),
    // What is kept outside the tree.
    (&["DELETE FROM audit_bodies WHERE subject LIKE 'patient:%'"], "?", "is missing"),
    (
        &["UPDATE audit_bodies SET bytes = substr(bytes, 2) WHERE subject LIKE 'patient:%'"],
        "?",
        "was altered",
    ),
    (&["UPDATE audit_bodies SET subject = 'system' WHERE subject LIKE 'patient:%'"], "?", "another person"),
    (&["DELETE FROM audit_bodies WHERE subject = 'system'"], "?", "is missing"),
    (
        &[
            "INSERT INTO audit_bodies SELECT c.root, b.subject, b.bytes FROM audit_bodies b, audit_checkpoints c LIMIT 1",
        ],
        "",
        "bodies are stored",
    ),
    // Receipts.
    (
        &["UPDATE receipts SET pack = (SELECT pack FROM receipts ORDER BY second DESC LIMIT 1)"],
        FIRST_PACK,
        "the receipts of second",
    ),
    (&["UPDATE receipts SET pack = substr(pack, 1, length(pack) - 1)"], FIRST_PACK, "second"),
    (&["DELETE FROM receipts WHERE second = (SELECT max(second) FROM receipts)"], LAST_PACK, "missing"),
    (&["UPDATE receipts SET count = count + 1"], FIRST_PACK, "are not those"),
    (&["UPDATE receipts SET second = second + 100000"], FIRST_PACK, "missing"),
    (&["DELETE FROM receipts_open"], "", "has no receipt"),
    // Readings.
    (
        &["UPDATE readings SET masked = masked + 1 WHERE received = (SELECT min(received) FROM readings)"],
        FIRST_HOT,
        "were changed",
    ),
    (
        &["UPDATE readings SET attrs = attrs + 1 WHERE received = (SELECT min(received) FROM readings)"],
        FIRST_HOT,
        "were changed",
    ),
    (
        &["UPDATE readings SET at = at + 1 WHERE received = (SELECT min(received) FROM readings)"],
        FIRST_HOT,
        "were changed",
    ),
    (
        &["UPDATE readings SET signal = 2 WHERE received = (SELECT min(received) FROM readings)"],
        FIRST_HOT,
        "were changed",
    ),
    (
        &["DELETE FROM readings WHERE received = (SELECT min(received) FROM readings)"],
        FIRST_HOT,
        "are missing",
    ),
    (&["DELETE FROM readings WHERE received = (SELECT max(received) FROM readings)"], "", "are missing"),
    (&["UPDATE readings SET received = received + 65536 * 1000"], "", "has no receipt"),
    (&["DELETE FROM chunks"], FIRST_PACK, "are missing"),
    (&["DELETE FROM merged_readings"], "?", "are missing"),
    (&["DELETE FROM quarantine"], "?", "are missing"),
    // Who looked.
    (&["DELETE FROM looks WHERE what = 'readings'"], LOOK, "is not what the log says"),
    (&["DELETE FROM looks WHERE what = 'reveal'"], REVEAL, "is not what the log says"),
    (&["DELETE FROM looks WHERE listed AND what = 'contacts'"], LISTED, "is not what the log says"),
    (&["UPDATE looks SET what = 'consents' WHERE what = 'readings'"], LOOK, "is not what the log says"),
    (
        &["UPDATE looks SET viewer = 'user:0199f0a0-0000-7000-8000-000000000001' WHERE what = 'alerts'"],
        LOOK,
        "look at",
    ),
    (&["UPDATE looks SET viewer = 'operator' WHERE what = 'alerts'"], LOOK, "look at"),
    (&["UPDATE looks SET role = 'manager' WHERE what = 'alerts'"], LOOK, "look at"),
    (&["UPDATE looks SET at = at - 5000 WHERE what = 'alerts'"], LOOK, "look at"),
    (&["UPDATE looks SET code = '' WHERE code <> ''"], REFUSED_LOOK, "look at"),
    (&["UPDATE looks SET listed = NOT listed WHERE what = 'identity'"], LISTED, "look at"),
    (
        &["UPDATE looks SET patient_key = (SELECT max(patient_key) FROM looks) WHERE what = 'readings'"],
        LOOK,
        "look at",
    ),
    (
        &["INSERT INTO looks (patient_key, viewer, role, what, code, listed, at) \
             SELECT patient_key, viewer, role, 'consents', code, listed, at FROM looks WHERE what = 'readings'"],
        "",
        "was looked at",
    ),
    // Consent.
    (&["UPDATE consents SET state = 'granted'"], REVOKED, "the consent of patient"),
    (&["UPDATE consents SET measured_from = 0"], REVOKED, "the consent of patient"),
    (&["UPDATE consents SET epoch = epoch + 1"], REVOKED, "the consent of patient"),
    (&["UPDATE consents SET valid_until = 1"], REVOKED, "the consent of patient"),
    (&["UPDATE consents SET term_sha256 = NULL"], REVOKED, "the consent of patient"),
    (&["UPDATE consents SET state = 'tomorrow'"], "", "cannot be read: consents.state, row "),
    (&["DELETE FROM consents"], REVOKED, "the consent of patient"),
    (&["UPDATE consent_events SET at = at - 5000000 WHERE epoch = 1"], GRANTED, "consent event"),
    (&["UPDATE consent_events SET valid_until = 5 WHERE epoch = 1"], REVOKED, "consent event"),
    (
        &["UPDATE consent_events SET event = replace(event, '1', '2') WHERE epoch = 1"],
        GRANTED,
        "consent event",
    ),
    (&["UPDATE consent_events SET actor_kind = 'guardian' WHERE epoch = 1"], GRANTED, "consent event"),
    (
        // Event and row widened together: only the sealed body of the entry knows how far the grant reached.
        &[
            "UPDATE consent_events SET event = replace(event, '\"devices\":\"any\"', '\"devices\":{\"only\":[]}') WHERE epoch = 1",
            "UPDATE consents SET scope = replace(scope, '\"devices\":\"any\"', '\"devices\":{\"only\":[]}')",
        ],
        GRANTED,
        "is not what the log says",
    ),
    (
        &["UPDATE consent_events SET evidence = substr(evidence, 2) WHERE epoch = 2"],
        REVOKED,
        "is not what the log says",
    ),
    (&["UPDATE consent_events SET evidence = NULL WHERE epoch = 2"], REVOKED, "is not what the log says"),
    (&["DELETE FROM consent_events WHERE epoch = 2"], REVOKED, "is missing"),
    (
        &[
            "INSERT INTO consent_events SELECT 'made up', patient_key, purpose, action, epoch + 1, at, term_sha256, \
             measured_from, valid_until, basis, actor_kind, actor_id, event, evidence FROM consent_events WHERE epoch = 2",
        ],
        "",
        "3 consent events",
    ),
];

#[derive(QueryableByName)]
struct Place {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    leaf: i64,
}

#[test]
fn an_altered_row_of_any_table_is_found_at_its_entry_and_named() {
    let mut wrong = Vec::new();
    for (statements, place, says) in TAMPERED {
        for mut house in houses() {
            lived_in(&mut house);
            let place = match *place {
                "" => "None".to_owned(),
                "?" => "Some".to_owned(),
                question => {
                    let asked = house.home.read(|view| {
                        Ok(on!(&mut *view.conn, |c| diesel::sql_query(question).get_result::<Place>(c))?)
                    });
                    format!("Some({})", asked.unwrap().leaf)
                }
            };
            statements.iter().for_each(|sql| house.tamper(sql));
            let found = found(&house);
            if !found.starts_with(&place) || !found.contains(says) {
                wrong.push(format!("{statements:?}\n  expected {place} … {says}\n  found {found}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_flipped_bit_in_any_entry_is_found_at_that_entry() {
    for mut house in houses() {
        lived_in(&mut house);
        let whole: Vec<u8> = house
            .home
            .read(|view| Ok(bundles::table.find((2026, 0)).select(bundles::bytes).get_result(view.conn)?))
            .unwrap();
        let put = |bytes: &[u8]| {
            house
                .home
                .keep_house(Urgency::Urgent, "test", NOW, |tx| {
                    let row = diesel::update(bundles::table.find((2026, 0)));
                    Ok(row.set(bundles::bytes.eq(bytes)).execute(tx.conn)?)
                })
                .unwrap();
        };
        for place in (2..whole.len()).step_by(797) {
            let mut bytes = whole.clone();
            bytes[place] ^= 4;
            put(&bytes);
            assert!(found(&house).starts_with("Some("), "byte {place}");
        }
        put(&whole);
        assert!(house.verified().ok);
    }
}

#[test]
fn a_chunk_that_was_altered_is_found() {
    for mut house in houses() {
        lived_in(&mut house);
        house
            .home
            .keep_house(Urgency::Urgent, "test", NOW, |tx| {
                use crate::db::schema::chunks;
                let (id, mut sealed): (i64, Vec<u8>) =
                    chunks::table.select((chunks::id, chunks::sealed)).first(tx.conn)?;
                let last = sealed.len() - 1;
                sealed[last] ^= 1;
                diesel::update(chunks::table.find(id)).set(chunks::sealed.eq(sealed)).execute(tx.conn)?;
                Ok(())
            })
            .unwrap();
        assert!(found(&house).contains("altered"));
    }
}

#[test]
fn the_log_of_an_erased_person_still_verifies() {
    for mut house in houses() {
        lived_in(&mut house);
        let whose = Subject::Patient(house.patient.id);
        house
            .home
            .write(Actor::Operator, NOW.plus(Duration::from_secs(90)), |tx| {
                diesel::update(subject_keys::table.filter(subject_keys::subject.eq(whose.name())))
                    .set((
                        subject_keys::destroyed_at.eq(Some(NOW.micros())),
                        subject_keys::wrapped.eq(vec![0_u8]),
                    ))
                    .execute(tx.conn)?;
                for class in Class::ALL {
                    tx.destroyed.push((whose, class));
                }
                tx.audit(&crate::Act::new("erase.key_destroyed"))
            })
            .unwrap();
        house.seal(91);
        let report = house.verified();
        assert!(report.ok, "{report:?}");
        house.tamper("DELETE FROM audit_bodies WHERE subject LIKE 'patient:%'");
        house.tamper("DELETE FROM readings");
        house.tamper("DELETE FROM chunks");
        let report = house.verified();
        assert!(report.ok, "{report:?}");
        house.tamper("UPDATE receipts SET count = count + 1");
        assert!(!house.verified().ok);
    }
}

#[test]
fn a_history_that_was_cut_is_found_with_an_earlier_checkpoint() {
    for mut house in houses() {
        house.seal(0);
        let earlier = house.head().note;
        house.message(0, 0, &[70.0]);
        house.seal(3_700);
        assert!(verify(&house.home, house.key(), None, &[&earlier]).unwrap().ok);
        let later = house.head().note;
        house.tamper("DELETE FROM audit_checkpoints WHERE size = (SELECT max(size) FROM audit_checkpoints)");
        house.tamper("DELETE FROM audit_entries WHERE leaf = (SELECT max(leaf) FROM audit_entries)");
        assert!(!verify(&house.home, house.key(), None, &[&later]).unwrap().ok);
    }
}

#[test]
fn what_was_taken_on_a_time_that_lay_ahead_is_whole_whatever_was_consented_since() {
    const AHEAD: i64 = 40 * 86_400;
    for mut house in houses() {
        let revoke = |house: &House, at: i64| {
            let (now, who) = (Instant::from_secs(NOW.secs() + at), house.patient.id);
            let purpose = Purpose::TelemetryCollect;
            let by = Giver::Subject.into();
            house.home.write(Actor::Operator, now, |tx| consents::revoke(tx, who, purpose, &by)).unwrap();
        };
        house.message(AHEAD, 0, &[70.0, 71.5]);
        house.message(AHEAD, 1, &[]);
        revoke(&house, AHEAD + 2);
        // The clock is right again; the seconds of receipts never go back.
        for n in 1..=6 {
            house.consent = grant(&house.home, house.patient.id);
            house.message(AHEAD + 5 + n, 0, &[80.0]);
            revoke(&house, n);
        }
        assert!(house.verified().ok, "{:?}", house.verified());
        house.seal(20);
        assert!(house.verified().ok, "{:?}", house.verified());
        house.tamper(
            "UPDATE readings SET masked = masked + 1 WHERE received = (SELECT min(received) FROM readings)",
        );
        assert!(found(&house).contains("were changed"));
    }
}
