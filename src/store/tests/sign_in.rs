//! Users, their sessions and their links.

use std::time::Duration;

use super::{act, entries, patient};
use crate::domain::{Email, Role, StaffIdentity, UserId};
use crate::store::links::{self, Purpose};
use crate::store::sessions::{self, IDLE, Kind, LIFE, Rotated};
use crate::store::testing::{NOW, stores};
use crate::store::throttles::{self, Bucket};
use crate::store::users::{self, NewUser};
use crate::store::{Ask, Error, Store, Urgency};

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
        let account = [Bucket::Account("joao@clinica.example")];
        for _ in 0..9 {
            act(&store, |tx| throttles::failed(tx, &account)).unwrap();
        }
        act(&store, |tx| users::disable(tx, id)).unwrap();
        act(&store, |tx| users::unlock(tx, id)).unwrap();
        let found = store.read(|view| users::account(view, id)).unwrap();
        assert_eq!((found.user.disabled_at, found.password.as_deref()), (None, Some("$argon2id$…")));
        assert_eq!(store.read(|view| throttles::wait(view, &account, NOW)).unwrap(), Duration::ZERO);
        assert_eq!(entries(&store, "admin.role"), 3, "given, taken, given back");
        let nobody = act(&store, |tx| users::unlock(tx, UserId::new(NOW)));
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
        assert_eq!(find(NOW.plus(minutes(29))).map(|session| session.id), Some(browser.id));
        assert_eq!(find(NOW.plus(IDLE)), None);
        let used = NOW.plus(minutes(20));
        store.keep_house(Urgency::Urgent, "auth", used, |tx| sessions::touch(tx, &browser)).unwrap();
        assert!(lives(browser.id, NOW.plus(minutes(49))));
        assert!(!lives(browser.id, NOW.plus(minutes(50))));
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
        assert_eq!(rotate(first.reveal()), Rotated::Reused(session.id));
        assert!(!store.read(|view| sessions::is_live(view, session.id, NOW)).unwrap());
        assert_eq!(rotate(second.reveal()), Rotated::Unknown);
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
        |store, id| act(store, |tx| users::set_password(tx, id, "$argon2id$new")).unwrap(),
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
        assert_eq!(claim(new.reveal(), NOW.plus(minutes(9))), Some(user));
        assert_eq!(claim(new.reveal(), NOW.plus(minutes(9))), None);
    }
}

#[test]
fn the_second_factor_is_kept_sealed_and_can_be_taken_away() {
    for store in stores() {
        let user = joao(&store);
        act(&store, |tx| users::set_totp(tx, user, Some(b"seed"))).unwrap();
        assert_eq!(store.read(|view| users::totp(view, user)).unwrap().as_deref(), Some(&b"seed"[..]));
        assert!(store.read(|view| users::get(view, user)).unwrap().has_totp);
        act(&store, |tx| users::set_totp(tx, user, None)).unwrap();
        assert_eq!(store.read(|view| users::totp(view, user)).unwrap(), None);
    }
}
