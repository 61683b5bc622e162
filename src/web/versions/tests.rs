//! Settings stored in versions as pages: each is begun or changed by one person, put in force by another, and a mistake
//! stands at its field beside what was typed.

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;

use crate::tests::pages::clinic::{Clinic, Seen, now};
use domain::Role;
use domain::calendars::Calendar;
use domain::escalation::Policy;
use domain::sla::{self, ServiceLevel, Target};
use domain::templates::seeds::seeds as templates;
use domain::templates::{self as template, Template};
use store::versions::{self, Version, Versioned};

type Pairs<'a> = Vec<(&'a str, &'a str)>;

/// The clinic with what every installation starts with.
fn clinic() -> Clinic {
    let clinic = Clinic::open();
    let done = clinic.state.store.write(store::Actor::System("test"), now(), |tx| {
        for (id, calendar) in sla::calendars() {
            versions::seed(tx, id, &calendar)?;
        }
        for (id, level) in sla::seeds() {
            versions::seed(tx, id, &level)?;
        }
        for template in templates() {
            versions::seed(tx, &template.id.clone(), &template)?;
        }
        Ok(())
    });
    done.unwrap();
    clinic
}

async fn post(clinic: &Clinic, role: Role, path: &str, pairs: &Pairs<'_>) -> Seen {
    clinic.send(Some(role), TestRequest::post().uri(path).set_form(pairs)).await
}

fn stored<T: Versioned>(clinic: &Clinic, id: &str) -> Option<Version<T>> {
    clinic.state.store.read(|view| versions::in_force::<T>(view, id, now())).unwrap()
}

/// With a field's value in place of another.
fn with<'a>(pairs: &Pairs<'a>, name: &str, value: &'a str) -> Pairs<'a> {
    pairs.iter().map(|(key, old)| (*key, if *key == name { value } else { *old })).collect()
}

/// One person proposed the version: its author cannot approve it, another can, and nobody twice.
async fn needs_two(clinic: &Clinic, path: &str, version: &str, author: Role, second: Role) {
    let own = clinic.get(author, path).await.text;
    assert!(own.contains("Quem propôs não aprova"), "{own}");
    let refused = post(clinic, author, &format!("{path}/approve"), &vec![("version", version)]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.text.contains("E_FOUR_EYES"), "{}", refused.text);
    let page = clinic.get(second, path).await.text;
    assert!(page.contains(&format!("Aprovar e pôr em vigor a v{version}")), "{page}");
    let done = post(clinic, second, &format!("{path}/approve"), &vec![("version", version)]).await;
    assert_eq!((done.status, done.to), (StatusCode::SEE_OTHER, format!("{path}#history")));
    let late = post(clinic, second, &format!("{path}/refuse"), &vec![("version", version)]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    let history = clinic.get(Role::Auditor, path).await.text;
    for who in [author, second] {
        assert!(history.contains(&format!("Pessoa {}", who.name())), "{history}");
    }
    assert!(!history.contains("id=\"editor\""), "an auditor changes nothing");
}

#[actix_web::test]
async fn the_tabs_lead_to_every_kind_and_the_lists_open_to_who_may_see_them() {
    let clinic = clinic();
    for path in ["/policies", "/service-levels", "/calendars", "/message-templates"] {
        let seen = clinic.get(Role::Agent, path).await;
        assert_eq!(seen.status, StatusCode::OK, "{path}");
        for tab in ["/policies", "/service-levels", "/calendars", "/message-templates"] {
            let here = if tab == path { " aria-current=\"page\">" } else { ">" };
            assert!(seen.text.contains(&format!("href=\"{tab}\"{here}")), "{tab} on {path}");
        }
        assert!(!seen.text.contains("id=\"begin\""), "an agent begins nothing on {path}");
        assert_eq!(clinic.get(Role::Patient, path).await.status, StatusCode::FORBIDDEN);
    }
    for (path, role) in [("/calendars", Role::Admin), ("/service-levels", Role::Clinician)] {
        assert!(clinic.get(role, path).await.text.contains("id=\"begin\""), "{role:?} at {path}");
    }
    assert!(!clinic.get(Role::Manager, "/message-templates").await.text.contains("id=\"begin\""));
}

#[actix_web::test]
async fn a_new_policy_is_begun_by_its_id_and_waits_for_a_second_person() {
    let clinic = clinic();
    for (id, what) in [("Noturno!", "De 1 a 64 letras"), ("red_alert", "Já existe")] {
        let seen = post(&clinic, Role::Clinician, "/policies", &vec![("id", id)]).await;
        assert_eq!(seen.status, StatusCode::OK);
        assert!(seen.text.contains(what) && seen.text.contains(&format!("value=\"{id}\"")), "{}", seen.text);
    }
    let begun = post(&clinic, Role::Clinician, "/policies", &vec![("id", "noturno")]).await;
    assert_eq!((begun.status, begun.to.as_str()), (StatusCode::SEE_OTHER, "/policies/noturno?new=1"));
    let editor = clinic.get(Role::Clinician, &begun.to).await.text;
    assert!(editor.contains("name=\"seen\" value=\"0\"") && editor.contains("id=\"s1-minutes\""), "{editor}");
    assert_eq!(clinic.get(Role::Clinician, "/policies/noturno").await.status, StatusCode::NOT_FOUND);
    assert_eq!(clinic.get(Role::Agent, &begun.to).await.status, StatusCode::NOT_FOUND);
    let form = vec![
        ("act", "propose"),
        ("seen", "0"),
        ("steps", "1"),
        ("name_pt", "Noturno"),
        ("name_en", ""),
        ("starts_after", "0"),
        ("repeat", "0"),
        ("acknowledged_for", ""),
        ("s1-target", "role:clinician"),
        ("s1-minutes", "5"),
        ("s1-skip", "1"),
        ("s0-target", "role:manager"),
        ("s0-minutes", "5"),
    ];
    let path = "/policies/noturno";
    let wrong = post(&clinic, Role::Clinician, path, &form).await;
    assert!(wrong.text.contains("id=\"name_en-wrong\"") && wrong.text.contains("value=\"Noturno\""));
    let form = with(&form, "name_en", "Night");
    let made = post(&clinic, Role::Clinician, path, &form).await;
    assert_eq!(made.to, "/policies/noturno#proposal-1", "{}", made.text);
    assert!(stored::<Policy>(&clinic, "noturno").is_none());
    let other = post(&clinic, Role::Manager, path, &form).await;
    assert!(other.text.contains("E_PRECONDITION"), "somebody was faster");
    needs_two(&clinic, path, "1", Role::Clinician, Role::Manager).await;
    assert_eq!(stored::<Policy>(&clinic, "noturno").unwrap().body.name.en, "Night");
}

fn service_level<'a>(act: &'a str, count: &'a str) -> Pairs<'a> {
    vec![
        ("act", "check"),
        ("seen", "1"),
        ("name_pt", "Vermelho em 15"),
        ("name_en", "Red in 15"),
        ("level", "red"),
        ("metric", "first_response"),
        ("count", count),
        ("unit", "minutes"),
        ("calendar", "always"),
        ("on_breach", "red_alert"),
        ("act", act),
    ]
}

#[actix_web::test]
async fn a_service_level_is_proposed_by_one_and_put_in_force_by_another() {
    let clinic = clinic();
    let path = "/service-levels/red_first_response";
    assert!(clinic.get(Role::Agent, path).await.text.contains("Um alerta que chegasse agora teria até"));
    let wrong = post(&clinic, Role::Manager, path, &service_level("propose", "logo")).await;
    assert_eq!(wrong.status, StatusCode::OK);
    assert!(wrong.text.contains("value=\"logo\" aria-invalid=\"true\" aria-describedby=\"count-wrong\""));
    assert!(wrong.text.contains("de 1 minuto a 366 dias") && wrong.text.contains("value=\"Vermelho em 15\""));
    let gone = with(&service_level("propose", "15"), "calendar", "gone");
    let gone = post(&clinic, Role::Manager, path, &gone).await;
    assert!(gone.text.contains("id=\"calendar-wrong\""), "{}", gone.text);
    let last = with(&service_level("propose", "15"), "level", "yellow");
    let last = post(&clinic, Role::Manager, path, &last).await;
    assert!(last.text.contains("pediria a primeira resposta a um alerta vermelho"), "{}", last.text);
    let checked = post(&clinic, Role::Manager, path, &service_level("check", "15")).await;
    assert!(checked.text.contains("15 min, dia e noite") && checked.text.contains("id=\"drafted-h\""));
    let made = post(&clinic, Role::Manager, path, &service_level("propose", "15")).await;
    assert_eq!(made.to, format!("{path}#proposal-2"), "{}", made.text);
    let list = clinic.get(Role::Clinician, "/service-levels").await.text;
    assert!(list.contains("Vermelho em 15 · v2") && list.contains("Pessoa manager"), "{list}");
    needs_two(&clinic, path, "2", Role::Manager, Role::Clinician).await;
    let stored = stored::<ServiceLevel>(&clinic, "red_first_response").unwrap();
    assert_eq!((stored.version, stored.body.target), (2, Target::Minutes(15)));
}

#[actix_web::test]
async fn a_new_service_level_may_be_refused_by_a_second_person() {
    let clinic = clinic();
    let begun = post(&clinic, Role::Clinician, "/service-levels", &vec![("id", "red_fast")]).await;
    assert_eq!(begun.to, "/service-levels/red_fast?new=1");
    assert!(clinic.get(Role::Clinician, &begun.to).await.text.contains("Novo prazo"));
    let form = with(&service_level("propose", "5"), "seen", "0");
    let made = post(&clinic, Role::Clinician, "/service-levels/red_fast", &form).await;
    assert_eq!(made.to, "/service-levels/red_fast#proposal-1", "{}", made.text);
    let refuse = "/service-levels/red_fast/refuse";
    let done = post(&clinic, Role::Manager, refuse, &vec![("version", "1")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let page = clinic.get(Role::Manager, "/service-levels/red_fast").await.text;
    assert!(page.contains("Recusada") && page.contains("Nenhuma versão está em vigor"), "{page}");
    assert!(stored::<ServiceLevel>(&clinic, "red_fast").is_none());
    let bad = post(&clinic, Role::Manager, "/service-levels/Bad%20Id", &form).await;
    assert_eq!(bad.status, StatusCode::NOT_FOUND, "an address cannot name what an id may not");
}

fn week<'a>(act: &'a str, wednesday: &'a str, own_hours: &'a str) -> Pairs<'a> {
    const OFFICE: &str = "08:00-12:00 13:00-18:00";
    vec![
        ("act", "check"),
        ("seen", "1"),
        ("zone", "America/Sao_Paulo"),
        ("state", "SP"),
        ("city", "3550308"),
        ("h0", OFFICE),
        ("h1", OFFICE),
        ("h2", wednesday),
        ("h3", OFFICE),
        ("h4", OFFICE),
        ("h5", ""),
        ("h6", ""),
        ("rows", "2"),
        ("x0-date", "2026-12-24"),
        ("x0-label", "Véspera de Natal"),
        ("x0-hours", own_hours),
        ("x1-date", ""),
        ("x1-label", ""),
        ("x1-hours", ""),
        ("act", act),
    ]
}

#[actix_web::test]
async fn a_calendar_shows_the_days_ahead_and_changes_at_once() {
    let clinic = clinic();
    let path = "/calendars/clinic";
    let page = clinic.get(Role::Agent, path).await.text;
    for text in ["08:00–12:00, 13:00–18:00", "municipal", "Corpus Christi", "Natal", "Próximos 30 dias"]
    {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains("id=\"editor\""), "an agent sees, and changes nothing");
    assert_eq!(
        post(&clinic, Role::Clinician, path, &week("save", "", "")).await.status,
        StatusCode::FORBIDDEN
    );
    let wrong = post(&clinic, Role::Manager, path, &week("save", "13:00-12:00", "manhã")).await;
    assert_eq!(wrong.status, StatusCode::OK);
    assert!(wrong.text.contains("value=\"13:00-12:00\" aria-invalid=\"true\""), "{}", wrong.text);
    assert!(wrong.text.contains("termina antes de começar") && wrong.text.contains("id=\"x0-hours-wrong\""));
    assert!(wrong.text.contains("value=\"Véspera de Natal\"") && wrong.text.contains("value=\"manhã\""));
    let checked = post(&clinic, Role::Manager, path, &week("check", "08:00-12:00", "08:00-11:00")).await;
    assert!(checked.text.contains("id=\"drafted-h\"") && checked.text.contains("08:00–11:00"));
    assert_eq!(stored::<Calendar>(&clinic, "clinic").unwrap().version, 1, "looked at, not put in force");
    let saved = post(&clinic, Role::Manager, path, &week("save", "08:00-12:00", "08:00-11:00")).await;
    assert_eq!((saved.status, saved.to.as_str()), (StatusCode::SEE_OTHER, path), "{}", saved.text);
    let calendar = stored::<Calendar>(&clinic, "clinic").unwrap();
    assert_eq!((calendar.version, calendar.body.exceptions.len()), (2, 1));
    // No service level is emptied: one to reds by opening hours, any by a calendar that never opens.
    let shut = post(&clinic, Role::Manager, "/calendars/always", &week("save", "", "")).await;
    assert_eq!(shut.status, StatusCode::OK);
    assert!(shut.text.contains("é de alertas vermelhos e conta com este calendário"), "{}", shut.text);
    assert_eq!(stored::<Calendar>(&clinic, "always").unwrap().version, 1);
    let stale = post(&clinic, Role::Admin, path, &week("save", "", "")).await;
    assert!(stale.text.contains("E_PRECONDITION") && stale.text.contains("value=\"Véspera de Natal\""));
    let page = clinic.get(Role::Manager, path).await.text;
    assert!(page.contains("deste calendário") && page.contains("Pessoa manager"), "{page}");
}

#[actix_web::test]
async fn a_new_calendar_is_in_force_once_it_is_written() {
    let clinic = clinic();
    let begun = post(&clinic, Role::Admin, "/calendars", &vec![("id", "noite")]).await;
    assert_eq!(begun.to, "/calendars/noite?new=1");
    let form = clinic.get(Role::Admin, &begun.to).await.text;
    assert!(form.contains("value=\"08:00-12:00 13:00-18:00\"") && form.contains("value=\"BR\" selected"));
    let sent = with(&week("save", "", "08:00-11:00"), "seen", "0");
    let saved = post(&clinic, Role::Admin, "/calendars/noite", &sent).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    assert_eq!(stored::<Calendar>(&clinic, "noite").unwrap().version, 1);
}

fn message<'a>(act: &'a str, subject: &'a str, text: &'a str) -> Pairs<'a> {
    vec![
        ("act", "check"),
        ("seen", "1"),
        ("name-pt", "Chamado"),
        ("name-en", "Page"),
        ("subject-pt", subject),
        ("subject-en", "Zelo: somebody waits"),
        ("text-pt", text),
        ("text-en", "Since {since}: {link}"),
        ("act", act),
    ]
}

#[actix_web::test]
async fn a_template_that_tells_too_much_is_refused_by_field_and_word_and_one_that_does_not_needs_two() {
    let clinic = clinic();
    let path = "/message-templates/page";
    let page = clinic.get(Role::Agent, path).await.text;
    assert!(page.contains("Há um caso esperando por você desde") && !page.contains("{since}"), "{page}");
    let telling = message("propose", "Alerta vermelho", "Glicose desde {since}: {link}");
    let wrong = post(&clinic, Role::Dpo, path, &telling).await;
    assert_eq!(wrong.status, StatusCode::OK);
    for text in [
        "value=\"Alerta vermelho\" aria-invalid=\"true\" aria-describedby=\"subject-pt-wrong\"",
        "\u{0022}vermelh…\u{0022} revela a cor de um alerta",
        "id=\"text-pt-wrong\"",
        "revela um sinal vital",
        "Glicose desde {since}: {link}</textarea>",
    ] {
        let shown = wrong.text.replace("&#34;", "\"");
        assert!(shown.contains(text), "{text}: {shown}");
    }
    let fine = message("propose", "Zelo: alguém espera", "Desde {since}: {link}");
    let made = post(&clinic, Role::Dpo, path, &fine).await;
    assert_eq!(made.to, format!("{path}#proposal-2"), "{}", made.text);
    needs_two(&clinic, path, "2", Role::Dpo, Role::Manager).await;
    let stored = stored::<Template>(&clinic, "page").unwrap();
    assert_eq!(stored.body.text.of(template::Lang::Pt), "Desde {since}: {link}\n");
    assert_eq!((stored.version, stored.body.version), (2, 2));
    let none = post(&clinic, Role::Dpo, "/message-templates/other", &fine).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND, "what messages there are is the program's");
}
