//! A restore revives nobody, says what was lost, and stays red until a named person has acknowledged it.

use std::time::Duration;

use consent::{Giver, Grant, Lang, Purpose};

use super::{act, entries, patient};
use crate::audit::{self, Sequencer};
use crate::consents::{self, terms};
use crate::db::snapshot;
use crate::devices::{self, bindings};
use crate::people::users::NewUser;
use crate::people::{links, sessions, users};
use crate::privacy::replay;
use crate::privacy::withdrawals::{self, Restored, Withdrawn};
use crate::testing::{NOW, bare, put_back, stores};
use crate::{Class, Error, Store, Subject, keys};
use domain::{DeviceIdentity, Role, StaffIdentity};

fn person(store: &Store, name: &str, role: Role) -> users::User {
    let email = format!("{name}@clinica.example").parse().unwrap();
    let identity = StaffIdentity { name: name.parse().unwrap(), email };
    let new = NewUser { identity, role, password: Some("$argon2id$…".to_owned()), patient: None };
    act(store, |tx| users::insert(tx, &new)).unwrap()
}

#[test]
fn what_was_taken_away_after_the_backup_is_taken_away_again_and_the_lost_head_is_named() {
    for (store, empty) in stores().into_iter().zip(bare()) {
        let keys = store.dir().join("keys");
        let mut sequencer = Sequencer::begin(&store, audit::open(&store, &keys, NOW).unwrap()).unwrap();
        let identity = DeviceIdentity { label: "P".into(), model: "A".into(), serial: None };
        let (ana, bia) = (patient(&store, "Ana"), patient(&store, "Bia"));
        let (gone, other, back) = (
            person(&store, "gone", Role::Clinician),
            person(&store, "other", Role::Clinician),
            person(&store, "back", Role::Agent),
        );
        let device = act(&store, |tx| devices::insert(tx, &identity)).unwrap();
        let band = act(&store, |tx| devices::insert(tx, &identity)).unwrap();
        let token = act(&store, |tx| devices::issue_token(tx, device.id, None)).unwrap();
        act(&store, |tx| bindings::bind(tx, device.id, ana.id, NOW.minus(Duration::from_secs(60)), false))
            .unwrap();
        let collect = Purpose::TelemetryCollect;
        let current = store.read(|view| terms::current(view, collect)).unwrap();
        let term = current.iter().find(|term| term.lang == Lang::PtBr).unwrap();
        let yes = Grant::of(hex::decode(&term.text_sha256).unwrap().try_into().unwrap());
        act(&store, |tx| consents::grant(tx, ana.id, collect, yes.clone(), &Giver::Subject.into())).unwrap();
        let (session, _) = act(&store, |tx| sessions::create(tx, other.id, sessions::Kind::Program)).unwrap();
        let link =
            act(&store, |tx| links::insert(tx, other.id, links::Purpose::Password, links::PASSWORD_LIFE))
                .unwrap();
        sequencer.sequence(&store, NOW, 1_000).unwrap();
        let out = tempfile::tempdir().unwrap();
        snapshot::take(store.url(), out.path(), NOW).unwrap();

        act(&store, |tx| users::disable(tx, gone.id)).unwrap();
        let version = store.read(|view| users::get(view, other.id)).unwrap().version;
        act(&store, |tx| users::set_role(tx, other.id, version, Role::Technician)).unwrap();
        act(&store, |tx| users::set_password(tx, other.id, "$argon2id$newer", None)).unwrap();
        act(&store, |tx| users::disable(tx, back.id)).unwrap();
        act(&store, |tx| users::unlock(tx, back.id, None)).unwrap();
        act(&store, |tx| devices::revoke_token(tx, device.id, token)).unwrap();
        act(&store, |tx| devices::disable(tx, band.id)).unwrap();
        act(&store, |tx| bindings::unbind(tx, device.id, None, NOW)).unwrap();
        act(&store, |tx| consents::revoke(tx, ana.id, collect, &Giver::Subject.into())).unwrap();
        act(&store, |tx| keys::destroy(tx, Subject::Patient(bia.id), Class::Identity)).unwrap();
        let after = person(&store, "after", Role::Agent);
        act(&store, |tx| users::disable(tx, after.id)).unwrap();
        sequencer.sequence(&store, NOW, 1_000).unwrap();
        let (lines, lost) =
            store.read(|view| Ok((withdrawals::after(view, 0, 1_000)?, audit::newest_note(view)?))).unwrap();
        let lines: Vec<Withdrawn> = serde_json::from_str(&serde_json::to_string(&lines).unwrap()).unwrap();

        let restored = put_back(&store, &keys, out.path(), &empty);
        let later = NOW.plus(Duration::from_secs(60));
        let key = audit::load(&restored, &keys).unwrap();
        let whole = |store: &Store| audit::verify(store, key.vkey(), None, &[]).unwrap();
        assert!(whole(&restored).ok, "{:?}", whole(&restored));
        let told = Restored { lost: lost.clone(), ..Restored::default() };
        let told = replay::replay(&restored, &lines, told, later).unwrap();
        assert!(told.replayed >= 8 && told.beyond >= 1, "{told:?}");
        assert_eq!(told.lost, lost);

        let user = |id| restored.read(|view| users::account(view, id)).unwrap();
        assert!(user(gone.id).user.disabled_at.is_some());
        assert_eq!((user(other.id).user.role, user(other.id).password), (Role::Technician, None));
        assert!(user(back.id).user.disabled_at.is_none(), "the last word stands");
        assert!(!restored.read(|view| sessions::is_live(view, session.id, later)).unwrap());
        let link = restored.read(|view| links::whose(view, link.reveal(), links::Purpose::Password, later));
        assert_eq!(link.unwrap(), None);
        let tokens = restored.read(|view| devices::tokens(view, device.key, 5)).unwrap();
        assert!(tokens.iter().all(|token| token.revoked_at.is_some()), "{tokens:?}");
        assert!(restored.read(|view| devices::get(view, band.id)).unwrap().disabled_at.is_some());
        assert!(restored.read(|view| bindings::at(view, device.key, later)).unwrap().is_none());
        let held = restored.read(|view| consents::ledger::of(view, ana.key)).unwrap();
        assert_eq!(consent::Records::record(&held, collect).unwrap().state, consent::State::Revoked);
        let erased = restored.read(|view| view.key(Subject::Patient(bia.id), Class::Identity).map(drop));
        assert!(matches!(erased, Err(Error::Sealed(keys::seal::Broken::KeyDestroyed, _))), "{erased:?}");
        // Once more changes nothing but the entry.
        let again = replay::replay(&restored, &lines, Restored::default(), later).unwrap();
        assert_eq!(again.replayed, 0, "{again:?}");

        assert_eq!(entries(&restored, "backup.restored"), 2);
        let red = whole(&restored);
        assert!(!red.ok && red.first_break.as_ref().unwrap().what.contains("acknowledge"), "{red:?}");
        assert!(restored.read(withdrawals::unacknowledged).unwrap().is_some());
        act(&restored, |tx| withdrawals::acknowledge(tx, "Ana Lima", "the disk broke")).unwrap();
        assert!(whole(&restored).ok, "{:?}", whole(&restored));
        assert!(restored.read(withdrawals::unacknowledged).unwrap().is_none());
        assert!(act(&restored, |tx| withdrawals::acknowledge(tx, "Ana Lima", "again")).is_err());
        // Who kept the lost head still sees that it was lost.
        let kept = lost.unwrap();
        assert!(!audit::verify(&restored, key.vkey(), None, &[&kept]).unwrap().ok);
    }
}

#[test]
fn a_snapshot_with_names_that_lead_elsewhere_or_links_is_refused() {
    let store = stores().remove(0);
    let out = tempfile::tempdir().unwrap();
    let manifest = snapshot::take(store.url(), out.path(), NOW).unwrap();
    let written = |manifest: &snapshot::Manifest| {
        let json = serde_json::to_vec(manifest).unwrap();
        std::fs::write(out.path().join(snapshot::MANIFEST), json).unwrap();
        snapshot::check(out.path())
    };
    for name in ["../zelo.db", "/etc/hostname", "zelo.db/../zelo.db", "other.db", ""] {
        let mut bad = manifest.clone();
        bad.files[0].name = name.to_owned();
        assert!(written(&bad).is_err(), "{name}");
    }
    let mut twice = manifest.clone();
    twice.files.push(manifest.files[0].clone());
    assert!(written(&twice).is_err());
    let none = snapshot::Manifest { files: Vec::new(), ..manifest.clone() };
    assert!(written(&none).is_err());
    assert!(written(&manifest).is_ok());
    #[cfg(unix)]
    {
        let file = out.path().join("zelo.db");
        let elsewhere = out.path().with_extension("elsewhere");
        std::fs::rename(&file, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
        assert!(snapshot::check(out.path()).unwrap_err().to_string().contains("plain file"));
        std::fs::remove_file(elsewhere).unwrap();
    }
}
