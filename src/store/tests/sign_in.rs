//! Users, their sessions and their links.

use std::time::Duration;

use super::{act, entries, patient};
use crate::people::holds;
use crate::people::links::{self, Purpose};
use crate::people::sessions::{self, IDLE, Kind, LIFE, Rotated};
use crate::people::throttles::{self, Tried};
use crate::people::users::{self, NewUser};
use crate::testing::{NOW, stores};
use crate::{Ask, Error, Store, Urgency};
use domain::{Email, Role, StaffIdentity, UserId};

fn email() -> Email {
    "joao@clinica.example".parse().unwrap()
}

fn new_user(role: Role) -> NewUser {
    let identity = StaffIdentity { name: "João Agente".parse().unwrap(), email: email() };
    NewUser { identity, role, password: Some("$argon2id$…".to_owned()), patient: None }
}

fn joao(store: &Store) -> UserId {
    act(store, |tx| users::insert(tx, &new_user(Role::Agent))).unwrap().id
}

fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

#[test]
fn a_user_is_found_by_email_and_an_email_belongs_to_one() {
    for store in stores() {
        let id = joao(&store);
        let account = store.read(|view| users::find_by_email(view, &email())).unwrap().unwrap();
        assert_eq!((account.user.id, account.user.role), (id, Role::Agent));
        assert_eq!(account.password.as_deref(), Some("$argon2id$…"));
        let twice = act(&store, |tx| users::insert(tx, &new_user(Role::Admin)));
        assert!(matches!(twice, Err(Error::Conflict(why)) if why.contains("e-mail")));
        assert_eq!(store.read(|view| users::page(view, &Ask::default())).unwrap().items, [account.user]);
    }
}

#[test]
fn role_and_patient_go_together_and_a_service_has_no_password() {
    for store in stores() {
        let patient = patient(&store, "Ana").id;
        let lonely = act(&store, |tx| users::insert(tx, &new_user(Role::Patient)));
        assert!(matches!(lonely, Err(Error::Conflict(_))));
        let strange = NewUser { patient: Some(patient), ..new_user(Role::Agent) };
        assert!(matches!(act(&store, |tx| users::insert(tx, &strange)), Err(Error::Conflict(_))));
        let service = act(&store, |tx| users::insert(tx, &new_user(Role::Service)));
        assert!(matches!(service, Err(Error::Conflict(_))));
        let own = NewUser { patient: Some(patient), ..new_user(Role::Patient) };
        assert_eq!(act(&store, |tx| users::insert(tx, &own)).unwrap().patient, Some(patient));
    }
}

#[test]
fn a_disabled_user_is_unlocked_with_the_password_they_had_and_without_their_failed_attempts() {
    for store in stores() {
        let id = joao(&store);
        let account = Tried { account: "joao@clinica.example", network: "", browser: None };
        for _ in 0..9 {
            act(&store, |tx| throttles::failed(tx, account)).unwrap();
        }
        act(&store, |tx| users::disable(tx, id)).unwrap();
        act(&store, |tx| users::unlock(tx, id, None)).unwrap();
        let found = store.read(|view| users::account(view, id)).unwrap();
        assert_eq!((found.user.disabled_at, found.password.as_deref()), (None, Some("$argon2id$…")));
        assert_eq!(store.read(|view| throttles::wait(view, account, NOW)).unwrap(), Duration::ZERO);
        assert_eq!(entries(&store, "admin.role"), 3, "given, taken, given back");
        let nobody = act(&store, |tx| users::unlock(tx, UserId::new(NOW), None));
        assert!(matches!(nobody, Err(Error::NotFound("user"))));
    }
}

#[test]
fn a_browser_session_ends_when_idle_and_no_session_outlives_twelve_hours() {
    for store in stores() {
        let user = joao(&store);
        let (browser, cookie) = act(&store, |tx| sessions::create(tx, user, Kind::Browser)).unwrap();
        let (program, _) = act(&store, |tx| sessions::create(tx, user, Kind::Program)).unwrap();
        let find = |now| store.read(|view| sessions::find(view, cookie.reveal(), now)).unwrap();
        let lives = |id, now| store.read(|view| sessions::is_live(view, id, now)).unwrap();
        assert_eq!(find(NOW.plus(minutes(14))).map(|session| session.id), Some(browser.id));
        assert_eq!(find(NOW.plus(IDLE)), None);
        let used = NOW.plus(minutes(10));
        store.keep_house(Urgency::Urgent, "auth", used, |tx| sessions::touch(tx, &browser)).unwrap();
        assert!(lives(browser.id, NOW.plus(minutes(24))));
        assert!(!lives(browser.id, NOW.plus(minutes(25))));
        assert!(lives(program.id, NOW.plus(LIFE - minutes(1))));
        assert!(!lives(program.id, NOW.plus(LIFE)));
    }
}

#[test]
fn a_spent_refresh_token_kills_its_session() {
    for store in stores() {
        let user = joao(&store);
        let (session, first) = act(&store, |tx| sessions::create(tx, user, Kind::Program)).unwrap();
        let rotate = |secret: &str| {
            store.keep_house(Urgency::Urgent, "auth", NOW, |tx| sessions::rotate(tx, secret)).unwrap()
        };
        let Rotated::Fresh(same, second) = rotate(first.reveal()) else { panic!("not rotated") };
        assert_eq!(same.id, session.id);
        assert_eq!(rotate("never given"), Rotated::Unknown);
        assert!(store.read(|view| sessions::is_live(view, session.id, NOW)).unwrap());
        let Rotated::Fresh(_, third) = rotate(second.reveal()) else { panic!("not rotated") };
        assert_eq!(rotate(first.reveal()), Rotated::Reused(session.id), "two rotations ago");
        assert!(!store.read(|view| sessions::is_live(view, session.id, NOW)).unwrap());
        assert_eq!(rotate(third.reveal()), Rotated::Unknown);
        assert_eq!(entries(&store, "auth.session_killed"), 1);
    }
}

#[test]
fn a_cookie_cannot_be_refreshed_like_a_token() {
    for store in stores() {
        let user = joao(&store);
        let (_, cookie) = act(&store, |tx| sessions::create(tx, user, Kind::Browser)).unwrap();
        let rotated =
            store.keep_house(Urgency::Urgent, "auth", NOW, |tx| sessions::rotate(tx, cookie.reveal()));
        assert_eq!(rotated.unwrap(), Rotated::Unknown);
    }
}

#[test]
fn disabling_changing_role_and_changing_password_end_every_session() {
    type Step = fn(&Store, UserId);
    let steps: [Step; 3] = [
        |store, id| act(store, |tx| users::disable(tx, id)).unwrap(),
        |store, id| act(store, |tx| users::set_password(tx, id, "$argon2id$new", None)).unwrap(),
        |store, id| drop(act(store, |tx| users::set_role(tx, id, 1, Role::Manager)).unwrap()),
    ];
    for step in steps {
        for store in stores() {
            let user = joao(&store);
            for kind in [Kind::Browser, Kind::Program] {
                act(&store, |tx| sessions::create(tx, user, kind)).unwrap();
            }
            assert_eq!(store.read(|view| sessions::of_user(view, user, NOW)).unwrap().len(), 2);
            step(&store, user);
            assert_eq!(store.read(|view| sessions::of_user(view, user, NOW)).unwrap(), []);
        }
    }
}

#[test]
fn who_is_disabled_cannot_open_a_session_and_who_kept_an_old_version_cannot_change_the_role() {
    for store in stores() {
        let user = joao(&store);
        act(&store, |tx| users::disable(tx, user)).unwrap();
        let session = act(&store, |tx| sessions::create(tx, user, Kind::Browser));
        assert!(matches!(session, Err(Error::NotFound("user"))));
        let late = act(&store, |tx| users::set_role(tx, user, 1, Role::Manager));
        assert!(matches!(late, Err(Error::Stale { current: 2 })));
    }
}

#[test]
fn a_link_works_once_in_time_and_only_the_newest() {
    for store in stores() {
        let user = joao(&store);
        let make = || act(&store, |tx| links::insert(tx, user, Purpose::Password, minutes(10))).unwrap();
        let claim = |secret: &str, now| {
            store
                .keep_house(Urgency::Urgent, "auth", now, |tx| links::claim(tx, secret, Purpose::Password))
                .unwrap()
        };
        let (old, new) = (make(), make());
        assert_eq!(claim(old.reveal(), NOW), None);
        assert_eq!(claim(new.reveal(), NOW.plus(minutes(10))), None);
        assert_eq!(claim(new.reveal(), NOW.plus(minutes(9))), Some((user, None)));
        assert_eq!(claim(new.reveal(), NOW.plus(minutes(9))), None);
    }
}

#[test]
fn the_second_factor_is_kept_sealed_and_can_be_taken_away() {
    for store in stores() {
        let user = joao(&store);
        act(&store, |tx| users::set_totp(tx, user, Some(b"seed"), None)).unwrap();
        assert_eq!(store.read(|view| users::totp(view, user)).unwrap().as_deref(), Some(&b"seed"[..]));
        assert!(store.read(|view| users::get(view, user)).unwrap().has_totp);
        act(&store, |tx| users::set_totp(tx, user, None, None)).unwrap();
        assert_eq!(store.read(|view| users::totp(view, user)).unwrap(), None);
    }
}

fn person(role: Role, email: &str) -> NewUser {
    let identity = StaffIdentity { name: "Alguém".parse().unwrap(), email: email.parse().unwrap() };
    NewUser { identity, role, password: Some("$argon2id$…".to_owned()), patient: None }
}

/// The operator adds the first; they act as persons from then on.
fn first(store: &Store, role: Role, email: &str) -> UserId {
    act(store, |tx| users::insert(tx, &person(role, email))).unwrap().id
}

fn as_user<T>(
    store: &Store,
    id: UserId,
    role: Role,
    f: impl FnMut(&mut crate::Tx<'_>) -> crate::Result<T>,
) -> crate::Result<T> {
    store.write(crate::Actor::User { id, role }, NOW, f)
}

fn refused<T: std::fmt::Debug>(done: crate::Result<T>, wanted: &str) {
    assert!(matches!(&done, Err(Error::Refused { code, .. }) if *code == wanted), "{done:?}");
}

#[test]
fn nobody_is_the_last_administrator_to_go_and_nobody_changes_their_own_role() {
    for store in stores() {
        let ana = first(&store, Role::Admin, "ana@clinica.example");
        refused(as_user(&store, ana, Role::Admin, |tx| users::disable(tx, ana)), "E_LAST_ADMIN");
        refused(act(&store, |tx| users::disable(tx, ana)), "E_LAST_ADMIN");
        refused(act(&store, |tx| users::set_role(tx, ana, 1, Role::Manager)), "E_LAST_ADMIN");
        let bia = first(&store, Role::Admin, "bia@clinica.example");
        refused(
            as_user(&store, ana, Role::Admin, |tx| users::set_role(tx, ana, 1, Role::Clinician)),
            "E_FOUR_EYES",
        );
        as_user(&store, bia, Role::Admin, |tx| users::disable(tx, ana)).unwrap();
        refused(as_user(&store, bia, Role::Admin, |tx| users::disable(tx, bia)), "E_LAST_ADMIN");
    }
}

#[test]
fn what_one_person_does_to_let_themselves_in_as_another_waits_for_a_second_person() {
    for store in stores() {
        let admin = first(&store, Role::Admin, "ana@clinica.example");
        let manager = first(&store, Role::Manager, "bia@clinica.example");
        let clinician = first(&store, Role::Clinician, "caio@clinica.example");
        let opens = |id| act(&store, |tx| sessions::create(tx, id, Kind::Program)).is_ok();
        let vouch = |by, role, id| as_user(&store, by, role, |tx| holds::vouch(tx, id, None));
        // A link for somebody else, spent by whoever holds it.
        let link = |id| {
            let made = |tx: &mut crate::Tx<'_>| links::insert(tx, id, Purpose::Password, minutes(10));
            as_user(&store, admin, Role::Admin, made).unwrap()
        };
        let spend = |id, secret: &str| {
            as_user(&store, id, Role::Clinician, |tx| {
                let (_, made_by) = links::claim(tx, secret, Purpose::Password)?.unwrap();
                users::set_password(tx, id, "$argon2id$new", made_by)
            })
            .unwrap();
        };
        assert!(opens(clinician));
        spend(clinician, link(clinician).reveal());
        assert!(!opens(clinician));
        refused(vouch(admin, Role::Admin, clinician), "E_FOUR_EYES");
        refused(vouch(clinician, Role::Clinician, clinician), "E_FOUR_EYES");
        vouch(manager, Role::Manager, clinician).unwrap();
        assert!(opens(clinician));
        // A second factor taken away.
        act(&store, |tx| users::set_totp(tx, clinician, Some(b"seed"), None)).unwrap();
        assert!(opens(clinician));
        as_user(&store, admin, Role::Admin, |tx| users::set_totp(tx, clinician, None, None)).unwrap();
        assert!(!opens(clinician));
        // A role that sees readings, and a password of the maker's own choice.
        let grant = |tx: &mut crate::Tx<'_>| users::set_role(tx, manager, 1, Role::Clinician);
        as_user(&store, admin, Role::Admin, grant).unwrap();
        assert!(!opens(manager));
        let new = person(Role::Manager, "eva@clinica.example");
        let eva = as_user(&store, admin, Role::Admin, |tx| users::insert(tx, &new)).unwrap().id;
        assert!(!opens(eva));
        // One's own link holds nothing.
        spend(admin, link(admin).reveal());
        assert!(opens(admin));
    }
}

#[test]
fn nobody_vouches_through_an_account_of_their_own_making() {
    for store in stores() {
        let ana = first(&store, Role::Admin, "ana@clinica.example");
        let bia = first(&store, Role::Manager, "bia@clinica.example");
        let opens = |id| act(&store, |tx| sessions::create(tx, id, Kind::Program)).is_ok();
        // Every role with power, and each rise from one to another.
        for (place, role) in
            [Role::Agent, Role::Technician, Role::Manager, Role::Admin, Role::Dpo, Role::Auditor]
                .into_iter()
                .enumerate()
        {
            let new = person(role, &format!("p{place}@clinica.example"));
            let made = as_user(&store, ana, Role::Admin, |tx| users::insert(tx, &new)).unwrap();
            assert_eq!(made.held.map(|held| held.by), Some(vec![ana]), "{role:?}");
            as_user(&store, bia, Role::Manager, |tx| holds::vouch(tx, made.id, None)).unwrap();
            let rise = |tx: &mut crate::Tx<'_>| {
                let version = users::get(tx, made.id)?.version;
                let next = if role == Role::Manager { Role::Clinician } else { Role::Manager };
                users::set_role(tx, made.id, version, next)
            };
            assert!(as_user(&store, ana, Role::Admin, rise).unwrap().held.is_some(), "{role:?} rises");
            assert!(!opens(made.id));
        }
        // What takes power away holds nothing.
        let caio = first(&store, Role::Clinician, "caio@clinica.example");
        let fall = |tx: &mut crate::Tx<'_>| users::set_role(tx, caio, 1, Role::Agent);
        assert_eq!(as_user(&store, ana, Role::Admin, fall).unwrap().held, None);
    }
}

#[test]
fn what_a_second_person_does_meanwhile_is_no_word_on_what_the_first_did() {
    for store in stores() {
        let ana = first(&store, Role::Admin, "ana@clinica.example");
        let bia = first(&store, Role::Admin, "bia@clinica.example");
        let caio = first(&store, Role::Manager, "caio@clinica.example");
        let dora = first(&store, Role::Technician, "dora@clinica.example");
        let version = || store.read(|view| users::get(view, dora)).unwrap().version;
        let turns = |by, role| {
            let version = version();
            as_user(&store, by, Role::Admin, |tx| users::set_role(tx, dora, version, role)).unwrap()
        };
        // Of a technician an agent: rights that the technician had not, though both see alerts.
        assert_eq!(turns(ana, Role::Agent).held.map(|held| held.by), Some(vec![ana]));
        let seen = version();
        as_user(&store, bia, Role::Admin, |tx| users::set_totp(tx, dora, None, None)).unwrap();
        for by in [ana, bia] {
            refused(as_user(&store, by, Role::Admin, |tx| holds::vouch(tx, dora, None)), "E_FOUR_EYES");
        }
        // Caio looked before Bia did something, and is to look again.
        let vouch = |seen| as_user(&store, caio, Role::Manager, |tx| holds::vouch(tx, dora, seen));
        assert!(matches!(vouch(Some(seen)), Err(Error::Stale { .. })));
        turns(ana, Role::Clinician);
        assert!(matches!(vouch(Some(seen)), Err(Error::Stale { .. })));
        vouch(Some(version())).unwrap();
        assert!(act(&store, |tx| sessions::create(tx, dora, Kind::Program)).is_ok());
        assert_eq!(turns(bia, Role::Technician).held.map(|held| held.by), Some(vec![bia]), "and anew");
    }
}

#[test]
fn a_change_of_the_second_factor_ends_every_other_session_and_a_step_counts_once_for_good() {
    for store in stores() {
        let user = joao(&store);
        let open = || act(&store, |tx| sessions::create(tx, user, Kind::Browser)).unwrap().0.id;
        let (here, elsewhere) = (open(), open());
        act(&store, |tx| users::set_totp(tx, user, Some(b"seed"), Some(here))).unwrap();
        let lives = |id| store.read(|view| sessions::is_live(view, id, NOW)).unwrap();
        assert!(lives(here) && !lives(elsewhere));
        let again = store.reopened().unwrap();
        let spend = |store: &Store, step| {
            store.keep_house(Urgency::Urgent, "auth", NOW, |tx| users::spend_step(tx, user, step)).unwrap()
        };
        assert!(spend(&store, 7));
        assert!(!spend(&again, 7) && !spend(&again, 6), "another process, the same person");
        assert!(spend(&again, 8));
    }
}
