//! The SLA clocks on the page of an alert: how much is used, why a clock stands still, who may let it.

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;

use crate::tests::pages::clinic::Clinic;
use domain::Role;

#[actix_web::test]
async fn a_clock_says_what_is_used_pauses_with_a_reason_and_goes_on() {
    let clinic = Clinic::open();
    let path = format!("/alerts/{}", clinic.alert);
    let (pause, resume) = (format!("{path}/sla/pause"), format!("{path}/sla/resume"));
    let page = clinic.get(Role::Agent, &path).await.text;
    for text in
        ["Prazos (SLA)", "Primeira resposta (alerta vermelho)", "Usado 4 min de 20 min (20 %)", "Avisa às"]
    {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(page.contains("share-used") && page.contains("Histórico do prazo"), "{page}");
    assert!(!page.contains("Pausar os prazos"), "nobody has answered: nothing may stand still");
    let waiting = [("pause", "waiting_patient")];
    let early = clinic.post(Role::Agent, &pause, &waiting).await;
    assert_eq!(early.status, StatusCode::CONFLICT, "{}", early.text);
    clinic.post(Role::Agent, &format!("{path}/ack"), &[]).await;
    assert!(clinic.get(Role::Agent, &path).await.text.contains("Pausar os prazos"));
    assert!(!clinic.get(Role::Manager, &path).await.text.contains("Pausar os prazos"), "sees, does not act");
    assert_eq!(clinic.post(Role::Manager, &pause, &waiting).await.status, StatusCode::FORBIDDEN);

    let nothing =
        TestRequest::post().uri(&pause).insert_header(("x-zelo-form", "1")).set_form([("pause", "")]);
    let nothing = clinic.send(Some(Role::Agent), nothing).await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        nothing.text.contains("data-field=\"pause\"") && nothing.text.contains("Escolha o que se espera")
    );

    let done = clinic.post(Role::Agent, &pause, &waiting).await;
    assert_eq!((done.status, done.to), (StatusCode::SEE_OTHER, format!("{path}#sla")), "{}", done.text);
    let page = clinic.get(Role::Agent, &path).await.text;
    assert!(page.contains("pausado: resposta do paciente") && page.contains("cumprido"), "{page}");
    assert!(page.contains("Retomar") && !page.contains("Pausar os prazos"));
    assert_eq!(clinic.post(Role::Agent, &resume, &[]).await.status, StatusCode::SEE_OTHER);
    let page = clinic.get(Role::Agent, &path).await.text;
    assert!(!page.contains("Retomar") && page.contains("Pausar os prazos"), "{page}");
    assert_eq!(clinic.post(Role::Agent, &resume, &[]).await.status, StatusCode::CONFLICT);
}
