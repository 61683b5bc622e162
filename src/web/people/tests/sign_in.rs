//! Sessions from the outside.

use crate::tests::*;
use store::people::throttles;

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
    house.write(|tx| users::set_totp(tx, user, Some(b"12345678901234567890"), None));
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

/// Signs in from another address of this host.
fn from(house: &House, source: &str, email: &str, password: &str) -> u16 {
    use std::io::{Read, Write};
    let body = json!({ "email": email, "password": password }).to_string();
    let to: std::net::SocketAddr = house.base.trim_start_matches("http://").parse().unwrap();
    let mut socket = house.runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(format!("{source}:0").parse().unwrap()).unwrap();
        socket.connect(to).await.unwrap().into_std().unwrap()
    });
    socket.set_nonblocking(false).unwrap();
    let length = body.len();
    let head =
        "POST /api/v1/auth/token HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json";
    write!(socket, "{head}\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
    let mut answers = String::new();
    socket.read_to_string(&mut answers).unwrap();
    answers.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_stranger_elsewhere_does_not_keep_the_owner_out() {
    for house in houses() {
        let email = house.email(house.user(Role::Technician, None));
        let stranger: Vec<u16> =
            (0..8).map(|_| from(&house, "127.0.0.2", &email, "errada errada errada")).collect();
        assert_eq!((stranger[0], stranger[7]), (401, 429));
        assert_eq!(from(&house, "127.0.0.3", &email, PASSWORD), 200);
        assert_eq!(from(&house, "127.0.0.2", &email, PASSWORD), 429, "the stranger's network waits");
    }
}

#[test]
fn a_crowd_of_strangers_waits_for_itself_and_not_the_owner_at_home() {
    let house = houses().remove(0);
    let owner = house.email(house.user(Role::Clinician, None));
    assert_eq!(from(&house, "127.0.0.3", &owner, PASSWORD), 200);
    let over = std::sync::atomic::AtomicBool::new(false);
    let answered = std::sync::atomic::AtomicUsize::new(0);
    let (strangers, tried) = std::thread::scope(|scope| {
        let crowd: Vec<_> = (0..60)
            .map(|number| {
                let (house, over, answered) = (&house, &over, &answered);
                scope.spawn(move || {
                    let mut seen = Vec::new();
                    while !over.load(std::sync::atomic::Ordering::Relaxed) {
                        let nobody = format!("ninguem-{number}-{}@exemplo.br", seen.len());
                        let source = format!("127.0.9.{}", number + 1);
                        seen.push(from(house, &source, &nobody, "errada errada errada"));
                        answered.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    }
                    seen
                })
            })
            .collect();
        while answered.load(std::sync::atomic::Ordering::Relaxed) < 60 {
            std::thread::yield_now();
        }
        let tried: Vec<u16> = (0..5).map(|_| from(&house, "127.0.0.3", &owner, PASSWORD)).collect();
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        let strangers: Vec<u16> = crowd.into_iter().flat_map(|one| one.join().unwrap()).collect();
        (strangers, tried)
    });
    assert_eq!(tried, [200; 5], "the owner is let in at the first try");
    let refused = strangers.iter().filter(|status| **status == 503).count();
    let checked = strangers.iter().filter(|status| **status == 401).count();
    assert_eq!(refused + checked, strangers.len(), "{strangers:?}");
    assert!(refused > 0 && checked > 0, "the queue has an end, and it moves: {refused} and {checked}");
}

#[test]
fn roles_resets_and_exports_want_a_fresh_sign_in() {
    let house = houses().remove(0);
    let (admin, auditor) = (house.staff(Role::Admin), house.staff(Role::Auditor));
    let path = format!("/api/v1/users/{}/reset", house.user(Role::Agent, None));
    house.post(&admin, &path, &json!({})).must(201);
    house.clock.advance(Duration::from_secs(301));
    let again = |who: &str| {
        let session = house.tokens.user(who.trim_start_matches("Bearer "), NOW).unwrap();
        let role = if who == admin { Role::Admin } else { Role::Auditor };
        let token = house.tokens.for_user(session.sub, role, session.sid, house.now()).unwrap();
        format!("Bearer {token}")
    };
    let (admin, auditor) = (again(&admin), again(&auditor));
    assert_eq!(house.post(&admin, &path, &json!({})).code(), "E_STEP_UP");
    assert_eq!(house.get(&auditor, "/api/v1/audit/export").code(), "E_STEP_UP");
    let new = json!({ "name": "Eva", "email": "eva@clinica.example", "role": "clinician" });
    assert_eq!(house.post(&admin, "/api/v1/users", &new).code(), "E_STEP_UP");
}

#[test]
fn who_is_blocked_is_let_back_in_with_a_reason() {
    let house = houses().remove(0);
    let (admin, agent) = (house.staff(Role::Admin), house.user(Role::Agent, None));
    let email = house.email(agent);
    let reason = json!({ "reason": "férias, e de volta" });
    house.post(&admin, &format!("/api/v1/users/{agent}/disable"), &reason).must(204);
    assert_eq!(tokens(&house, &email, PASSWORD).code(), "E_CREDENTIALS");
    house.post(&admin, &format!("/api/v1/users/{agent}/unlock"), &reason).must(204);
    tokens(&house, &email, PASSWORD).must(200);
}

#[test]
fn a_second_factor_that_the_role_demands_is_owed_after_the_first_day() {
    let house = houses().remove(0);
    let email = house.email(house.user(Role::Manager, None));
    tokens(&house, &email, PASSWORD).must(200);
    house.clock.advance(Duration::from_secs(25 * 3_600));
    assert_eq!(tokens(&house, &email, PASSWORD).code(), "E_FACTOR");
    let held = house.user(Role::Clinician, None);
    let (_, secret) = house.write(|tx| sessions::create(tx, held, Kind::Enrolment));
    let cookie = format!("zelo={}", secret.reveal());
    let ask = |path: &str| house.call("GET", path, &[("cookie", &cookie)], None);
    assert_eq!(ask("/account").status, 200);
    assert_eq!(ask("/api/v1/patients").code(), "E_FACTOR");
}
