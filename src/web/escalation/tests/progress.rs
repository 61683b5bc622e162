//! The escalation of an alert, what waits for a person, and a queue on whose top stands what nobody answered.

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;

use crate::tests::pages::clinic::{Clinic, now};
use domain::Role;
use domain::alerts::Act;
use domain::messages::{Channel, Class};
use engine::Module as _;
use engine::escalation::Escalate;
use store::escalation::{self, paging};
use store::messages::{About, Topic};
use store::{Actor, Error, Tx, Urgency, alerts, messages, on_call};

fn cycle(clinic: &Clinic) {
    Escalate::new(clinic.state.store.clone()).run(now()).unwrap();
}

fn seen(clinic: &Clinic) -> String {
    let escalation =
        clinic.state.store.read(|view| escalation::of_alert(view, clinic.alert)).unwrap().unwrap();
    escalation.run.stepped_at.rfc3339()
}

#[actix_web::test]
async fn the_whole_policy_that_is_ahead_names_whom_it_would_page_and_when() {
    let clinic = Clinic::open();
    let page = clinic.get(Role::Agent, &format!("/alerts/{}", clinic.alert)).await.text;
    let ahead = page.split("escalation-ahead").nth(1).unwrap();
    for text in
        ["Passo 2", "Passo 4", "Ninguém alcançado", "por volta de", "Pessoa manager", "Ninguém seria chamado"]
    {
        assert!(ahead.contains(text), "{text}: {ahead}");
    }
}

#[actix_web::test]
async fn the_policy_says_who_was_paged_with_which_receipt_and_who_is_next() {
    let clinic = Clinic::open();
    let path = format!("/alerts/{}", clinic.alert);
    cycle(&clinic);
    let page = clinic.get(Role::Agent, &path).await.text;
    for text in ["Passo 1</strong> · ninguém foi encontrado", "Passo 4</strong> · chamado", "Pessoa manager"]
    {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(page.contains("Painel: aceito") && page.contains("data-left=\"agora\""), "{page}");
    assert!(page.contains("Chamar o próximo passo agora"));
    let waits = clinic.get(Role::Manager, "/pager").await.text;
    assert!(waits.contains("data-unread=\"1\"") && waits.contains(&format!("href=\"{path}\"")), "{waits}");
    assert!(clinic.get(Role::Agent, &path).await.text.contains("Painel: entregue"));
    assert!(clinic.get(Role::Agent, "/pager").await.text.contains("data-unread=\"0\""));

    let part = TestRequest::get().uri(&path).insert_header(("hx-request-type", "partial"));
    clinic.send(Some(Role::Manager), part).await;
    assert!(
        clinic.get(Role::Manager, "/pager").await.text.contains("data-unread=\"1\""),
        "a part may be unseen"
    );
    clinic.post(Role::Manager, "/pager", &[("link", &path)]).await;
    assert!(clinic.get(Role::Manager, "/pager").await.text.contains("data-unread=\"0\""));
    let page = clinic.get(Role::Manager, &path).await.text;
    assert!(
        page.contains("Painel: lido") && !page.contains("Chamar o próximo passo agora"),
        "sees, does not act"
    );
}

/// "Taken by Bia" stood over a red that Bia had put off, beside "Owner: Caio".
#[actix_web::test]
async fn a_silence_is_shown_as_a_silence_and_who_asks_for_a_second_is_told_why_not() {
    let clinic = Clinic::open();
    cycle(&clinic);
    let path = format!("/alerts/{}", clinic.alert);
    let standing = async || {
        let page = clinic.get(Role::Agent, &path).await.text;
        page.split("escalation-standing").nth(1).unwrap().split("</p>").next().unwrap().to_owned()
    };
    clinic.post(Role::Agent, &format!("{path}/claim"), &[]).await;
    let part = standing().await;
    assert!(part.contains("Assumido por Pessoa agent"), "{part}");
    let asked = [("minutes", "15"), ("reason", "na sala de exames"), ("back", "/")];
    clinic.post(Role::Agent, &format!("{path}/snooze"), &asked).await;
    let part = standing().await;
    assert!(part.contains("Adiado por Pessoa agent até"), "{part}");
    let second = clinic.post(Role::Agent, &format!("{path}/snooze"), &asked).await.text;
    assert!(second.contains("Você já adiou este alerta vermelho") && !second.contains("LGPD"), "{second}");
}

/// A turn on call that begins is announced, and is no siren.
#[actix_web::test]
async fn a_notice_is_calm_and_is_read_where_it_leads() {
    let clinic = Clinic::open();
    let store = &clinic.state.store;
    let boss = store.read(|view| paging::with_role(view, Role::Manager)).unwrap()[0];
    let notice = messages::New {
        key: "handover:a".into(),
        class: Class::Transactional,
        channel: Channel::InApp,
        recipient: boss.to_string(),
        template: "handover",
        variables: serde_json::json!({ "link": "/schedules/duty_manager" }),
        about: About::house(Topic::Schedule, "duty_manager"),
        due_at: now(),
        not_after: now().plus(std::time::Duration::from_secs(3_600)),
    };
    store
        .keep_house(Urgency::Urgent, "test", now(), |tx| {
            on_call::seed(tx)?;
            messages::plan(tx, &notice)
        })
        .unwrap();
    let waits = clinic.get(Role::Manager, "/pager").await.text;
    for text in ["data-unread=\"0\"", "is-calm", "1 aviso para você", "Começa o seu plantão"] {
        assert!(waits.contains(text), "{text}: {waits}");
    }
    assert!(!waits.contains("Um alerta espera"), "{waits}");
    assert!(waits.contains("veja a escala: Gestor de plantão"), "turns that begin together: {waits}");
    // Beside a call it is counted as what it is.
    cycle(&clinic);
    let waits = clinic.get(Role::Manager, "/pager").await.text;
    assert!(waits.contains("<strong>1 chamado para você e mais 1 aviso</strong>"), "{waits}");
    clinic.get(Role::Manager, "/schedules/duty_manager?at=2026-11-22T03:12").await;
    let read = clinic.get(Role::Manager, "/pager").await.text;
    assert!(!read.contains("aviso") && read.contains("1 chamado para você"), "{read}");
}

#[actix_web::test]
async fn what_nobody_answered_stands_on_top_of_every_queue_until_a_named_person_takes_it() {
    let clinic = Clinic::open();
    let act = |name: &str| format!("/alerts/{}/{name}", clinic.alert);
    let stale = seen(&clinic);
    let before = clinic.get(Role::Agent, "/queue").await.text;
    assert!(before.contains("Passo 1 <span class=\"countdown\">") && !before.contains("is-loud"), "{before}");
    cycle(&clinic);
    let late = clinic.post(Role::Agent, &act("escalate"), &[("seen", &stale)]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.text.contains("E_STALE_STEP") && late.text.contains("Já escalou"));
    let fresh = clinic.post(Role::Agent, &act("escalate"), &[("seen", &seen(&clinic))]).await;
    assert_eq!(fresh.status, StatusCode::SEE_OTHER, "{}", fresh.text);
    cycle(&clinic);
    for role in [Role::Agent, Role::Technician, Role::Clinician, Role::Manager] {
        for path in
            ["/queue", "/queue?level=yellow", "/queue?mine=1", "/queue?state=resolved", "/queue?q=zzz"]
        {
            let queue = clinic.get(role, path).await.text;
            let pinned = queue.find("Ninguém alcançado: alguém precisa assumir agora").expect(path);
            assert!(queue.find("Maria Souza").expect(path) > pinned, "{path} for {role:?}");
            assert_eq!(queue.matches("class=\"row-link\"").count(), 1, "{path}: once");
        }
    }
    let page = clinic.get(Role::Agent, &format!("/alerts/{}", clinic.alert)).await.text;
    assert!(page.contains("Ninguém respondeu. Assuma este alerta agora."));

    clinic.post(Role::Agent, &act("claim"), &[]).await;
    let taken = clinic.post(Role::Clinician, &act("claim"), &[]).await;
    assert_eq!(taken.status, StatusCode::CONFLICT);
    assert!(taken.text.contains("Pessoa agent</strong> até 09:20"), "who, and until when: {}", taken.text);
    let queue = clinic.get(Role::Clinician, "/queue").await.text;
    assert!(!queue.contains("alguém precisa assumir agora") && queue.contains("Pessoa agent"), "{queue}");

    let acked = clinic.post(Role::Agent, &act("ack"), &[]).await;
    assert_eq!(acked.status, StatusCode::SEE_OTHER);
    let page = clinic.get(Role::Agent, &format!("/alerts/{}", clinic.alert)).await.text;
    assert!(page.contains("Pessoa agent respondeu") && page.contains("Desfazer reconhecimento"), "{page}");
    clinic.post(Role::Clinician, &act("unack"), &[]).await;
    let page = clinic.get(Role::Agent, &format!("/alerts/{}", clinic.alert)).await.text;
    assert!(page.contains("Desfez o reconhecimento") && page.contains("À espera de resposta"), "{page}");
}

#[actix_web::test]
async fn that_nobody_was_reached_is_told_only_where_the_level_may_be() {
    use consent::{Giver, Grant, Purpose};
    let clinic = Clinic::open();
    cycle(&clinic);
    clinic
        .post(Role::Agent, &format!("/alerts/{}/escalate", clinic.alert), &[("seen", &seen(&clinic))])
        .await;
    cycle(&clinic);
    let loud = ["Ninguém alcançado", "is-loud", "is-unreached"];
    let says = |page: &str| loud.iter().any(|word| page.contains(word));
    assert!(says(&clinic.get(Role::Clinician, "/queue").await.text));
    // The basis ends by time alone; the engine has not come round yet.
    let ends = clinic.state.now().plus(std::time::Duration::from_secs(1));
    let granted = |tx: &mut Tx<'_>| {
        let term = store::consents::terms::current(tx, Purpose::AlertEvaluate)?.remove(0);
        let hash = hex::decode(&term.text_sha256).unwrap().try_into().unwrap();
        let grant = Grant { valid_until: Some(ends.micros()), ..Grant::of(hash) };
        store::consents::grant(tx, clinic.patient, Purpose::AlertEvaluate, grant, &Giver::Subject.into())
    };
    clinic.state.store.write(Actor::Operator, clinic.state.now(), granted).unwrap();
    assert!(says(&clinic.get(Role::Clinician, "/queue").await.text), "still told");
    clinic.state.clock.advance(std::time::Duration::from_secs(2));
    for path in ["/queue".to_owned(), format!("/alerts/{}", clinic.alert)] {
        let page = clinic.get(Role::Clinician, &path).await.text;
        assert!(page.contains("Sem base legal") || page.contains("sem base legal"), "{path}: {page}");
        assert!(!says(&page), "{path}: {page}");
    }
}

/// Somebody took it while people could be called; then the patient took that back: it names nobody who would be.
#[actix_web::test]
async fn a_case_that_somebody_holds_plans_no_call_without_a_legal_basis() {
    for act in ["claim", "ack"] {
        let clinic = Clinic::open();
        cycle(&clinic);
        let path = format!("/alerts/{}", clinic.alert);
        clinic.post(Role::Agent, &format!("{path}/{act}"), &[]).await;
        let page = clinic.get(Role::Clinician, &path).await.text;
        assert!(page.contains("escalation-ahead") && page.contains("escalation-next"), "{act}: {page}");
        clinic.revoke(consent::Purpose::AlertEscalate);
        for path in [path.as_str(), "/queue"] {
            let page = clinic.get(Role::Clinician, path).await.text;
            assert!(page.contains("Sem base legal para chamar"), "{act}, {path}: {page}");
            for planned in ["escalation-ahead", "escalation-next", "row-step", "por volta de"] {
                assert!(!page.contains(planned), "{act}, {path}, {planned}: {page}");
            }
        }
    }
}

#[actix_web::test]
async fn of_a_case_that_went_back_its_page_says_whose_it_was_in_both_languages() {
    let clinic = Clinic::open();
    cycle(&clinic);
    let path = format!("/alerts/{}", clinic.alert);
    clinic.post(Role::Agent, &format!("{path}/claim"), &[]).await;
    let users = clinic.get(Role::Admin, "/users").await.text;
    for text in ["1 alerta está com esta pessoa", "volta à fila na hora", "deles é vermelho"] {
        assert!(users.contains(text), "{text}: {users}");
    }
    let agent = clinic.people[&Role::Agent];
    let reason = [("reason", "saiu da casa")];
    let blocked = clinic.post(Role::Admin, &format!("/users/{agent}/lock"), &reason).await;
    assert_eq!(blocked.status, StatusCode::OK, "{}", blocked.text);
    let sentence = "Pessoa agent não podia responder; o caso voltou à fila";
    let page = clinic.get(Role::Clinician, &path).await.text;
    assert!(page.contains(&format!("<p>{sentence}</p>")) && page.contains("data-given-back"), "{page}");
    let patient = clinic.get(Role::Clinician, &format!("/patients/{}", clinic.patient)).await.text;
    assert!(patient.contains(sentence), "{patient}");
    let english = TestRequest::get().uri(&path).insert_header(("accept-language", "en"));
    let page = clinic.send(Some(Role::Clinician), english).await.text;
    assert!(page.contains("Pessoa agent could not answer; the case is back in the queue"), "{page}");
    // A colleague takes it: the page goes on to say it, and not as what stands now.
    let taken = clinic.post(Role::Clinician, &format!("{path}/claim"), &[]).await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER, "{}", taken.text);
    let page = clinic.get(Role::Clinician, &path).await.text;
    assert!(page.contains(sentence) && !page.contains("data-given-back"), "{page}");
}

#[actix_web::test]
async fn a_red_that_the_same_two_held_too_often_says_so_on_queue_and_page_and_is_for_another() {
    let clinic = Clinic::open();
    cycle(&clinic);
    let by = |role: Role, what: Act| {
        let id = clinic.people[&role];
        let act = |tx: &mut Tx<'_>| {
            let acted = alerts::acted(tx, clinic.alert, id, what, None);
            acted.map(drop).map_err(|_refused| Error::Conflict("refused"))
        };
        clinic.state.store.write(Actor::User { id, role }, now(), act).unwrap();
    };
    let path = format!("/alerts/{}", clinic.alert);
    for turn in 0..8 {
        let queue = clinic.get(Role::Clinician, "/queue").await.text;
        assert!(!queue.contains("data-worn-out"), "turn {turn}: {queue}");
        let role = if turn % 2 == 0 { Role::Agent } else { Role::Clinician };
        by(role, Act::Ack);
        by(role, Act::Unack);
    }
    for page in ["/queue", &path] {
        let text = clinic.get(Role::Clinician, page).await.text;
        assert!(text.contains("data-worn-out") && text.contains("precisa de outra pessoa"), "{page}: {text}");
    }
    let refused = clinic.post(Role::Agent, &format!("{path}/claim"), &[]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
}
