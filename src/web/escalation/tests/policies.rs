//! Policies as pages: the editor without a script, its mistakes at their fields, and the second person.

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;

use crate::tests::pages::clinic::{Clinic, now};
use domain::Role;
use domain::escalation::Policy;
use store::{Actor, on_call, versions};

const PATH: &str = "/policies/red_alert";

/// The editor as a browser would send it, from what the page shows.
fn form(minutes: &str, act: &str) -> Vec<(String, String)> {
    let mut pairs = vec![
        ("act", act),
        ("seen", "1"),
        ("steps", "2"),
        ("name_pt", "Alerta vermelho"),
        ("name_en", "Red alert"),
        ("starts_after", "0"),
        ("repeat", "1"),
        ("acknowledged_for", "30"),
        ("s1-target", "schedule:clinician_on_call"),
        ("s1-target", "role:clinician"),
        ("s1-target", ""),
        ("s1-certificate", "1"),
        ("s1-skip", "1"),
        ("s2-target", "role:manager"),
        ("s2-minutes", "5"),
        ("s2-skip", "1"),
        ("s0-target", "role:manager"),
        ("s0-minutes", "5"),
        ("s0-skip", "1"),
    ];
    pairs.push(("s1-minutes", minutes));
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

async fn post(
    clinic: &Clinic,
    role: Role,
    path: &str,
    pairs: Vec<(String, String)>,
) -> crate::tests::pages::clinic::Seen {
    clinic.send(Some(role), TestRequest::post().uri(path).set_form(pairs)).await
}

#[actix_web::test]
async fn a_mistake_stands_at_its_field_and_what_was_typed_stays() {
    let clinic = Clinic::open();
    let seen = post(&clinic, Role::Clinician, PATH, form("logo", "propose")).await;
    assert_eq!(seen.status, StatusCode::OK);
    assert!(seen.text.contains("value=\"logo\" aria-invalid=\"true\" aria-describedby=\"s1-minutes-wrong\""));
    assert!(seen.text.contains("id=\"s1-minutes-wrong\">De 1 a 10.080 minutos."));
    let more = post(&clinic, Role::Clinician, PATH, form("5", "add")).await;
    assert!(more.text.contains("id=\"s3-minutes\"") && !more.text.contains("aria-invalid"), "a step more");
    let fewer = post(&clinic, Role::Clinician, PATH, form("5", "remove-1")).await;
    assert!(
        !fewer.text.contains("id=\"s2-minutes\"") && fewer.text.contains("value=\"role:manager\" selected")
    );
}

#[actix_web::test]
async fn a_draft_shows_what_changes_whom_it_pages_and_what_it_would_have_done() {
    let clinic = Clinic::open();
    let seen = post(&clinic, Role::Manager, PATH, form("7", "rehearse")).await;
    for text in [
        "Ninguém seria chamado",
        "Pessoa clinician",
        "sem certificado válido",
        "1 alerta vermelho.",
        "muda",
        "sai",
    ] {
        assert!(seen.text.contains(text), "{text}: {}", seen.text);
    }
    let part = TestRequest::post().uri(PATH).insert_header(("hx-request-type", "partial"));
    let part = clinic.send(Some(Role::Manager), part.set_form(form("7", "check"))).await;
    assert!(part.text.starts_with("<section class=\"part\" id=\"editor\"") && !part.text.contains("<html"));
    let agent = clinic.get(Role::Agent, PATH).await.text;
    assert!(!agent.contains("id=\"editor\"") && agent.contains("Pessoa manager"), "sees, does not propose");
}

#[actix_web::test]
async fn a_second_person_puts_a_proposal_in_force_and_its_author_cannot() {
    let clinic = Clinic::open();
    clinic.state.store.write(Actor::System("test"), now(), on_call::seed).unwrap();
    let made = post(&clinic, Role::Clinician, PATH, form("7", "propose")).await;
    assert_eq!((made.status, made.to.as_str()), (StatusCode::SEE_OTHER, "/policies/red_alert#proposal-2"));
    let again = post(&clinic, Role::Manager, PATH, form("9", "propose")).await;
    assert!(again.text.contains("E_PRECONDITION"), "it was made from an older version: {}", again.text);

    let own = clinic.get(Role::Clinician, PATH).await.text;
    assert!(
        own.contains("Quem propôs não aprova") && !own.contains("action=\"/policies/red_alert/approve\"")
    );
    let approve = format!("{PATH}/approve");
    let refused = clinic.post(Role::Clinician, &approve, &[("version", "2")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.text.contains("E_FOUR_EYES"), "{}", refused.text);
    let list = clinic.get(Role::Manager, "/policies").await.text;
    assert!(list.contains("Alerta vermelho · v2") && list.contains("Pessoa clinician"), "{list}");
    let page = clinic.get(Role::Manager, PATH).await.text;
    assert!(page.contains("Aprovar e pôr em vigor a v2"));
    let done = clinic.post(Role::Manager, &approve, &[("version", "2")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let stored = clinic.state.store.read(|view| versions::in_force::<Policy>(view, "red_alert", now()));
    let stored = stored.unwrap().unwrap();
    assert_eq!((stored.version, stored.body.version, stored.body.steps[0].minutes), (2, 2, 7));
    let history = clinic.get(Role::Auditor, PATH).await.text;
    assert!(
        history.contains("Pessoa clinician") && history.contains("Pessoa manager"),
        "who stands behind it"
    );
    let late = clinic.post(Role::Manager, &format!("{PATH}/refuse"), &[("version", "2")]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
}
