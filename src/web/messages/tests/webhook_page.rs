//! The page of programs that are called, and what the status page says of channels that are not set up.

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;

use crate::tests::pages::clinic::{Clinic, now};
use domain::messages::{Attempt, Channel};
use domain::{Can, Role};
use store::Urgency;
use store::messages::{self, webhooks};

#[actix_web::test]
async fn a_program_is_added_with_a_secret_shown_once_tried_called_again_and_disabled() {
    let clinic = Clinic::open();
    for role in crate::tests::pages::PEOPLE {
        let status = if Can::SeeWebhooks.held_by(role) { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!(clinic.get(role, "/webhooks").await.status, status, "{role:?}");
    }
    let url = "https://pager.example/hook?key=abracadabra";
    assert_eq!(clinic.post(Role::Manager, "/webhooks", &[("url", url)]).await.status, StatusCode::FORBIDDEN);
    let wrong = clinic.post(Role::Admin, "/webhooks", &[("url", "http://pager.example/")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    for text in ["value=\"http://pager.example/\"", "aria-invalid", "Escreva um endereço https://"] {
        assert!(wrong.text.contains(text), "{text}: {}", wrong.text);
    }
    let made = clinic.post(Role::Admin, "/webhooks", &[("url", url)]).await;
    assert!(made.status == StatusCode::OK && made.text.contains("whsec_"), "{}", made.text);
    let list = clinic.get(Role::Manager, "/webhooks").await.text;
    assert!(list.contains("https://pager.example/hook") && list.contains("Nenhum aviso"), "{list}");
    assert!(
        !list.contains("whsec_") && !list.contains("abracadabra"),
        "the secret was shown once, the key never"
    );

    let store = &clinic.state.store;
    let id = store.read(webhooks::ids).unwrap().remove(0);
    let path = format!("/webhooks/{id}");
    let act = |name: &str| format!("{path}/{name}");
    let tried = clinic.post(Role::Admin, &act("test"), &[]).await;
    assert_eq!((tried.status, tried.to), (StatusCode::SEE_OTHER, format!("{path}#calls")), "{}", tried.text);
    let fail = |tx: &mut store::Tx<'_>| {
        let call = messages::claim(tx, Channel::Webhook, Some(&id), 1)?.remove(0);
        messages::attempted(tx, &call, &messages::Answer::new(Attempt::Never, "http_404"), None)
    };
    store.keep_house(Urgency::Urgent, "test", now(), fail).unwrap();
    let page = clinic.get(Role::Manager, &path).await.text;
    for text in ["<code>test</code>", "falhou", "<code>http_404</code>"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains("/replay"), "a manager sees, and does nothing");
    let nothing = TestRequest::post().uri(&act("replay")).insert_header(("x-zelo-form", "1"));
    let nothing = clinic.send(Some(Role::Admin), nothing.set_form([("after", "-1")])).await;
    assert!(nothing.text.contains("data-field=\"after\""), "{}", nothing.text);
    let again = clinic.post(Role::Admin, &act("replay"), &[("after", "0")]).await;
    assert_eq!((again.status, again.to.clone()), (StatusCode::SEE_OTHER, format!("{path}?again=1")));
    let page = clinic.get(Role::Admin, &again.to).await.text;
    assert!(page.contains("1 aviso volta à fila") && page.contains("na fila"), "{page}");
    let after = clinic.get(Role::Admin, &format!("{path}?cursor=1")).await.text;
    assert!(!after.contains("<code>test</code>"), "nothing came after the first: {after}");
    let part = TestRequest::get().uri(&path).insert_header(("hx-request-type", "partial"));
    let part = clinic.send(Some(Role::Admin), part).await.text;
    assert!(part.starts_with("<div id=\"calls-part\"") && part.contains("<code>test</code>"), "{part}");

    assert_eq!(clinic.post(Role::Admin, &act("disable"), &[]).await.status, StatusCode::SEE_OTHER);
    let page = clinic.get(Role::Admin, &path).await.text;
    assert!(page.contains("desligado desde") && !page.contains("/test\""), "{page}");
    assert_eq!(clinic.post(Role::Admin, &act("test"), &[]).await.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn a_channel_without_a_server_is_not_set_up_and_says_what_to_do() {
    let clinic = Clinic::open();
    let page = clinic.get(Role::Admin, "/status").await.text;
    let card =
        |word: &str| page.split("class=\"channel\"").find(|card| card.contains(word)).unwrap().to_owned();
    assert!(card("<h3>Painel").contains("em uso"));
    for (channel, todo) in [("<h3>E-mail", "notify_smtp_url"), ("<h3>Webhook", "na página Webhooks")] {
        let card = card(channel);
        assert!(
            card.contains("não configurado") && card.contains(todo) && !card.contains("em uso"),
            "{card}"
        );
    }
    let add = |tx: &mut store::Tx<'_>| webhooks::insert(tx, "https://pager.example/", "whsec_eA==");
    clinic.state.store.write(store::Actor::Operator, now(), add).unwrap();
    let page = clinic.get(Role::Admin, "/status").await.text;
    assert!(!page.contains("na página Webhooks"), "{page}");
}
