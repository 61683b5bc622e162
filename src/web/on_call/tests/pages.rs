//! The pages of schedules: what they say, what their forms do without a script, who may.

use actix_web::http::StatusCode;

use crate::tests::pages::clinic::{Clinic, now};
use domain::{Role, UserId};
use store::{Actor, on_call};

const PATH: &str = "/schedules/clinician_on_call";

fn opened() -> Clinic {
    let clinic = Clinic::open();
    clinic.state.store.write(Actor::System("test"), now(), on_call::seed).unwrap();
    clinic
}

fn version(clinic: &Clinic) -> u32 {
    clinic.state.store.read(|view| on_call::get(view, "clinician_on_call", now())).unwrap().version
}

#[actix_web::test]
async fn an_empty_schedule_is_loud_and_a_rotation_by_form_makes_it_quiet() {
    let clinic = opened();
    let list = clinic.get(Role::Agent, "/schedules").await.text;
    assert!(list.contains("Clínico de plantão") && list.contains("Lacuna"), "{list}");
    assert!(list.contains("Ninguém de plantão"));
    let page = clinic.get(Role::Manager, PATH).await.text;
    assert!(page.contains("class=\"strip\"") && page.contains("aria-current=\"date\""), "{page}");
    let clinician: UserId = clinic.people[&Role::Clinician];
    let (seen, who) = (version(&clinic).to_string(), clinician.to_string());
    let form = [
        ("version", seen.as_str()),
        ("name", "Semana"),
        ("starts", "2026-11-16T08:00"),
        ("n1", "1"),
        ("u1", "weeks"),
        ("person", who.as_str()),
        ("person", ""),
    ];
    let refused = clinic.post(Role::Agent, &format!("{PATH}/rotation"), &form).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let done = clinic.post(Role::Manager, &format!("{PATH}/rotation"), &form).await;
    assert_eq!((done.status, done.to.as_str()), (StatusCode::SEE_OTHER, PATH), "{}", done.text);
    let stale = clinic.post(Role::Manager, &format!("{PATH}/rotation"), &form).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let page = clinic.get(Role::Agent, PATH).await.text;
    assert!(page.contains("Pessoa clinician") && page.contains("rodízio Semana"), "{page}");
    assert!(page.contains("strip-gaps") && page.contains("00:00–09:10"), "nobody, until it was in force");
    assert!(page.contains("Ninguém com certificado"));
    let week = format!("{PATH}?from=2026-11-23");
    assert!(!clinic.get(Role::Agent, &week).await.text.contains("strip-gaps"));
    assert!(!page.contains("/rotation\""), "an agent changes nothing");
    let seen = version(&clinic).to_string();
    let backwards = [("version", seen.as_str()), ("from", "2026-11-24T20:00"), ("to", "2026-11-24T08:00")];
    let backwards = clinic.post(Role::Manager, &format!("{PATH}/override"), &backwards).await;
    assert_eq!(backwards.status, StatusCode::UNPROCESSABLE_ENTITY);
    let over = [
        ("version", seen.as_str()),
        ("from", "2026-11-24T08:00"),
        ("to", "2026-11-24T20:00"),
        ("remove", who.as_str()),
    ];
    assert_eq!(
        clinic.post(Role::Admin, &format!("{PATH}/override"), &over).await.status,
        StatusCode::SEE_OTHER
    );
    let page = clinic.get(Role::Agent, &week).await.text;
    assert!(page.contains("strip-gaps") && page.contains("08:00–20:00"), "the gap of that day, in its hours");
    let seen = version(&clinic).to_string();
    let gone = [("version", seen.as_str()), ("place", "0")];
    assert_eq!(
        clinic.post(Role::Manager, &format!("{PATH}/remove"), &gone).await.status,
        StatusCode::SEE_OTHER
    );
    assert!(!clinic.get(Role::Agent, PATH).await.text.contains("rodízio Semana"));
}

#[actix_web::test]
async fn a_change_is_seen_changed_and_undone_on_the_page_and_a_slip_is_asked_again() {
    let clinic = opened();
    let who = clinic.people[&Role::Clinician].to_string();
    let agent = clinic.people[&Role::Agent].to_string();
    let send = async |act: &str, fields: &[(&str, &str)]| {
        let seen = version(&clinic).to_string();
        let mut form = vec![("version", seen.as_str())];
        form.extend(fields);
        clinic.post(Role::Manager, &format!("{PATH}/{act}"), &form).await
    };
    let slip = [("from", "2027-11-24T08:00"), ("to", "2027-11-24T20:00"), ("add", who.as_str())];
    let asked = send("override", &slip).await;
    assert_eq!(asked.status, StatusCode::CONFLICT);
    assert!(
        asked.text.contains("o ano está certo?") && asked.text.contains("name=\"sure\""),
        "{}",
        asked.text
    );
    let absent = [("from", "2026-11-24T08:00"), ("to", "2026-11-24T20:00"), ("remove", who.as_str())];
    assert!(send("override", &absent).await.text.contains("Quem sai não está de plantão"));
    let sure = [&slip[..], &[("sure", "1")]].concat();
    assert_eq!(send("override", &sure).await.status, StatusCode::SEE_OTHER);
    let page = clinic.get(Role::Agent, PATH).await.text;
    assert!(page.contains("Pessoa clinician vem a mais") && page.contains("24/11/2027"), "{page}");
    assert!(!page.contains("take-override"), "who may not change it sees it");
    let mended =
        [("place", "0"), ("from", "2026-11-24T08:00"), ("to", "2026-11-24T20:00"), ("add", who.as_str())];
    assert_eq!(send("override", &mended).await.status, StatusCode::SEE_OTHER);
    let page = clinic.get(Role::Manager, PATH).await.text;
    assert!(!page.contains("24/11/2027") && page.contains("value=\"2026-11-24T08:00\""), "{page}");
    let rota = [
        ("from", "2026-12-24T08:00"),
        ("to", "2026-12-26T08:00"),
        ("rows", "3"),
        ("t0-who", who.as_str()),
        ("t0-to", "2026-12-25T08:00"),
        ("t2-who", agent.as_str()),
        ("t2-from", "2026-12-25T08:00"),
    ];
    assert_eq!(send("temporary", &rota).await.status, StatusCode::SEE_OTHER);
    let page = clinic.get(Role::Manager, &format!("{PATH}?from=2026-12-21")).await.text;
    assert!(page.contains("Escala temporária: Pessoa clinician, Pessoa agent"), "{page}");
    assert!(page.contains("holiday-word\">Natal"), "{page}");
    assert_eq!(send("take-temporary", &[("place", "0")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(send("take-override", &[("place", "0")]).await.status, StatusCode::SEE_OTHER);
    assert!(clinic.get(Role::Manager, PATH).await.text.contains("Nenhuma mudança"));
    assert_eq!(send("take-override", &[("place", "0")]).await.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn colleagues_swap_a_turn_on_the_page_and_an_absence_is_one_act_that_is_loud() {
    let clinic = opened();
    let (ana, agent) = (clinic.people[&Role::Clinician].to_string(), clinic.people[&Role::Agent].to_string());
    let plan = |id: &'static str| {
        clinic.state.store.write(Actor::System("test"), now(), |tx| {
            let mut duty = on_call::get(tx, id, now())?;
            duty.body.need.certificate = false;
            let starts = duty.body.schedule.zone.local(now());
            let length = domain::on_call::Length::Hours(12);
            let people = [clinic.people[&Role::Clinician]];
            duty.body.schedule.rotations = vec![on_call::testing::rotation(starts, length, &people)];
            on_call::publish(tx, id, &duty.body, duty.version)
        })
    };
    plan("clinician_on_call").unwrap();
    plan("coordination").unwrap();
    let page = clinic.get(Role::Clinician, PATH).await.text;
    let value = page.split("<option value=\"").find(|part| part.contains(&format!("|{ana}\""))).unwrap();
    let turn = value.split('"').next().unwrap().to_owned();
    let offered = [("turn", turn.as_str()), ("with", agent.as_str()), ("back", "")];
    let done = clinic.post(Role::Clinician, &format!("{PATH}/swap"), &offered).await;
    assert_eq!(
        (done.status, done.to.as_str()),
        (StatusCode::SEE_OTHER, "/schedules/clinician_on_call#swaps")
    );
    let page = clinic.get(Role::Agent, PATH).await.text;
    assert!(page.contains("Pessoa clinician daria o turno a Pessoa agent"), "{page}");
    let accept = page.split("action=\"").find(|part| part.contains("/accept\"")).unwrap();
    let accept = accept.split('"').next().unwrap().to_owned();
    assert!(!clinic.get(Role::Manager, PATH).await.text.contains("/accept\""), "it is for the two");
    assert!(clinic.get(Role::Clinician, PATH).await.text.contains("/withdraw\""));
    assert_eq!(clinic.post(Role::Manager, &accept, &[]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(clinic.post(Role::Agent, &accept, &[]).await.status, StatusCode::SEE_OTHER);
    let page = clinic.get(Role::Agent, PATH).await.text;
    assert!(page.contains("Nenhuma troca à espera") && page.contains("Pessoa agent no lugar de"), "{page}");
    let far = format!("/absence?user={ana}&from=2027-10-28T08:00&to=2027-10-30T08:00");
    assert!(clinic.get(Role::Manager, &far).await.text.contains("o ano está certo?"));
    let too_far = format!("/absence?user={ana}&from=2029-10-28T08:00&to=2029-10-30T08:00");
    let page = clinic.get(Role::Manager, &too_far).await.text;
    assert!(page.contains("no máximo 400 dias a partir de hoje") && !page.contains("Registrar a ausência"));
    // The clinician is away for two days of December: two schedules, one of them covered.
    let window = "from=2026-12-28T08:00&to=2026-12-30T08:00";
    assert_eq!(clinic.get(Role::Auditor, "/absence").await.status, StatusCode::FORBIDDEN);
    let own = clinic.get(Role::Agent, "/absence").await.text;
    assert!(
        own.contains(&agent) && !own.contains(&ana),
        "of others, whoever keeps the schedules says it: {own}"
    );
    assert!(!own.contains("<option value=\"\"></option>"), "there is nobody else to choose: {own}");
    let others = clinic.get(Role::Agent, &format!("/absence?user={ana}&{window}")).await.text;
    assert!(!others.contains("Turnos nesse período"), "nor does anybody read them by name: {others}");
    let slip = format!("/absence?user={ana}&from=2026-12-28T08:00&to=9999-12-28T08:00");
    assert!(clinic.get(Role::Manager, &slip).await.text.contains("com o ano entre 2000 e 2199"));
    let page = clinic.get(Role::Manager, &format!("/absence?user={ana}&{window}")).await.text;
    assert!(page.contains("c1-by") && !page.contains("c2-by"), "{page}");
    // The clinical schedule asks for a certificate, which an agent has not.
    let asked = [("user", ana.as_str()), ("from", "2026-12-28T08:00"), ("to", "2026-12-30T08:00")];
    let form = filled(&page, &asked, ("c1-by", &agent));
    let done = clinic.post(Role::Manager, "/absence", &pairs(&form)).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let after = clinic.get(Role::Manager, &done.to).await.text;
    assert!(after.contains("Ficou um período sem ninguém de plantão"), "{after}");
    let others = clinic.get(Role::Agent, &done.to).await.text;
    assert!(!others.contains("Ausência registrada"), "of others, nobody reads it by its id: {others}");
    let twice = clinic.post(Role::Manager, "/absence", &pairs(&form)).await;
    assert_eq!(twice.to, done.to, "a second click: {}", twice.text);
    let id = done.to.strip_prefix("/absence?done=").unwrap().to_owned();
    // Other words of the same days: the page shows which one stands, and where it is changed.
    let other = filled(&page, &asked, ("c0-by", &agent));
    let refused = clinic.post(Role::Manager, "/absence", &pairs(&other)).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let named = format!("href=\"/absence#a-{id}\"");
    assert!(
        refused.text.contains("Já há uma ausência de Pessoa clinician") && refused.text.contains(&named),
        "{}",
        refused.text
    );
    let reversed = [("user", ana.as_str()), ("from", "2026-12-30T08:00"), ("to", "2026-12-28T08:00")];
    let refused = clinic.post(Role::Manager, "/absence", &reversed).await;
    assert!(refused.text.contains("O fim vem depois do começo"), "{}", refused.text);
    let page = clinic.get(Role::Manager, &format!("/absence?user={ana}&{window}")).await.text;
    assert!(page.contains("Nenhum turno nas escalas de hoje"), "{page}");
    assert!(
        page.contains("Já há uma ausência de Pessoa clinician") && !page.contains("Registrar a ausência")
    );
    // It is listed, shortened and taken back there.
    assert!(
        page.contains("Entra no lugar: Pessoa agent") && page.contains(&format!("id=\"a-{id}\"")),
        "{page}"
    );
    let span = [("from", "2026-12-28T08:00"), ("to", "2026-12-29T08:00")];
    assert_eq!(
        clinic.post(Role::Agent, &format!("/absence/{id}/change"), &span).await.status,
        StatusCode::FORBIDDEN
    );
    let changed = clinic.post(Role::Manager, &format!("/absence/{id}/change"), &span).await;
    assert_eq!(changed.status, StatusCode::SEE_OTHER, "{}", changed.text);
    let page = clinic.get(Role::Manager, &changed.to).await.text;
    assert!(
        page.contains("2026-12-29T08:00") && page.contains("Ausência alterada: Pessoa clinician"),
        "{page}"
    );
    assert!(!page.contains("Ausência registrada"), "{page}");
    let gone = clinic.post(Role::Clinician, &format!("/absence/{id}/take"), &[]).await;
    let page = clinic.get(Role::Clinician, &gone.to).await.text;
    assert!(page.contains("Nenhuma ausência registrada"), "{page}");
    assert!(
        page.contains("Ausência retirada: Pessoa clinician") && page.contains("volta às escalas"),
        "{page}"
    );
    let waits = clinic.get(Role::Agent, "/pager").await.text;
    assert!(waits.contains("não é mais seu") && waits.contains(&format!("/absence#a-{id}")), "{waits}");
    assert!(!waits.contains("Você entra no lugar"), "only what is true now: {waits}");
    let others = clinic.get(Role::Agent, &gone.to).await.text;
    assert!(
        !others.contains("Ausência retirada"),
        "of others, whoever keeps the schedules reads it: {others}"
    );
    assert!(!clinic.get(Role::Agent, "/pager").await.text.contains("não é mais seu"), "read where it leads");
    // Whoever fell ill a few minutes ago is away from now on, and the form says who stands in.
    let clock = |at: domain::Instant| {
        domain::time::civil::Zone::SAO_PAULO.local(at).format("%Y-%m-%dT%H:%M").to_string()
    };
    let (from, to) = (
        clock(now().minus(std::time::Duration::from_secs(300))),
        clock(now().plus(std::time::Duration::from_secs(3_600))),
    );
    let page = clinic.get(Role::Manager, &format!("/absence?user={ana}&from={from}&to={to}")).await.text;
    let form = filled(&page, &[("user", &ana), ("from", &from), ("to", &to)], ("c0-by", &agent));
    let ill = clinic.post(Role::Manager, "/absence", &pairs(&form)).await;
    assert_eq!(ill.status, StatusCode::SEE_OTHER, "{}", ill.text);
}

/// "Pedido inválido. Algum campo falta" was all that the page said, and the API knew why.
#[actix_web::test]
async fn why_an_absence_is_refused_is_said_at_its_field() {
    let (clinic, hour) = (opened(), std::time::Duration::from_secs(3_600));
    let (who, agent) = (clinic.people[&Role::Clinician], clinic.people[&Role::Agent]);
    let (ana, other) = (who.to_string(), agent.to_string());
    let span = |from, to| domain::time::civil::Window { from, to };
    let clock = |at: domain::Instant| {
        domain::time::civil::Zone::SAO_PAULO.local(at).format("%Y-%m-%dT%H:%M").to_string()
    };
    let (from, to) = (now().plus(hour * 24), now().plus(hour * 48));
    let write = |at, note: &dyn Fn(&mut store::Tx<'_>) -> store::Result<()>| {
        clinic.state.store.write(Actor::System("test"), at, note).unwrap();
    };
    write(now(), &|tx| {
        let mut duty = on_call::get(tx, "clinician_on_call", now())?;
        let starts = duty.body.schedule.zone.local(now());
        let length = domain::on_call::Length::Hours(12);
        duty.body.schedule.rotations = vec![on_call::testing::rotation(starts, length, &[who])];
        on_call::publish(tx, "clinician_on_call", &duty.body, duty.version)?;
        on_call::absences::note(tx, agent, span(from, to), &[]).map(drop)
    });
    let other_id = clinic.state.store.read(|view| on_call::absences::list(view, now())).unwrap()[0].id;
    let page = clinic.get(Role::Manager, &format!("/absence?done={other_id}")).await.text;
    let no_turns = page.contains("Nenhum turno nas escalas de hoje") && !page.contains("estão cobertos");
    assert!(no_turns, "there is nothing to cover: {page}");
    let (from, to) = (clock(from), clock(to));
    let asked = [("user", ana.as_str()), ("from", from.as_str()), ("to", to.as_str())];
    let page = clinic.get(Role::Manager, &format!("/absence?user={ana}&from={from}&to={to}")).await.text;
    assert!(page.contains("Pessoa agent (ausente: "), "{page}");
    let away = filled(&page, &asked, ("c0-by", &other));
    let auditor = clinic.people[&Role::Auditor].to_string();
    let unable = filled(&page, &asked, ("c0-by", &auditor));
    let mut moved = away.clone();
    moved.iter_mut().filter(|(name, _)| name == "c0-from").for_each(|(_, value)| *value = "1".into());
    for (form, expected, place) in [
        (away, "também está ausente nesse turno", "c0-by"),
        (unable, "não pode ficar de plantão", "c0-by"),
        (moved, "Os turnos mudaram", "turns"),
    ] {
        let refused = clinic.post(Role::Manager, "/absence", &pairs(&form)).await.text;
        assert!(
            refused.contains(expected) && refused.contains(&format!("data-field=\"{place}\"")),
            "{refused}"
        );
    }
    let (from, to) = (clock(now().minus(hour * 9)), clock(now().minus(hour)));
    let page = clinic.get(Role::Manager, &format!("/absence?user={ana}&from={from}&to={to}")).await.text;
    assert!(page.contains("Esse período já passou") && !page.contains("Registrar a ausência"), "{page}");
    let past = [("user", ana.as_str()), ("from", from.as_str()), ("to", to.as_str())];
    let refused = clinic.post(Role::Manager, "/absence", &past).await.text;
    assert!(refused.contains("Esse período já passou"), "{refused}");
    // One that has begun, with this minute as its end.
    let began = now().minus(hour);
    write(began, &|tx| on_call::absences::note(tx, who, span(began, now().plus(hour)), &[]).map(drop));
    let page = clinic.get(Role::Manager, "/absence").await.text;
    let ids = page.split("action=\"/absence/").filter_map(|part| part.split_once("/change\""));
    let (from, to) = (clock(began), clock(now()));
    let mut codes = Vec::new();
    for id in ids.map(|(id, _)| id) {
        let form = [("from", from.as_str()), ("to", to.as_str())];
        codes.push(clinic.post(Role::Manager, &format!("/absence/{id}/change"), &form).await.text);
    }
    let ended = |text: &String| text.contains("use Retirar a ausência") && text.contains("data-field=\"to\"");
    assert!(!codes.is_empty() && codes.iter().all(ended), "{codes:?}");
}

fn pairs(form: &[(String, String)]) -> Vec<(&str, &str)> {
    form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// The form of the turns that a page lists, with one choice.
fn filled(page: &str, asked: &[(&str, &str)], choice: (&str, &str)) -> Vec<(String, String)> {
    let field = |name: &str| {
        let part = page.split(&format!("name=\"{name}\" value=\"")).nth(1)?;
        Some((name.to_owned(), part.split('"').next()?.to_owned()))
    };
    let rows: usize = field("rows").unwrap().1.parse().unwrap();
    let names = (0..rows).flat_map(|n| ["schedule", "from", "to"].map(|part| format!("c{n}-{part}")));
    let mut form: Vec<_> = names.filter_map(|name| field(&name)).collect();
    form.extend(asked.iter().chain([&choice]).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    form.push(("rows".into(), rows.to_string()));
    form
}

#[actix_web::test]
async fn the_past_is_asked_on_the_clock_of_the_schedule_and_a_feed_is_shown_once() {
    let clinic = opened();
    // 09:10 in São Paulo is 12:10 in UTC, the instant of the seeds.
    let then = clinic.get(Role::Technician, &format!("{PATH}?at=2026-11-22T09:30")).await.text;
    assert!(then.contains("22/11/2026 09:30: ninguém de plantão"), "{then}");
    let before = clinic.get(Role::Technician, &format!("{PATH}?at=2026-03-12T03:12")).await.text;
    assert!(before.contains("12/03/2026 03:12 esta escala ainda não existia"), "{before}");
    assert_eq!(
        clinic.get(Role::Agent, &format!("{PATH}?from=%2B262142-01-01&at=x")).await.status,
        StatusCode::OK
    );
    assert_eq!(clinic.get(Role::Agent, "/schedules/nothing").await.status, StatusCode::NOT_FOUND);
    let made = clinic.post(Role::Agent, &format!("{PATH}/feed"), &[]).await;
    assert!(made.text.contains("calendar.ics?token="), "{}", made.text);
    let again = clinic.get(Role::Agent, PATH).await.text;
    assert!(!again.contains("token=") && again.contains("/unfeed"));
    assert_eq!(clinic.post(Role::Agent, &format!("{PATH}/unfeed"), &[]).await.status, StatusCode::SEE_OTHER);
    assert!(!clinic.get(Role::Agent, PATH).await.text.contains("/unfeed"));
}

#[actix_web::test]
async fn the_pages_open_for_those_who_may_see_schedules_and_for_nobody_else() {
    let clinic = opened();
    for role in crate::tests::pages::PEOPLE {
        let may = domain::Can::SeeSchedules.held_by(role);
        let status = if may { StatusCode::OK } else { StatusCode::FORBIDDEN };
        for path in ["/schedules", PATH] {
            assert_eq!(clinic.get(role, path).await.status, status, "{path} for {role:?}");
        }
    }
}

#[actix_web::test]
async fn a_case_is_not_handed_to_who_is_away_and_the_page_says_until_when() {
    let clinic = opened();
    let who = clinic.people[&Role::Clinician];
    let within =
        domain::time::civil::Window { from: now(), to: now().plus(std::time::Duration::from_secs(86_400)) };
    let note = |tx: &mut store::Tx<'_>| on_call::absences::note(tx, who, within, &[]);
    clinic.state.store.write(Actor::System("test"), now(), note).unwrap();
    let page = clinic.get(Role::Agent, &format!("/alerts/{}", clinic.alert)).await.text;
    assert!(page.contains("Pessoa clinician (ausente até"), "{page}");
    let (path, to) = (format!("/alerts/{}/reassign", clinic.alert), who.to_string());
    let sent = [("to", to.as_str()), ("reason", "fim do meu turno"), ("back", "/")];
    let refused = clinic.post(Role::Agent, &path, &sent).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text.contains("Pessoa clinician está ausente até"), "{}", refused.text);
}
