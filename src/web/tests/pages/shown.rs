//! What a page says is what was shown, what is over and what the reader may do: no more and no less.

use consent::Purpose;

use super::clinic::Clinic;
use domain::Role;
use store::{Actor, consents};

#[actix_web::test]
async fn the_patient_reads_that_a_refused_look_was_only_tried() {
    let clinic = Clinic::open();
    clinic.revoke(Purpose::AlertEvaluate);
    clinic.get(Role::Clinician, &format!("/patients/{}", clinic.patient)).await;
    let mine = clinic.get(Role::Patient, "/me").await.text;
    assert!(mine.contains("Tentou ver as suas leituras"), "{mine}");
    let looks = mine.split("id=\"looks\"").nth(1).unwrap();
    let of_the_clinician =
        looks.split("<li>").find(|look| look.contains("leituras") && look.contains("Pessoa clinician"));
    assert!(!of_the_clinician.unwrap().contains("Viu as suas leituras"), "{looks}");
}

#[actix_web::test]
async fn those_who_know_no_names_read_no_id_of_the_patients_account() {
    let clinic = Clinic::open();
    let user = clinic.people[&Role::Patient];
    let actor = Actor::User { id: user, role: Role::Patient };
    let hand = consent::Giver::Subject.into();
    let revoke = |tx: &mut store::Tx<'_>| consents::revoke(tx, clinic.patient, Purpose::AlertEscalate, &hand);
    clinic.state.store.write(actor, clinic.state.now(), revoke).unwrap();
    let end = crate::people::page::names::reference(&user.to_string());
    for role in [Role::Dpo, Role::Auditor, Role::Clinician] {
        let page = clinic.get(role, &format!("/patients/{}", clinic.patient)).await.text;
        assert!(page.contains("o próprio paciente") && !page.contains(&end), "{role:?}: {page}");
        let path = format!("/api/v1/patients/{}/consents", clinic.patient);
        let page = clinic.get(role, &path).await.text;
        assert_eq!(page.contains(&user.to_string()), role == Role::Clinician, "{role:?}: {page}");
    }
}

#[actix_web::test]
async fn a_manager_is_offered_what_they_may_do_with_users_and_a_user_is_found() {
    let clinic = Clinic::open();
    let (acts, vouch) = (["method=\"post\" action=\"/users\"", "/reset\"", "/lock\""], "/vouch\"");
    let admin = clinic.get(Role::Admin, "/users").await.text;
    assert!(acts.iter().all(|act| admin.contains(act)), "{admin}");
    let manager = clinic.get(Role::Manager, "/users").await.text;
    assert!(acts.iter().all(|act| !manager.contains(act)) && manager.contains("Pessoa agent"), "{manager}");
    assert!(!manager.contains(vouch), "nobody waits for a second person");
    assert!(manager.contains("8 usuários"), "{manager}");
    for (typed, found) in [("PESSÓA age", true), ("agent@zelo", true), ("dpo", false)] {
        let path = crate::pages::shell::address("/users", &[("q", typed)]);
        let list = clinic.get(Role::Manager, &path).await.text;
        assert_eq!(list.contains("<th scope=\"row\">Pessoa agent"), found, "{typed}: {list}");
    }
    let nobody = clinic.get(Role::Manager, "/users?q=zz").await.text;
    assert!(
        nobody.contains("Ninguém encontrado com “zz”") && !nobody.contains("Nenhum usuário ainda"),
        "{nobody}"
    );
}

#[actix_web::test]
async fn the_last_access_outlives_the_session() {
    let clinic = Clinic::open();
    let row = |page: String| {
        page.split("agent@zelo.example").nth(1).unwrap().split("</tr>").next().unwrap().to_owned()
    };
    clinic.post(Role::Agent, "/logout", &[]).await;
    let list = row(clinic.get(Role::Admin, "/users").await.text);
    assert!(!list.contains("nenhum em 30 dias"), "{list}");
}

#[actix_web::test]
async fn what_is_over_neither_counts_as_red_now_nor_says_what_is_measured_now() {
    let clinic = Clinic::open();
    clinic.past();
    let queue = clinic.get(Role::Agent, "/queue").await.text;
    assert!(queue.contains("data-red-open=\"1\"") && queue.contains("1 já encerrado"), "{queue}");
    assert_eq!(queue.matches("latest-now").count(), 1, "the past one says nothing of now: {queue}");
    let (now, past) = queue.split_once("Já encerrados").unwrap();
    assert!(now.contains("latest-now") && past.contains("is-past"), "{queue}");
    let badge = clinic.get(Role::Agent, "/account").await.text;
    assert!(badge.contains("1 alerta vermelho aberto"), "{badge}");
}
