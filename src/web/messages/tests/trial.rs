//! A test page to oneself: it rings as a page does, is read where it leads, and is no flood.

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;

use crate::tests::pages::clinic::{Clinic, now};
use domain::Role;
use domain::messages::Channel;
use store::escalation::paging;
use store::{Actor, on_call};

#[actix_web::test]
async fn a_test_page_rings_for_its_sender_alone_and_is_read_where_it_leads() {
    let clinic = Clinic::open();
    let store = &clinic.state.store;
    let page = clinic.get(Role::Agent, "/account").await.text;
    assert!(
        page.contains("Enviar um chamado de teste") && page.contains("Esta instalação não envia e-mail"),
        "{page}"
    );
    store.write(Actor::Operator, now(), |tx| paging::send_e_mail(tx, true)).unwrap();
    let sent = clinic.post(Role::Agent, "/account/trial", &[]).await;
    assert_eq!((sent.status, sent.to.as_str()), (StatusCode::SEE_OTHER, "/account#trial"), "{}", sent.text);
    assert!(
        clinic.get(Role::Agent, "/account").await.text.contains("Painel: aceito"),
        "not read by looking here"
    );
    let waits = clinic.get(Role::Agent, "/pager").await.text;
    for text in ["data-unread=\"1\"", "Um chamado de teste chegou", "href=\"/account/trial\""] {
        assert!(waits.contains(text), "{text}: {waits}");
    }
    assert!(clinic.get(Role::Clinician, "/pager").await.text.contains("data-unread=\"0\""));
    let part = TestRequest::get().uri("/account?part=trial").insert_header(("hx-request-type", "partial"));
    let part = clinic.send(Some(Role::Agent), part).await.text;
    assert!(part.starts_with("<div id=\"trial-part\""), "{part}");
    assert!(part.contains("Painel: entregue") && part.contains("E-mail: na fila"), "{part}");
    let arrived = clinic.get(Role::Agent, "/account/trial").await.text;
    assert!(arrived.contains("este canal alcança você") && arrived.contains("Painel: lido"), "{arrived}");
    assert!(clinic.get(Role::Agent, "/pager").await.text.contains("data-unread=\"0\""));
    assert!(!clinic.get(Role::Clinician, "/account").await.text.contains("Painel: lido"), "each their own");
    assert!(
        !clinic.get(Role::Patient, "/account").await.text.contains("chamado de teste"),
        "nobody pages patients"
    );
    assert_eq!(clinic.post(Role::Patient, "/account/trial", &[]).await.status, StatusCode::CONFLICT);
}

#[actix_web::test]
async fn messages_are_written_in_the_language_and_on_the_clock_that_their_reader_names() {
    let clinic = Clinic::open();
    let page = clinic.get(Role::Agent, "/account").await.text;
    assert!(page.contains("value=\"America/Sao_Paulo\""), "{page}");
    let saved =
        clinic.post(Role::Agent, "/account/mail", &[("lang", "en"), ("zone", "America/Manaus")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    let page = clinic.get(Role::Agent, "/account").await.text;
    for text in ["<option value=\"en\" selected>English", "value=\"America/Manaus\""] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let wrong = [("lang", "en"), ("zone", "Manaus")];
    assert_eq!(
        clinic.post(Role::Agent, "/account/mail", &wrong).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert!(clinic.get(Role::Manager, "/account").await.text.contains("America/Sao_Paulo"), "each their own");
    assert!(!clinic.get(Role::Patient, "/account").await.text.contains("mail-h"), "nobody pages patients");
}

#[actix_web::test]
async fn a_fourth_test_in_an_hour_is_refused_and_a_lost_channel_is_not_tried() {
    let clinic = Clinic::open();
    let (store, user) = (&clinic.state.store, clinic.people[&Role::Manager]);
    store
        .write(Actor::Operator, now(), |tx| {
            paging::send_e_mail(tx, true)?;
            on_call::mark_unreachable(tx, user, Channel::Email, "bounced")
        })
        .unwrap();
    for _test in 0..3 {
        assert_eq!(clinic.post(Role::Manager, "/account/trial", &[]).await.status, StatusCode::SEE_OTHER);
    }
    let form = TestRequest::post().uri("/account/trial").insert_header(("x-zelo-form", "1"));
    let fourth = clinic.send(Some(Role::Manager), form).await;
    assert_eq!(fourth.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(
        fourth.text.contains("E_RATE") && fourth.text.contains("Três testes por hora"),
        "{}",
        fourth.text
    );
    let page = clinic.get(Role::Manager, "/account").await.text;
    assert!(
        page.contains("O próximo pode sair às") && page.contains("As mensagens a você voltaram"),
        "{page}"
    );
    assert!(!page.contains("E-mail: "), "nothing was sent by it");
}
