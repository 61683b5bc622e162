//! The second factor: offered, confirmed, asked for at sign-in, taken away.

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use totp_rs::{Builder, Secret};

use crate::tests::pages::clinic::{Clinic, now};
use domain::on_call::{Duty, Idle, Length, Need, Rotation, Schedule, Team};
use domain::people::password::{Cost, hash};
use domain::rules::Name;
use domain::time::civil::Zone;
use domain::{Role, UserId};
use store::people::sessions::{self, Kind};
use store::people::users;
use store::{Actor, versions};

const PASSWORD: &str = "cavalo correto bateria";

/// An agent with a password, and the cookie of a session that outlived setting it.
fn agent(clinic: &Clinic) -> String {
    let (id, phc) = (clinic.people[&Role::Agent], hash(PASSWORD, &[], Cost::STANDARD).unwrap());
    let made = clinic.state.store.write(Actor::System("test"), now(), |tx| {
        users::set_password(tx, id, &phc, None)?;
        sessions::create(tx, id, Kind::Browser)
    });
    format!("zelo={}", made.unwrap().1.reveal())
}

#[actix_web::test]
async fn whoever_knows_their_password_changes_it() {
    let clinic = Clinic::open();
    let cookie = agent(&clinic);
    assert!(clinic.get(Role::Patient, "/account").await.text.contains("Trocar senha"));
    let wrong = post(&clinic, &cookie, "/account/password", &[("password", "outra senha qualquer")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.text);
    assert!(wrong.text.contains("É a senha com que você entra"), "{}", wrong.text);
    let on = post(&clinic, &cookie, "/account/password", &[("password", PASSWORD)]).await;
    assert!(on.status == StatusCode::SEE_OTHER && on.to.starts_with("/password/"), "{}", on.text);
    let new = "bateria nova e comprida";
    let form = [("password", new), ("again", new)];
    let set = clinic.send(None, TestRequest::post().uri(&on.to).set_form(form)).await;
    assert_eq!(set.to, "/login", "{}", set.text);
    let stored = clinic.state.store.read(|view| users::account(view, clinic.people[&Role::Agent])).unwrap();
    assert!(domain::people::password::verify(new, &stored.password.unwrap()) && stored.user.held.is_none());
}

async fn post(
    clinic: &Clinic,
    cookie: &str,
    path: &str,
    form: &[(&str, &str)],
) -> crate::tests::pages::clinic::Seen {
    clinic.send(None, TestRequest::post().uri(path).append_header(("cookie", cookie)).set_form(form)).await
}

fn has_factor(clinic: &Clinic) -> bool {
    clinic.state.store.read(|view| users::get(view, clinic.people[&Role::Agent])).unwrap().has_totp
}

#[actix_web::test]
async fn a_second_factor_counts_once_its_code_and_the_password_are_right() {
    let clinic = Clinic::open();
    let cookie = agent(&clinic);
    let offered = post(&clinic, &cookie, "/account/totp", &[]).await.text;
    let secret =
        offered.split("name=\"secret\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(offered.contains("<svg") && !has_factor(&clinic), "offered, not set");
    let bytes = Secret::try_from_base32(&secret).unwrap().as_bytes().to_vec();
    let totp = Builder::new().with_secret(bytes).build().unwrap();
    let at = |ahead: i64| totp.generate(u64::try_from(now().secs() + ahead).unwrap()).to_string();
    let confirm = |code: String, password: &'static str| {
        let form = [("secret", secret.clone()), ("code", code), ("password", password.to_owned())];
        let (clinic, cookie) = (&clinic, cookie.as_str());
        async move {
            let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
            post(clinic, cookie, "/account/totp", &form).await
        }
    };
    let wrong = confirm("000000".to_owned(), PASSWORD).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains(&secret) && wrong.text.contains("Código de verificação inválido"));
    let foreign = confirm(at(-30), "outra senha qualquer").await;
    assert_eq!(foreign.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(foreign.text.contains("Senha incorreta") && !has_factor(&clinic));
    let right = confirm(at(0), PASSWORD).await;
    assert_eq!((right.status, right.to.as_str()), (StatusCode::SEE_OTHER, "/account"), "{}", right.text);
    assert!(has_factor(&clinic));

    let login = [("email", "agent@zelo.example"), ("password", PASSWORD)];
    let asked = clinic.send(None, TestRequest::post().uri("/login").set_form(login)).await;
    assert!(asked.status == StatusCode::UNAUTHORIZED && asked.text.contains("name=\"totp\""));
    let spent = at(0);
    let again = [("email", "agent@zelo.example"), ("password", PASSWORD), ("totp", spent.as_str())];
    let again = clinic.send(None, TestRequest::post().uri("/login").set_form(again)).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED, "a code counts once");

    // The password alone takes nothing away, nor does a code that was spent.
    let next = at(30);
    for (password, code) in [
        ("outra senha qualquer", next.as_str()),
        (PASSWORD, ""),
        (PASSWORD, "000000"),
        (PASSWORD, spent.as_str()),
    ] {
        let saved =
            post(&clinic, &cookie, "/account/totp/remove", &[("password", password), ("code", code)]).await;
        assert!(saved.status == StatusCode::UNPROCESSABLE_ENTITY && has_factor(&clinic), "{password} {code}");
    }
    let gone =
        post(&clinic, &cookie, "/account/totp/remove", &[("password", PASSWORD), ("code", next.as_str())])
            .await;
    assert_eq!(gone.status, StatusCode::SEE_OTHER, "{}", gone.text);
    assert!(!has_factor(&clinic));
}

#[actix_web::test]
async fn an_administrator_takes_away_a_second_factor_whose_app_was_lost() {
    let clinic = Clinic::open();
    let agent = clinic.people[&Role::Agent];
    let set = |tx: &mut store::Tx<'_>| users::set_totp(tx, agent, Some(&[7; 20]), None);
    clinic.state.store.write(Actor::System("test"), now(), set).unwrap();
    assert!(clinic.get(Role::Admin, "/users").await.text.contains("Remover segundo fator"));
    let done = clinic.post(Role::Admin, &format!("/users/{agent}/totp"), &[]).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert!(!has_factor(&clinic));
}

/// An administrator with a password and a second factor, whose sign-in is older than what an act wants.
fn stale_admin(clinic: &Clinic) -> (String, totp_rs::Totp) {
    let (id, phc) = (clinic.people[&Role::Admin], hash(PASSWORD, &[], Cost::STANDARD).unwrap());
    let long_ago = now().minus(std::time::Duration::from_secs(600));
    let made = clinic.state.store.write(Actor::System("test"), long_ago, |tx| {
        users::set_password(tx, id, &phc, None)?;
        users::set_totp(tx, id, Some(&[9; 20]), None)?;
        sessions::create(tx, id, Kind::Browser)
    });
    let totp = Builder::new().with_secret(vec![9; 20]).build().unwrap();
    (format!("zelo={}", made.unwrap().1.reveal()), totp)
}

#[actix_web::test]
async fn an_act_that_wants_a_fresh_sign_in_asks_in_place_and_goes_on_with_what_was_filled_in() {
    let clinic = Clinic::open();
    let (cookie, totp) = stale_admin(&clinic);
    let new = [("name", "Eva \"Lima\""), ("email", "eva@zelo.example"), ("role", "agent")];
    let asked = post(&clinic, &cookie, "/users", &new).await;
    assert_eq!(asked.status, StatusCode::FORBIDDEN);
    for text in [
        "action=\"/users\"",
        "name=\"email\" value=\"eva@zelo.example\"",
        "name=\"name\" value=\"Eva &#34;Lima&#34;\"",
        "name=\"confirm_password\"",
        "name=\"confirm_code\"",
    ] {
        assert!(asked.text.contains(text), "{text}: {}", asked.text);
    }
    let code = totp.generate(u64::try_from(now().secs()).unwrap()).to_string();
    let with = |password: &'static str, code: &str| {
        let answer = [("confirm_password", password), ("confirm_code", code)].map(|(n, v)| (n, v.to_owned()));
        let filled = new.map(|(name, value)| (name, value.to_owned()));
        filled.into_iter().chain(answer).collect::<Vec<_>>()
    };
    let send = |form: Vec<(&'static str, String)>| {
        let (clinic, cookie) = (&clinic, cookie.as_str());
        async move {
            let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
            post(clinic, cookie, "/users", &form).await
        }
    };
    let there =
        || clinic.state.store.read(|view| users::find_by_email(view, &"eva@zelo.example".parse().unwrap()));
    for (password, code) in [("outra frase qualquer", code.as_str()), (PASSWORD, ""), (PASSWORD, "000000")] {
        let wrong = send(with(password, code)).await;
        assert_eq!(wrong.status, StatusCode::UNAUTHORIZED, "{password} {code}");
        assert!(wrong.text.contains("eva@zelo.example") && !wrong.text.contains(password), "{}", wrong.text);
        assert!(there().unwrap().is_none());
    }
    let done = send(with(PASSWORD, &code)).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert!(there().unwrap().is_some());
    // Fresh from now on: the next act is not asked again.
    let agent = clinic.people[&Role::Agent];
    assert_eq!(post(&clinic, &cookie, &format!("/users/{agent}/reset"), &[]).await.status, StatusCode::OK);
}

#[actix_web::test]
async fn before_somebody_is_blocked_the_page_names_what_hangs_on_them() {
    let clinic = Clinic::open();
    let agent = clinic.people[&Role::Agent];
    clinic.state.store.write(Actor::System("test"), now(), |tx| on_call_now(tx, agent)).unwrap();
    let page = clinic.get(Role::Admin, "/users").await.text;
    for text in ["Linha de frente", "De plantão agora", "Equipe da noite", "Nas equipes"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(page.contains("Nenhum plantão nos próximos 14 dias"), "others have none");
}

fn on_call_now(tx: &mut store::Tx<'_>, user: UserId) -> store::Result<()> {
    let name = |pt: &'static str| Name { pt: pt.into(), en: pt.into() };
    let rotation = Rotation {
        name: "Semana".into(),
        starts: "2026-11-02T08:00:00".parse().unwrap(),
        ends: None,
        lengths: vec![Length::Weeks(1)],
        people: vec![user],
        hours: None,
        overlap_minutes: 0,
        idle_turns: Idle::Skipped,
    };
    let need = Need {
        certificate: false,
        most_in_a_week: std::time::Duration::from_secs(60 * 3_600),
        averaged_weeks: 1,
    };
    let (temporaries, overrides) = (Vec::new(), Vec::new());
    let schedule = Schedule { zone: Zone::SAO_PAULO, rotations: vec![rotation], temporaries, overrides };
    versions::seed(tx, "nights", &Duty { name: name("Linha de frente"), need, schedule })?;
    versions::seed(tx, "night", &Team { name: name("Equipe da noite"), members: vec![user] })
}
