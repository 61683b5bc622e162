//! Lists that are longer than a page say so and lead on; searches find by name and number; refused forms are told
//! what and where.

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;

use super::clinic::{Clinic, now};
use domain::{PatientIdentity, Role};
use store::Actor;
use store::patients::{self, Details};

/// Registers patients named `Fulana <n>`.
fn crowd(clinic: &Clinic, count: usize) {
    for n in 0..count {
        let cpf = (n == 0).then(|| "529.982.247-25".parse().unwrap());
        let identity = PatientIdentity {
            name: format!("Fulana Conceição {n}").parse().unwrap(),
            birth_date: chrono::NaiveDate::from_ymd_opt(1950, 1, 1).unwrap(),
            cpf,
            cns: None,
            email: None,
            phone: None,
        };
        let details =
            Details { identity, zone: "America/Sao_Paulo".to_owned(), language: "pt-BR".to_owned() };
        let at = now().plus(std::time::Duration::from_secs(u64::try_from(n).unwrap()));
        clinic.state.store.write(Actor::System("test"), at, |tx| patients::insert(tx, &details)).unwrap();
    }
}

/// The address behind a link with this relation.
fn link(html: &str, rel: &str) -> Option<String> {
    let after = html.split(&format!("rel=\"{rel}\" href=\"")).nth(1)?;
    Some(after.split('"').next()?.replace("&#38;", "&").replace("&amp;", "&"))
}

#[actix_web::test]
async fn every_patient_is_on_one_page_of_the_list_there_and_back() {
    let clinic = Clinic::open();
    crowd(&clinic, 230);
    let mut path = "/patients".to_owned();
    let (mut seen, mut pages) = (0, vec![]);
    loop {
        let html = clinic.get(Role::Agent, &path).await.text;
        assert!(html.contains("de 231"), "the page says that it is a part");
        seen += html.matches("<tr data-row>").count();
        pages.push(path);
        match link(&html, "next") {
            Some(next) => path = next,
            None => break,
        }
    }
    assert_eq!((seen, pages.len()), (231, 3));
    let last = clinic.get(Role::Agent, &pages[2]).await.text;
    let before = clinic.get(Role::Agent, &link(&last, "prev").unwrap()).await.text;
    assert_eq!(before.matches("<tr data-row>").count(), 100);
    assert_eq!(link(&before, "prev").as_deref(), Some("/patients"), "the first page has one address");
    assert_eq!(link(&clinic.get(Role::Agent, "/patients").await.text, "prev"), None);
}

#[actix_web::test]
async fn a_search_finds_by_the_beginnings_of_names_and_by_the_whole_number() {
    let clinic = Clinic::open();
    crowd(&clinic, 3);
    for (typed, found) in [
        ("conceicao+fulana+2", vec!["Fulana Conceição 2"]),
        ("MARIA", vec!["Maria Aparecida de Souza"]),
        ("52998224725", vec!["Fulana Conceição 0"]),
        ("529.982.247-25", vec!["Fulana Conceição 0"]),
        ("ulana", vec![]),
        ("11144477735", vec![]),
    ] {
        let html = clinic.get(Role::Agent, &format!("/patients?q={typed}")).await.text;
        assert_eq!(html.matches("<tr data-row>").count(), found.len(), "{typed}");
        assert!(found.iter().all(|name| html.contains(name)), "{typed}");
    }
}

#[actix_web::test]
async fn a_form_is_told_where_to_go_on_or_which_field_is_not_taken() {
    let clinic = Clinic::open();
    let send = |form: &[(&str, &str)]| {
        let request = TestRequest::post().uri("/patients").insert_header(("x-zelo-form", "1"));
        clinic.send(Some(Role::Admin), request.set_form(form))
    };
    let form = |cpf| {
        [("name", "Nova Pessoa"), ("birth_date", "1960-02-03"), ("cpf", cpf), ("zone", "America/Sao_Paulo")]
    };
    let wrong = send(&form("529.982.247-26")).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        wrong.text.contains("data-field=\"cpf\"") && wrong.text.contains("Este CPF não existe"),
        "{}",
        wrong.text
    );
    assert!(!wrong.text.contains("<html"), "a part, not a page");
    let right = send(&form("529.982.247-25")).await;
    assert_eq!(right.status, StatusCode::NO_CONTENT, "{}", right.text);
    let twice = send(&form("529.982.247-25")).await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    assert!(twice.text.contains("já é de outro paciente"), "{}", twice.text);
    let plain = clinic.post(Role::Admin, "/patients", &form("529.982.247-26")).await;
    assert!(
        plain.text.contains("<html") && plain.text.contains("Este CPF não existe"),
        "without the script a page"
    );
}

#[actix_web::test]
async fn a_device_page_lists_its_tokens_without_their_text() {
    let clinic = Clinic::open();
    let path = format!("/devices/{}", clinic.device);
    assert!(clinic.get(Role::Technician, &path).await.text.contains("Nenhum código ainda"));
    let made = clinic.post(Role::Technician, &format!("{path}/pairing"), &[]).await.text;
    let token = made.split("eyJ").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let page = clinic.get(Role::Technician, &path).await.text;
    assert!(page.contains("criado em") && !page.contains(&token), "{page}");
}
