//! Around a schedule: what it needs, teams, people on duty with certificate, capacity and reach.

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;

use crate::tests::pages::clinic::{Clinic, Seen, now};
use domain::messages::Channel;
use domain::on_call::Team;
use domain::{Can, Instant, Role};
use store::escalation::paging;
use store::{Actor, on_call, versions};

fn opened() -> Clinic {
    let clinic = Clinic::open();
    clinic.state.store.write(Actor::System("test"), now(), on_call::seed).unwrap();
    clinic
}

/// As the script sends a form: a refusal comes back as the part that names the field.
async fn typed(clinic: &Clinic, path: &str, form: &[(&str, &str)]) -> Seen {
    let sent = TestRequest::post().uri(path).insert_header(("x-zelo-form", "1")).set_form(form);
    clinic.send(Some(Role::Manager), sent).await
}

#[actix_web::test]
async fn the_pages_around_a_schedule_open_for_who_sees_schedules_and_their_forms_for_who_keeps_them() {
    let clinic = opened();
    let person = format!("/on-duty/{}", clinic.people[&Role::Clinician]);
    for role in crate::tests::pages::PEOPLE {
        let status = if Can::SeeSchedules.held_by(role) { StatusCode::OK } else { StatusCode::FORBIDDEN };
        for path in ["/teams", "/on-duty", person.as_str()] {
            let seen = clinic.get(role, path).await;
            assert_eq!(seen.status, status, "{path} for {role:?}");
            let keeps = Can::ManageSchedules.held_by(role);
            assert_eq!(seen.text.contains("data-inline"), keeps && path != "/on-duty", "{path} for {role:?}");
        }
    }
    for path in ["/teams", "/schedules", "/schedules/duty_manager/need", &format!("{person}/capacity")] {
        assert_eq!(clinic.post(Role::Agent, path, &[]).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let tabs = clinic.get(Role::Agent, "/schedules").await.text;
    assert!(tabs.contains("href=\"/teams\"") && tabs.contains("href=\"/on-duty\""), "{tabs}");
}

#[actix_web::test]
async fn a_schedule_is_made_and_says_its_zone_and_what_it_needs() {
    let clinic = opened();
    let form =
        [("id", "night"), ("pt", "Noite"), ("en", "Night"), ("zone", "America/Manaus"), ("hours", "48")];
    let with = |name: &'static str, value: &'static str| {
        let mut form = form;
        form.iter_mut().filter(|(key, _)| *key == name).for_each(|(_, old)| *old = value);
        form
    };
    for (name, value, says) in [
        ("id", "Night!", "Use de 1 a 64"),
        ("id", "duty_manager", "já existe"),
        ("zone", "Amazonas", "America/Sao_Paulo"),
        ("hours", "0", "1 a 168"),
        ("en", " ", "Escreva o nome"),
    ] {
        let refused = typed(&clinic, "/schedules", &with(name, value)).await;
        let field = format!("data-field=\"{name}\"");
        assert!(refused.text.contains(&field) && refused.text.contains(says), "{name}: {}", refused.text);
    }
    let made = clinic.post(Role::Manager, "/schedules", &form).await;
    assert_eq!((made.status, made.to.as_str()), (StatusCode::SEE_OTHER, "/schedules/night"), "{}", made.text);
    let page = clinic.get(Role::Agent, "/schedules/night").await.text;
    assert!(page.contains("Horários de America/Manaus") && page.contains("até 48 h"), "{page}");
    assert!(!page.contains("certificado válido"), "it needs none");

    let path = "/schedules/night/need";
    let mut change = vec![("version", "1"), ("certificate", "1")];
    change.extend(with("zone", "America/Sao_Paulo").into_iter().skip(1));
    assert_eq!(clinic.post(Role::Manager, path, &change).await.status, StatusCode::SEE_OTHER);
    let page = clinic.get(Role::Agent, "/schedules/night").await.text;
    assert!(page.contains("Horários de America/Sao_Paulo") && page.contains("certificado válido"), "{page}");
    let stale = clinic.post(Role::Manager, path, &change).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED, "{}", stale.text);
}

#[actix_web::test]
async fn a_team_is_made_gains_and_loses_people_and_an_older_form_changes_nothing() {
    let clinic = opened();
    let who = |role: Role| clinic.people[&role].to_string();
    let (ana, bia, maria) = (who(Role::Clinician), who(Role::Agent), who(Role::Patient));
    let form = |id: &'static str, version: &'static str, members: &[&str]| -> Vec<(String, String)> {
        let head = [("id", id), ("version", version), ("pt", "Enfermagem"), ("en", "Nurses")];
        let members = members.iter().map(|id| ("members", *id));
        head.into_iter().chain(members).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    let send = |path: &'static str, form: Vec<(String, String)>| {
        let clinic = &clinic;
        async move {
            let form: Vec<(&str, &str)> =
                form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            typed(clinic, path, &form).await
        }
    };
    let members = || -> Vec<String> {
        let stored =
            clinic.state.store.read(|view| versions::in_force::<Team>(view, "nurses", now())).unwrap();
        stored.unwrap().body.members.iter().map(ToString::to_string).collect()
    };
    let foreign = send("/teams", form("nurses", "0", &[&maria])).await;
    assert!(
        foreign.text.contains("data-field=\"members\"") && foreign.text.contains("possam entrar"),
        "{}",
        foreign.text
    );
    assert_eq!(send("/teams", form("nurses", "0", &[&ana, &bia])).await.status, StatusCode::NO_CONTENT);
    assert_eq!(members(), [ana.clone(), bia.clone()]);
    let twice = send("/teams", form("nurses", "0", &[&ana])).await;
    assert!(twice.text.contains("data-field=\"id\"") && twice.text.contains("já existe"), "{}", twice.text);
    assert_eq!(send("/teams/nurses", form("", "1", &[&bia])).await.status, StatusCode::NO_CONTENT);
    let page = clinic.get(Role::Agent, "/teams").await.text;
    assert!(page.contains("Enfermagem") && page.contains("Pessoa agent") && page.contains("v2"), "{page}");
    assert!(!page.contains("Pessoa clinician"), "she left the team");
    assert_eq!(send("/teams/nurses", form("", "1", &[&ana])).await.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(send("/teams/doctors", form("", "1", &[&ana])).await.status, StatusCode::NOT_FOUND);
    assert_eq!(members(), [bia]);
}

#[actix_web::test]
async fn a_person_on_duty_has_a_certificate_a_capacity_and_channels_that_reach_again() {
    let clinic = opened();
    let user = clinic.people[&Role::Clinician];
    let path = format!("/on-duty/{user}");
    let act = |name: &str| format!("{path}/{name}");
    let store = &clinic.state.store;
    store
        .write(Actor::System("test"), now(), |tx| {
            paging::send_e_mail(tx, true)?;
            on_call::mark_unreachable(tx, user, Channel::Email, "bounced")
        })
        .unwrap();
    let list = clinic.get(Role::Agent, "/on-duty").await.text;
    for text in [
        "Pessoa clinician",
        "E-mail não alcança",
        "Só o painel aberto",
        "Nenhum anotado",
        "0 de 10",
        "1 para vermelho, 0 em uso",
    ] {
        assert!(list.contains(text), "{text}: {list}");
    }
    for (name, field, value, says) in [
        ("certificate", "day", "amanhã", "Escolha um dia"),
        ("certificate", "number", "", "deixe os dois em branco"),
        ("capacity", "most", "501", "0 a 500"),
        ("reached", "channel", "pigeon", "E_INVALID"),
    ] {
        let mut form = vec![(field, value)];
        form.extend(
            [("day", "2026-12-31"), ("council", "COREN-SP")].into_iter().filter(|(key, _)| *key != field),
        );
        let refused = typed(&clinic, &act(name), &form).await;
        let marked = format!("data-field=\"{field}\"");
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(refused.text.contains(&marked) && refused.text.contains(says), "{name}: {}", refused.text);
    }
    for (name, form) in [
        ("certificate", ("day", "2026-12-31")),
        ("capacity", ("most", "1")),
        ("reached", ("channel", "email")),
    ] {
        let done = clinic
            .post(Role::Manager, &act(name), &[form, ("council", "COREN-SP"), ("number", "123456-ENF")])
            .await;
        assert_eq!(
            (done.status, done.to.as_str()),
            (StatusCode::SEE_OTHER, path.as_str()),
            "{name}: {}",
            done.text
        );
    }
    let certificate = store.read(|view| on_call::certificate(view, user)).unwrap().unwrap();
    let first = Instant::parse("2027-01-01T03:00:00Z").unwrap();
    assert_eq!(certificate.valid_until, first, "the whole last day, in São Paulo");
    let page = clinic.get(Role::Manager, &path).await.text;
    for text in [
        "válido até 31/12",
        "COREN-SP 123456-ENF",
        "Pessoa manager",
        "0 de 1 · só vermelho · 1 para vermelho",
        "Painel, E-mail",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(page.contains("value=\"2026-12-31\""), "the form begins with what is held");
    clinic.post(Role::Manager, &act("uncertify"), &[]).await;
    assert!(clinic.get(Role::Agent, &path).await.text.contains("venceu em 22/11"));
    let gone = format!("/on-duty/{}", clinic.people[&Role::Patient]);
    assert_eq!(clinic.get(Role::Manager, &gone).await.status, StatusCode::NOT_FOUND, "no member of staff");
}
