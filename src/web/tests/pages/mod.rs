//! Every page for every role over a small clinic: what it says, what it must not show, what its forms do.

pub(crate) mod clinic;
pub(crate) mod lists;
pub(crate) mod shown;

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use consent::Purpose;

use clinic::{Clinic, now, shows_value};
use domain::{Can, PatientIdentity, Role};
use store::consents::{self, terms};
use store::patients::Details;
use store::patients::audience::Audience;
use store::{Ask, alerts, devices, patients};

pub(crate) const PEOPLE: [Role; 8] = [
    Role::Agent,
    Role::Technician,
    Role::Clinician,
    Role::Manager,
    Role::Auditor,
    Role::Dpo,
    Role::Admin,
    Role::Patient,
];

#[actix_web::test]
pub(crate) async fn every_page_opens_for_the_roles_of_its_right_and_for_nobody_else() {
    let clinic = Clinic::open();
    let pages = [
        ("/queue".to_owned(), vec![Can::SeeAlerts]),
        (format!("/alerts/{}", clinic.alert), vec![Can::SeeAlerts]),
        ("/patients".to_owned(), vec![Can::SeeContacts]),
        (format!("/patients/{}", clinic.patient), vec![Can::SeeContacts, Can::SeeConsents]),
        ("/devices".to_owned(), vec![Can::SeeDevices]),
        (format!("/devices/{}", clinic.device), vec![Can::SeeDevices]),
        (format!("/devices/{}/pairing", clinic.device), vec![Can::ManageDevices]),
        ("/audit".to_owned(), vec![Can::ReadAudit]),
        ("/status".to_owned(), vec![Can::SeeStatus]),
        ("/rules".to_owned(), vec![Can::SeeRules]),
        ("/policies".to_owned(), vec![Can::SeePolicies]),
        ("/policies/red_alert".to_owned(), vec![Can::SeePolicies]),
        ("/policies/red_alert?rehearse=1".to_owned(), vec![Can::SeePolicies]),
        ("/users".to_owned(), vec![Can::ManageUsers, Can::VouchForUsers]),
        ("/me".to_owned(), vec![Can::OwnThings]),
    ];
    for (path, rights) in pages {
        for role in PEOPLE {
            let seen = clinic.get(role, &path).await;
            if rights.iter().any(|right| right.held_by(role)) {
                assert_eq!(seen.status, StatusCode::OK, "{path} for {role:?}: {}", seen.text);
            } else {
                assert_eq!(seen.status, StatusCode::FORBIDDEN, "{path} for {role:?}");
                assert!(seen.text.contains("E_ROLE") && seen.text.contains("/logout"), "{path} for {role:?}");
            }
        }
        let nobody = clinic.send(None, TestRequest::get().uri(&path)).await;
        assert_eq!(nobody.status, StatusCode::SEE_OTHER, "{path}");
        assert!(nobody.to.starts_with("/login?next=/"), "{}", nobody.to);
    }
}

#[actix_web::test]
pub(crate) async fn a_value_is_on_the_pages_of_those_who_may_see_it_and_nowhere_else() {
    let clinic = Clinic::open();
    let (patient, alert) = (format!("/patients/{}", clinic.patient), format!("/alerts/{}", clinic.alert));
    for role in PEOPLE {
        let sees_latest = matches!(role, Role::Clinician | Role::Agent | Role::Technician);
        for (path, shown) in [("/queue", sees_latest), (alert.as_str(), sees_latest)] {
            let seen = clinic.get(role, path).await;
            assert_eq!(shows_value(&seen.text), shown, "{path} for {role:?}");
        }
        assert_eq!(shows_value(&clinic.get(role, &patient).await.text), role == Role::Clinician, "{role:?}");
        assert_eq!(shows_value(&clinic.get(role, "/me").await.text), role == Role::Patient, "{role:?}");
        for path in ["/audit", "/status", "/devices", "/patients"] {
            assert!(!shows_value(&clinic.get(role, path).await.text), "{path} for {role:?}");
        }
    }
}

#[actix_web::test]
pub(crate) async fn the_queue_speaks_the_readers_language() {
    let clinic = Clinic::open();
    let portuguese = clinic.get(Role::Clinician, "/queue").await.text;
    assert!(
        portuguese.contains("Maria Souza")
            && portuguese.contains("Frequência cardíaca acima de 120 bpm por 1 min"),
        "{portuguese}"
    );
    let english = TestRequest::get().uri("/queue").insert_header(("accept-language", "en"));
    let english = clinic.send(Some(Role::Clinician), english).await.text;
    assert!(
        english.contains("Maria Souza") && english.contains("Heart rate above 120 bpm for 1 min"),
        "{english}"
    );
    let agent = clinic.get(Role::Agent, "/queue").await.text;
    assert!(agent.contains("Taquicardia") && !agent.contains("61 leituras"), "{agent}");
}

#[actix_web::test]
pub(crate) async fn a_look_is_in_the_log_before_it_is_answered() {
    use store::privacy::accesses::{self, What};
    let clinic = Clinic::open();
    let covered = |viewer, what| {
        let actor = store::Actor::User { id: clinic.people[&viewer], role: viewer };
        let look = accesses::Look { patient: clinic.patient, what, refused: None };
        clinic.state.store.read(|view| accesses::is_covered(view, actor, look, now())).unwrap()
    };
    assert!(!covered(Role::Clinician, What::Readings));
    clinic.get(Role::Clinician, &format!("/patients/{}", clinic.patient)).await;
    for what in [What::Readings, What::Contacts, What::Consents, What::Alerts] {
        assert!(covered(Role::Clinician, what), "{what:?}");
    }
    clinic.get(Role::Admin, &format!("/patients/{}", clinic.patient)).await;
    assert!(!covered(Role::Admin, What::Readings) && covered(Role::Admin, What::Contacts));
    clinic.get(Role::Manager, "/queue").await;
    assert!(covered(Role::Manager, What::Alerts) && !covered(Role::Manager, What::Readings));
    // A look says what was shown: the page of a patient shows these two no reading, the queue shows the newest.
    for role in [Role::Agent, Role::Technician] {
        clinic.get(role, &format!("/patients/{}", clinic.patient)).await;
        assert!(covered(role, What::Alerts) && !covered(role, What::Readings), "{role:?}");
        let queue = clinic.get(role, "/queue").await.text;
        assert!(shows_value(&queue) && covered(role, What::Readings), "{role:?}");
    }
}

#[actix_web::test]
pub(crate) async fn a_revocation_leaves_the_sentence_with_day_and_article_and_no_value() {
    let clinic = Clinic::open();
    clinic.revoke(Purpose::AlertEvaluate);
    for (role, path) in [
        (Role::Clinician, format!("/patients/{}", clinic.patient)),
        (Role::Clinician, format!("/alerts/{}", clinic.alert)),
        (Role::Agent, format!("/alerts/{}", clinic.alert)),
    ] {
        let seen = clinic.get(role, &path).await;
        assert_eq!(seen.status, StatusCode::OK, "{path}");
        for hidden in ["tachycardia", "Taquicardia", "Vermelho", "chip-red"] {
            assert!(!seen.text.contains(hidden), "{path} for {role:?} still says {hidden}");
        }
        assert!(!shows_value(&seen.text), "{path} for {role:?} still shows a value");
        for text in ["sem base legal para exibir", "22/11", "LGPD art. 8 §5"] {
            assert!(seen.text.contains(text), "{path} for {role:?} does not say {text}");
        }
    }
    // What is stored about her is hers to see (LGPD art. 18 II), and no sentence says that nothing is stored.
    let mine = clinic.get(Role::Patient, "/me").await.text;
    assert!(shows_value(&mine) && mine.contains("as leituras são recebidas e guardadas"), "{mine}");
    let queue = clinic.get(Role::Clinician, "/queue").await.text;
    assert!(!queue.contains("Maria") && !shows_value(&queue), "the alert left the queue");
}

#[actix_web::test]
pub(crate) async fn acts_change_the_alert_and_a_claimed_one_names_its_owner() {
    let clinic = Clinic::open();
    let act = |name: &str| format!("/alerts/{}/{name}", clinic.alert);
    let stored = || clinic.state.store.read(|view| alerts::get(view, clinic.alert)).unwrap().case;
    let claimed = clinic.post(Role::Agent, &act("claim"), &[("back", "/queue")]).await;
    assert_eq!((claimed.status, claimed.to.as_str()), (StatusCode::SEE_OTHER, "/queue"));
    assert_eq!(stored().owner, Some(clinic.people[&Role::Agent]));

    let taken = clinic.post(Role::Clinician, &act("claim"), &[("back", "/queue")]).await;
    assert_eq!(taken.status, StatusCode::CONFLICT);
    assert!(taken.text.contains("E_CLAIMED") && taken.text.contains("Pessoa agent"), "{}", taken.text);
    let part = TestRequest::post().uri(&act("claim")).insert_header(("hx-request-type", "partial"));
    let part = clinic.send(Some(Role::Clinician), part.set_form([("back", "/queue")])).await;
    assert_eq!((part.status, part.retarget.as_str()), (StatusCode::CONFLICT, "#notice"));
    assert!(!part.text.contains("<html") && part.text.contains("Pessoa agent"));

    let silent = clinic.post(Role::Agent, &act("resolve"), &[("outcome", "true"), ("reason", " ")]).await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    let form = [("outcome", "true"), ("reason", "falei com a paciente"), ("back", "//evil.example")];
    let resolved = clinic.post(Role::Agent, &act("resolve"), &form).await;
    assert_eq!(resolved.to, format!("/alerts/{}", clinic.alert), "an address elsewhere is never followed");
    assert_eq!(stored().state, domain::AlertState::Resolved);
    let page = clinic.get(Role::Clinician, &resolved.to).await.text;
    assert!(page.contains("falei com a paciente") && page.contains("Pessoa agent"));
    assert_eq!(clinic.post(Role::Manager, &act("ack"), &[]).await.status, StatusCode::FORBIDDEN);
}

#[actix_web::test]
pub(crate) async fn a_grant_takes_the_text_that_was_shown_and_no_other() {
    let clinic = Clinic::open();
    let path = format!("/patients/{}/consents", clinic.patient);
    let purpose = Purpose::AlertEscalate;
    clinic.revoke(purpose);
    let mut texts = clinic.state.store.read(|view| terms::current(view, purpose)).unwrap();
    texts.retain(|text| text.lang.as_str() == "pt-BR");
    let term = texts.remove(0);
    let stale = "00".repeat(32);
    let form =
        |hash| [("purpose", purpose.as_str()), ("action", "grant"), ("term_sha256", hash), ("assisted", "1")];
    let refused = clinic.post(Role::Agent, &path, &form(&stale)).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text.contains("E_STALE_TERM"));
    let page = clinic.get(Role::Agent, &format!("/patients/{}", clinic.patient)).await.text;
    assert!(page.contains(&term.text_sha256), "the form sends back the hash of the text it shows");
    let granted = clinic.post(Role::Agent, &path, &form(&term.text_sha256)).await;
    assert_eq!(granted.status, StatusCode::SEE_OTHER, "{}", granted.text);
    let history = clinic.state.store.read(|view| {
        let patient = Audience::program().patient(view, clinic.patient)?;
        consents::history(view, patient, &Ask::default())
    });
    assert!(history.unwrap().items.iter().any(|entry| entry.event.purpose == purpose));
    let revoke = [("purpose", "telemetry.collect"), ("action", "revoke")];
    assert_eq!(clinic.post(Role::Technician, &path, &revoke).await.status, StatusCode::FORBIDDEN);
    let gone = clinic.post(Role::Patient, &path, &revoke).await;
    assert_eq!((gone.status, gone.to.as_str()), (StatusCode::SEE_OTHER, "/me#consents"));
}

#[actix_web::test]
pub(crate) async fn a_token_is_in_the_answer_that_made_it_and_in_no_other() {
    let clinic = Clinic::open();
    let path = format!("/devices/{}/pairing", clinic.device);
    let made = clinic.post(Role::Technician, &path, &[]).await;
    assert_eq!(made.status, StatusCode::OK);
    assert!(made.text.contains("eyJ") && made.text.contains("<svg"), "the token and its code");
    assert!(!clinic.get(Role::Technician, &path).await.text.contains("eyJ"));
    let gone = clinic
        .post(Role::Admin, &format!("/devices/{}/disable", clinic.device), &[("reason", "perdido")])
        .await;
    assert_eq!(gone.status, StatusCode::SEE_OTHER);
    let device = clinic.state.store.read(|view| devices::get(view, clinic.device)).unwrap();
    assert!(device.disabled_at.is_some());
}

#[actix_web::test]
pub(crate) async fn a_command_that_waits_is_taken_back_on_the_page_by_whoever_manages_devices() {
    use store::Actor;
    use store::devices::commands;
    let clinic = Clinic::open();
    let give = |body: &str| {
        let (now, body) = (clinic.state.now(), serde_json::from_str(body).unwrap());
        let given =
            |tx: &mut store::Tx<'_>| commands::insert(tx, clinic.device, &body, now.plus(commands::LASTS));
        clinic.state.store.write(Actor::Operator, now, given).unwrap()
    };
    let (one, other) = (give(r#"{"interval_s":30}"#), give(r#"{"interval_s":60}"#));
    let page = format!("/devices/{}", clinic.device);
    let form = |id| format!("action=\"{page}/commands/{id}/cancel\"");
    let seen = clinic.get(Role::Technician, &page).await.text;
    assert!(seen.contains(&form(one)) && seen.contains(&form(other)), "{seen}");
    assert!(seen.contains("Cancelar comando"), "{seen}");
    let cancel = format!("{page}/commands/{one}/cancel");
    for role in PEOPLE.into_iter().filter(|role| !Can::ManageDevices.held_by(*role)) {
        assert_eq!(clinic.post(role, &cancel, &[]).await.status, StatusCode::FORBIDDEN, "{role:?}");
    }
    assert_eq!(clinic.post(Role::Technician, &cancel, &[]).await.status, StatusCode::SEE_OTHER);
    let seen = clinic.get(Role::Technician, &page).await.text;
    assert!(
        !seen.contains(&form(one)) && seen.contains(&form(other)) && seen.contains("cancelado em"),
        "{seen}"
    );
    let foreign = format!("/devices/{}/commands/{other}/cancel", domain::DeviceId::new(now()));
    assert_eq!(clinic.post(Role::Technician, &foreign, &[]).await.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
pub(crate) async fn everyone_lands_at_their_work_and_preferences_come_back_to_this_site() {
    let clinic = Clinic::open();
    for role in PEOPLE {
        let home = clinic.get(role, "/").await;
        assert_eq!(home.status, StatusCode::SEE_OTHER);
        assert_eq!(clinic.get(role, &home.to).await.status, StatusCode::OK, "{role:?} lands at {}", home.to);
    }
    assert_eq!(clinic.send(None, TestRequest::get().uri("/login")).await.status, StatusCode::OK);
    let away = clinic
        .post(Role::Agent, "/preferences", &[("theme", "dark"), ("back", "https://evil.example")])
        .await;
    assert_eq!((away.status, away.to.as_str()), (StatusCode::SEE_OTHER, "/"));
    let out = clinic.post(Role::Agent, "/logout", &[]).await;
    assert_eq!(out.to, "/login");
    assert_eq!(clinic.get(Role::Agent, "/queue").await.status, StatusCode::SEE_OTHER, "the session ended");
}

#[actix_web::test]
pub(crate) async fn a_one_time_link_sets_a_password_once_and_ends_the_sessions() {
    use store::people::links::Purpose::Password;
    use store::people::links::{self, PASSWORD_LIFE};
    let clinic = Clinic::open();
    let agent = clinic.people[&Role::Agent];
    let actor = store::Actor::System("test");
    let link = clinic.state.store.write(actor, now(), |tx| links::insert(tx, agent, Password, PASSWORD_LIFE));
    let secret = link.unwrap().reveal().to_owned();
    let path = format!("/password/{secret}");
    let post = |path: &str, again: &str| {
        let form = [("password", "cavalo correto bateria"), ("again", again)];
        clinic.send(None, TestRequest::post().uri(path).set_form(form))
    };
    for _look in 0..2 {
        let form = clinic.send(None, TestRequest::get().uri(&path)).await;
        assert!(form.status == StatusCode::OK && form.text.contains("name=\"again\""), "{}", form.text);
    }
    let differ = post(&path, "outra coisa qualquer").await;
    assert_eq!(differ.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(differ.text.contains("As duas entradas"), "{}", differ.text);
    let set = post(&path, "cavalo correto bateria").await;
    assert_eq!((set.status, set.to.as_str()), (StatusCode::SEE_OTHER, "/login"), "{}", set.text);
    assert_eq!(clinic.get(Role::Agent, "/queue").await.status, StatusCode::SEE_OTHER, "the session ended");
    let stored = clinic.state.store.read(|view| store::people::users::account(view, agent)).unwrap();
    assert!(domain::people::password::verify("cavalo correto bateria", &stored.password.unwrap()));
    for dead in [path.as_str(), "/password/unknown"] {
        let again = post(dead, "cavalo correto bateria").await;
        assert_eq!(again.status, StatusCode::NOT_FOUND, "{dead}");
        assert!(again.text.contains("Este link não vale") && !again.text.contains("name=\"again\""));
    }
}

#[actix_web::test]
pub(crate) async fn an_end_in_the_past_is_asked_again_with_what_it_takes_from_the_patient() {
    let clinic = Clinic::open();
    let path = format!("/devices/{}", clinic.device);
    // Half of the minute of readings, on a clock in São Paulo.
    let at = chrono::DateTime::from_timestamp(store::testing::NOW.secs() + 330 - 3 * 3_600, 0).unwrap();
    let at = at.format("%Y-%m-%dT%H:%M:%S").to_string();
    let form = [("reason", "trocou de paciente"), ("at", at.as_str())];
    let nobodys = clinic.post(Role::Technician, &format!("{path}/unbind"), &form).await;
    assert_eq!(nobodys.status, StatusCode::UNPROCESSABLE_ENTITY, "whose binding is meant is said");
    let other = Details {
        identity: PatientIdentity {
            name: "José Carlos Lima".parse().unwrap(),
            birth_date: chrono::NaiveDate::from_ymd_opt(1958, 2, 3).unwrap(),
            cpf: None,
            cns: None,
            email: None,
            phone: None,
        },
        zone: "America/Sao_Paulo".to_owned(),
        language: "pt-BR".to_owned(),
    };
    let registered = |tx: &mut store::Tx<'_>| patients::insert(tx, &other);
    let other = clinic.state.store.write(store::Actor::Operator, clinic.state.now(), registered).unwrap();
    let (patient, other) = (clinic.patient.to_string(), other.id.to_string());
    let stale = [&form[..], &[("patient_id", other.as_str()), ("sure", "1")]].concat();
    let stale = clinic.post(Role::Technician, &format!("{path}/unbind"), &stale).await;
    assert_eq!(stale.status, StatusCode::CONFLICT, "the device is somebody else's by now");
    let form = [&form[..], &[("patient_id", patient.as_str())]].concat();
    let asked = clinic.post(Role::Technician, &format!("{path}/unbind"), &form).await;
    assert_eq!(asked.status, StatusCode::CONFLICT);
    assert!(asked.text.contains("30 leituras") && asked.text.contains("name=\"sure\""), "{}", asked.text);
    // As a word: an id may hold the digits.
    let mut words =
        asked.text.split(|letter: char| !letter.is_alphanumeric() && letter != '-' && letter != '_');
    assert!(words.all(|word| word != "137"), "no value is in it");
    let sure = [&form[..], &[("sure", "1")]].concat();
    let done = clinic.post(Role::Technician, &format!("{path}/unbind"), &sure).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let page = clinic.get(Role::Technician, &path).await.text;
    assert!(page.contains("Leituras que mudaram de dono") && page.contains("Em andamento."), "{page}");
    assert!(!clinic.get(Role::Clinician, &path).await.text.contains("Leituras que mudaram de dono"));
}
