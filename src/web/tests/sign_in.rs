//! Sessions from the outside.

use super::*;
use crate::store::throttles;

fn tokens(house: &House, email: &str, password: &str) -> Got {
    let body = json!({ "email": email, "password": password }).to_string();
    house.call("POST", "/api/v1/auth/token", &[], Some(&body))
}

fn refresh(house: &House, token: &Value) -> Got {
    let body = json!({ "refresh_token": token }).to_string();
    house.call("POST", "/api/v1/auth/refresh", &[], Some(&body))
}

#[test]
fn a_refresh_token_counts_once_and_its_second_use_ends_the_session() {
    for house in houses() {
        let email = house.email(house.user(Role::Clinician, None));
        let first = tokens(&house, &email, PASSWORD).must(200);
        assert_eq!((first["token_type"].as_str(), first["expires_in"].as_u64()), (Some("Bearer"), Some(300)));
        let bearer = format!("Bearer {}", first["access_token"].as_str().unwrap());
        house.get(&bearer, "/api/v1/patients").must(200);
        let second = refresh(&house, &first["refresh_token"]).must(200);
        assert_eq!(refresh(&house, &first["refresh_token"]).code(), "E_SIGN_IN");
        assert_eq!(refresh(&house, &second["refresh_token"]).status, 401);
        assert_eq!(house.get(&bearer, "/api/v1/patients").status, 401);
    }
}

#[test]
fn a_killed_session_ends_at_the_next_request() {
    for house in houses() {
        let user = house.user(Role::Manager, None);
        let (one, two) = (house.enter(user, Role::Manager), house.enter(user, Role::Manager));
        house.post(&one, "/api/v1/auth/logout", &json!({})).must(204);
        assert_eq!(house.get(&one, "/api/v1/patients").status, 401);
        house.get(&two, "/api/v1/patients").must(200);
        let admin = house.staff(Role::Admin);
        let path = format!("/api/v1/users/{user}/sessions");
        house.call("DELETE", &path, &[("authorization", &admin)], None).must(204);
        assert_eq!(house.get(&two, "/api/v1/patients").status, 401);
    }
}

#[test]
fn an_unknown_account_and_a_wrong_password_look_the_same_and_slow_down_alike() {
    for house in houses() {
        let email = house.email(house.user(Role::Agent, None));
        for email in [email.as_str(), "ninguem@clinica.example"] {
            let seen: Vec<(u16, String)> = (0..5)
                .map(|_| tokens(&house, email, "errada errada errada"))
                .map(|got| (got.status, got.code().to_owned()))
                .collect();
            let wrong = (401, "E_CREDENTIALS".to_owned());
            let wait = (429, "E_RATE".to_owned());
            assert_eq!(seen, [wrong.clone(), wrong.clone(), wrong.clone(), wrong, wait]);
        }
        house.clock.advance(throttles::LONGEST);
        tokens(&house, &email, PASSWORD).must(200);
    }
}

#[test]
fn a_second_factor_is_asked_for_and_its_code_counts_once() {
    let house = houses().remove(0);
    let user = house.user(Role::Dpo, None);
    let email = house.email(user);
    house.write(|tx| users::set_totp(tx, user, Some(b"12345678901234567890")));
    assert_eq!(tokens(&house, &email, PASSWORD).code(), "E_TOTP");
    let totp = totp_rs::Builder::new().with_secret(b"12345678901234567890".to_vec()).build().unwrap();
    let code = totp.generate(u64::try_from(NOW.secs()).unwrap()).to_string();
    let body = json!({ "email": email, "password": PASSWORD, "totp": code }).to_string();
    house.call("POST", "/api/v1/auth/token", &[], Some(&body)).must(200);
    assert_eq!(house.call("POST", "/api/v1/auth/token", &[], Some(&body)).code(), "E_TOTP");
}

#[test]
fn the_cookie_rests_on_the_same_row() {
    let house = houses().remove(0);
    let user = house.user(Role::Manager, None);
    let (session, secret) = house.write(|tx| sessions::create(tx, user, Kind::Browser));
    let cookie = format!("zelo={}", secret.reveal());
    let ask = || house.call("GET", "/api/v1/patients", &[("cookie", &cookie)], None);
    ask().must(200);
    let act = |site: &str| {
        let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", site)];
        house.call("POST", "/api/v1/auth/logout", &headers, Some("{}"))
    };
    assert_eq!(act("cross-site").code(), "E_CROSS_SITE");
    ask().must(200);
    house.write(|tx| sessions::kill(tx, session.id, "admin"));
    assert_eq!(ask().status, 401);
}

#[test]
fn the_published_key_names_the_tokens_key() {
    let house = houses().remove(0);
    let keys = house.call("GET", "/.well-known/jwks.json", &[], None).must(200);
    assert_eq!(keys["keys"][0]["crv"], "Ed25519");
}
