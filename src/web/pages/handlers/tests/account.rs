//! The second factor: offered, confirmed, asked for at sign-in, taken away.

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use totp_rs::{Builder, Secret};

use super::clinic::{Clinic, now};
use crate::domain::Role;
use crate::domain::password::{Cost, hash};
use crate::store::sessions::{self, Kind};
use crate::store::{Actor, users};

const PASSWORD: &str = "cavalo correto bateria";

/// An agent with a password, and the cookie of a session that outlived setting it.
fn agent(clinic: &Clinic) -> String {
    let (id, phc) = (clinic.people[&Role::Agent], hash(PASSWORD, Cost::STANDARD).unwrap());
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
    assert!(crate::domain::password::verify(new, &stored.password.unwrap()) && stored.user.held.is_none());
}

async fn post(clinic: &Clinic, cookie: &str, path: &str, form: &[(&str, &str)]) -> super::clinic::Seen {
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

    let kept = post(&clinic, &cookie, "/account/totp/remove", &[("password", "outra senha qualquer")]).await;
    assert!(kept.status == StatusCode::UNPROCESSABLE_ENTITY && has_factor(&clinic));
    let gone = post(&clinic, &cookie, "/account/totp/remove", &[("password", PASSWORD)]).await;
    assert_eq!(gone.status, StatusCode::SEE_OTHER, "{}", gone.text);
    assert!(!has_factor(&clinic));
}

#[actix_web::test]
async fn an_administrator_takes_away_a_second_factor_whose_app_was_lost() {
    let clinic = Clinic::open();
    let agent = clinic.people[&Role::Agent];
    let set = |tx: &mut crate::store::Tx<'_>| users::set_totp(tx, agent, Some(&[7; 20]), None);
    clinic.state.store.write(Actor::System("test"), now(), set).unwrap();
    assert!(clinic.get(Role::Admin, "/users").await.text.contains("Remover segundo fator"));
    let done = clinic.post(Role::Admin, &format!("/users/{agent}/totp"), &[]).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert!(!has_factor(&clinic));
}
