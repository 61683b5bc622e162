//! Answering for several cases on one page: each is named before and after.

use actix_web::http::StatusCode;

use crate::tests::pages::clinic::Clinic;
use domain::Role;

#[actix_web::test]
async fn ticked_cases_are_answered_for_and_each_is_named_with_what_became_of_it() {
    let clinic = Clinic::open();
    let case = clinic.alert.to_string();
    let page = clinic.get(Role::Clinician, "/queue/many").await.text;
    let name = page.split("<strong>").nth(1).and_then(|rest| rest.split_once('<')).unwrap().0.to_owned();
    assert!(page.contains(&format!("value=\"{case}\"")) && page.contains("1 caso espera"), "{page}");
    let mark = format!("[{}]", domain::messages::mark(&case));
    assert!(page.contains(&mark), "the mark that messages carry: {page}");
    assert!(clinic.get(Role::Clinician, &format!("/alerts/{case}")).await.text.contains(&mark));
    let nothing = clinic.post(Role::Clinician, "/queue/many", &[]).await;
    assert!(
        nothing.text.contains("Marque ao menos um caso"),
        "there is no way to say: all: {}",
        nothing.text
    );
    assert!(nothing.text.contains(&format!("value=\"{case}\"")), "{}", nothing.text);
    let done = clinic.post(Role::Clinician, "/queue/many", &[("case", &case)]).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert!(done.text.contains("com você") && done.text.contains(&name) && done.text.contains(&mark));
    assert!(done.text.contains("Nada espera por uma resposta sua"), "{}", done.text);
    let again = clinic.post(Role::Agent, "/queue/many", &[("case", &case)]).await;
    let main = again.text.split("<main").nth(1).unwrap_or_default();
    assert!(main.contains("E_CLAIMED"), "{main}");
    assert!(!clinic.get(Role::Manager, "/queue/many").await.text.contains("name=\"case\""), "was not called");
}
