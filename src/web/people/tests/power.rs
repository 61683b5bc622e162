//! What an administrator can do alone, with as many accounts as they make themselves: nothing of it lets them see
//! readings, act on alerts or be called.

use crate::routes::rows;
use crate::tests::*;
use domain::escalation::{Step, Target};
use domain::{AlertId, Can};
use store::escalation::paging::{self, LeftOut};

/// What an act of an administrator gives, to them or to an account of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gives {
    /// No right over anybody.
    Nothing,
    /// A way into an account: it waits for a second person.
    Account,
    /// That somebody is called, which their role allows them already: an account that waits is not.
    Calls,
    /// Where names of cases go, never what was measured.
    Names,
}

/// Every act that is open to an administrator. One that is not here has not been thought about.
const ACTS: &[(Gives, &[&str])] = &[
    (
        Gives::Account,
        &["POST /api/v1/users", "PATCH /api/v1/users/{id}", "POST /api/v1/users/{id}/reset", "POST /users"],
    ),
    // Reset and the second factor as in the API, block and let in again, vouch: none of it for oneself.
    (Gives::Account, &["POST /users/{id}/{act}", "POST /api/v1/users/{id}/vouch"]),
    // Whoever is let in again comes in as what a second person vouched for.
    (Gives::Nothing, &["POST /api/v1/users/{id}/disable", "POST /api/v1/users/{id}/unlock"]),
    (Gives::Nothing, &["DELETE /api/v1/users/{id}/sessions", "PUT /api/v1/users/{id}/capacity"]),
    (
        Gives::Calls,
        &[
            "PUT /api/v1/users/{id}/certificate",
            "DELETE /api/v1/users/{id}/unreachable/{channel}",
            "PUT /api/v1/schedules/{id}",
            "POST /api/v1/schedules/{id}/overrides",
            "PUT /api/v1/schedules/{id}/overrides/{place}",
            "DELETE /api/v1/schedules/{id}/overrides/{place}",
            "POST /api/v1/schedules/{id}/temporaries",
            "PUT /api/v1/schedules/{id}/temporaries/{place}",
            "DELETE /api/v1/schedules/{id}/temporaries/{place}",
            "POST /api/v1/users/{id}/absences",
            "PUT /api/v1/absences/{id}",
            "DELETE /api/v1/absences/{id}",
            "PUT /api/v1/teams/{id}",
            "POST /schedules",
            "POST /schedules/{id}/need",
            "POST /schedules/{id}/{act}",
            "POST /teams",
            "POST /teams/{id}",
            "POST /on-duty/{id}/{act}",
            "POST /absence",
            "POST /absence/{id}/{act}",
        ],
    ),
    (
        Gives::Names,
        &[
            "POST /api/v1/webhooks",
            "POST /api/v1/webhooks/{id}/disable",
            "POST /api/v1/webhooks/{id}/test",
            "POST /api/v1/webhooks/{id}/replay",
            "POST /webhooks",
            "POST /webhooks/{id}/{act}",
        ],
    ),
    (
        Gives::Nothing,
        &[
            "POST /api/v1/patients",
            "PATCH /api/v1/patients/{id}",
            "POST /patients",
            // To revoke only.
            "POST /api/v1/patients/{id}/consents",
            "POST /patients/{id}/consents",
            "PUT /api/v1/calendars/{id}",
            "POST /calendars",
            "POST /calendars/{id}",
            "PUT /api/v1/organisation/dpo",
            "POST /api/v1/escalation-policies/{id}/dry-run",
        ],
    ),
    // A device says what is measured, and is told nothing.
    (
        Gives::Nothing,
        &[
            "POST /api/v1/devices",
            "POST /api/v1/devices/{id}/bind",
            "POST /api/v1/devices/{id}/unbind",
            "POST /api/v1/devices/{id}/disable",
            "POST /api/v1/devices/{id}/enable",
            "POST /api/v1/devices/{id}/tokens",
            "DELETE /api/v1/devices/{id}/tokens/{token}",
            "POST /api/v1/devices/{id}/commands",
            "DELETE /api/v1/devices/{id}/commands/{command}",
            "POST /devices",
            "POST /devices/{id}/pairing",
            "POST /devices/{id}/commands/{command}/cancel",
            "POST /devices/{id}/{act}",
        ],
    ),
    // Of one's own.
    (
        Gives::Nothing,
        &[
            "POST /api/v1/auth/logout",
            "POST /api/v1/messages/{id}/read",
            "POST /api/v1/messages/test",
            "PUT /api/v1/messages/mail",
            "PUT /api/v1/messages/letters",
            "POST /api/v1/schedules/{id}/feed",
            "DELETE /api/v1/schedules/{id}/feed",
            "POST /logout",
            "POST /pager",
            "POST /schedules/{id}/feed",
            "POST /schedules/{id}/unfeed",
            "POST /account/trial",
            "POST /account/mail",
            "POST /account/password",
            "POST /account/totp",
            "POST /account/totp/remove",
        ],
    ),
];

#[test]
fn of_every_act_that_an_administrator_may_do_alone_it_is_said_what_it_gives() {
    let mut sentences: Vec<String> =
        ACTS.iter().flat_map(|(_, acts)| acts.iter()).map(|act| (*act).to_owned()).collect();
    let open = |row: &crate::http::route::Row| {
        row.method != "GET" && row.admits(Some(Role::Admin)) && !row.rights.contains(&Can::Anyone)
    };
    let mut there: Vec<String> =
        rows().iter().filter(|row| open(row)).map(|row| format!("{} {}", row.method, row.path)).collect();
    sentences.sort();
    there.sort();
    assert_eq!(there, sentences, "left: routes, right: thought about");
}

/// Whether somebody signs in with the password of all.
fn comes_in(house: &House, user: UserId) -> String {
    let body = json!({ "email": house.email(user), "password": PASSWORD }).to_string();
    let got = house.call("POST", "/api/v1/auth/token", &[], Some(&body));
    if got.status == 200 { "in".to_owned() } else { got.code().to_owned() }
}

#[test]
fn no_role_that_an_administrator_gives_alone_comes_with_a_power_that_the_account_had_not() {
    for house in houses() {
        let admin = house.staff(Role::Admin);
        let over_others = |role: Role| {
            let own = [Can::Anyone, Can::SignedIn, Can::SeeRules, Can::SeePolicies, Can::SeeSchedules];
            let open = [Can::SeeTemplates, Can::SeeWebhooks, Can::SeeStatus, Can::OwnThings];
            Can::ALL
                .into_iter()
                .filter(move |can| can.held_by(role) && !own.contains(can) && !open.contains(can))
        };
        for from in Role::STAFF {
            for to in Role::STAFF.into_iter().filter(|to| *to != from) {
                let user = house.user(from, None);
                let path = format!("/api/v1/users/{user}");
                let headers = [("authorization", admin.as_str()), ("if-match", "*")];
                let body = json!({ "role": to }).to_string();
                let turned = house.call("PATCH", &path, &headers, Some(&body)).must(200);
                let gains: Vec<Can> = over_others(to).filter(|can| !can.held_by(from)).collect();
                assert_eq!(!turned["held"].is_null(), !gains.is_empty(), "{from:?} → {to:?}: {gains:?}");
                let waits = if gains.is_empty() { "in" } else { "E_HELD" };
                assert_eq!(comes_in(&house, user), waits, "{from:?} → {to:?}");
            }
        }
        for role in Role::ALL.into_iter().filter(|role| *role != Role::Service) {
            let ana = (role == Role::Patient).then(|| house.patient("Ana").id);
            let body = json!({
                "name": "Eva Nova", "email": format!("eva-{}@clinica.example", role.name()), "role": role,
                "password": PASSWORD, "patient_id": ana,
            });
            let made = house.post(&admin, "/api/v1/users", &body).must(201);
            let user: UserId = made["id"].as_str().unwrap().parse().unwrap();
            assert_eq!(comes_in(&house, user), "E_HELD", "made as {role:?}");
        }
    }
}

#[test]
fn an_account_that_waits_for_a_second_person_is_not_called_and_holds_nothing() {
    for house in houses() {
        let admin = house.staff(Role::Admin);
        let user = house.user(Role::Technician, None);
        let headers = [("authorization", admin.as_str()), ("if-match", "*")];
        let path = format!("/api/v1/users/{user}");
        house.call("PATCH", &path, &headers, Some(&json!({ "role": "agent" }).to_string())).must(200);
        let step =
            Step { targets: vec![Target::Person(user)], minutes: 5, certificate: false, skip_if_empty: true };
        let now = house.now();
        let named = house.home.read(|view| paging::candidates(view, &step, now)).unwrap();
        assert_eq!(named[0].left_out, Some(LeftOut::Held));
        // Nor is anything handed to it.
        let (clinician, ana) = (house.staff(Role::Clinician), house.patient("Ana"));
        house.grant_all(ana.id);
        let alert: AlertId = crate::alerts::tests::raise(&house, &ana);
        let body = json!({ "to": user, "note": "por favor" });
        let given = house.post(&clinician, &format!("/api/v1/alerts/{alert}/reassign"), &body);
        assert_eq!((given.code(), &given.body["field"]), ("E_INVALID", &json!("to")));
    }
}
