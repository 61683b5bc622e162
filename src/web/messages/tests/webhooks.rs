//! Programs that are called and what messages say, from the outside.

use crate::tests::*;
use domain::Instant as At;
use domain::messages::Channel;
use domain::messages::webhook;
use domain::templates::seeds::seeds;
use store::messages::{self, webhooks};
use store::{Urgency, on_call, versions};

/// As the engine takes them.
fn claim(house: &House, to: Option<&str>, channel: Channel) -> Vec<messages::Stored> {
    let take = |tx: &mut Tx<'_>| messages::claim(tx, channel, to, 10);
    house.home.keep_house(Urgency::Urgent, "test", NOW, take).unwrap()
}

const URL: &str = "https://clinica.example/hook?key=segredo";

fn add(house: &House, admin: &str) -> Value {
    house.post(admin, "/api/v1/webhooks", &json!({ "url": URL })).must(201)
}

#[test]
fn a_program_is_added_with_a_secret_that_is_shown_once_and_an_address_without_its_keys() {
    for house in houses() {
        let (admin, manager) = (house.staff(Role::Admin), house.staff(Role::Manager));
        let made = add(&house, &admin);
        let secret = made["secret"].as_str().unwrap();
        assert!(secret.starts_with("whsec_") && secret.len() == 50, "{secret}");
        let id = made["id"].as_str().unwrap();
        let stored = house.home.read(|view| webhooks::address(view, id)).unwrap();
        assert_eq!(stored, Some((URL.to_owned(), secret.to_owned())));
        let list = house.get(&manager, "/api/v1/webhooks").must(200);
        assert_eq!(list["items"][0]["url"], "https://clinica.example/hook");
        let text = list.to_string();
        assert!(!text.contains("segredo") && !text.contains("whsec_"), "{text}");
        assert_ne!(add(&house, &admin)["secret"], made["secret"]);
        for url in [
            "http://clinica.example/hook",
            "https://a:b@clinica.example",
            "ftp://x",
            "",
            "http://127.0.0.1:9/",
            "https://169.254.169.254/latest/meta-data",
            "https://[::ffff:192.168.0.1]/",
            "https://localhost/",
            "https://127.1/",
        ] {
            let refused = house.post(&admin, "/api/v1/webhooks", &json!({ "url": url }));
            assert_eq!((refused.code(), &refused.body["field"]), ("E_INVALID", &json!("url")), "{url}");
        }
        house.post(&admin, &format!("/api/v1/webhooks/{id}/disable"), &json!({})).must(204);
        for act in ["disable", "test"] {
            let gone = house.post(&admin, &format!("/api/v1/webhooks/{id}/{act}"), &json!({}));
            assert_eq!(gone.status, 404, "{act}");
        }
    }
}

#[test]
fn what_was_planned_is_listed_from_a_cursor_and_what_was_missed_is_due_again() {
    for house in houses() {
        let admin = house.staff(Role::Admin);
        let id = add(&house, &admin)["id"].as_str().unwrap().to_owned();
        let path = |rest: &str| format!("/api/v1/webhooks/{id}/{rest}");
        let cursors: Vec<Value> = (0..3)
            .map(|_| house.post(&admin, &path("test"), &json!({})).must(202)["cursor"].clone())
            .collect();
        let list = |query: &str| house.get(&admin, &path(&format!("messages?{query}"))).must(200);
        let first = list("limit=2");
        let listed: Vec<&Value> =
            first["items"].as_array().unwrap().iter().map(|one| &one["cursor"]).collect();
        assert_eq!((listed, &first["next"]), (vec![&cursors[0], &cursors[1]], &cursors[1]));
        let rest = list(&format!("cursor={}", first["next"]));
        assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));
        let one = &rest["items"][0];
        assert_eq!(
            (&one["type"], &one["state"], &one["case"]["kind"]),
            (&json!("test"), &json!("due"), &json!("webhook"))
        );
        // All were made; the receiver lost the last two.
        let claimed = claim(&house, Some(&id), Channel::Webhook);
        for one in &claimed {
            let accepted = domain::messages::Attempt::Accepted;
            house
                .write(|tx| messages::attempted(tx, one, &messages::Answer::new(accepted, "http_200"), None));
        }
        let replayed = house.post(&admin, &path("replay"), &json!({ "after": cursors[0] })).must(202);
        assert_eq!(replayed, json!({ "count": 2, "next": null }));
        let states: Vec<Value> = list("")
            .pointer("/items")
            .unwrap()
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["state"].clone())
            .collect();
        assert_eq!(states, ["accepted", "due", "due"]);
        let keys: Vec<String> = claimed.iter().map(|one| one.key.clone()).collect();
        let again = claim(&house, Some(&id), Channel::Webhook);
        assert_eq!(again.iter().map(|one| one.key.clone()).collect::<Vec<_>>(), keys[1..], "the same ids");
        assert_eq!(house.get(&admin, "/api/v1/webhooks/nowhere/messages").status, 404);
    }
}

#[test]
fn the_document_shows_a_call_as_it_is_made() {
    let call = webhook::Call {
        kind: "page",
        at: NOW,
        data: webhook::Data {
            cursor: 1,
            sequence: 1,
            case: webhook::Case { kind: "alert", id: "x" },
            link: "/alerts/x",
            repetition: 1,
        },
    };
    let call = serde_json::to_value(call).unwrap();
    let document = serde_json::to_value(crate::http::openapi::value()).unwrap();
    let shape = &document["components"]["schemas"]["WebhookCall"]["properties"];
    let names =
        |of: &Value| of.as_object().unwrap().keys().cloned().collect::<std::collections::BTreeSet<_>>();
    assert_eq!(names(shape), names(&call), "{shape}");
    assert_eq!(names(&shape["data"]["properties"]), names(&call["data"]), "{shape}");
}

fn words(pt: &str, en: &str) -> Value {
    json!({ "pt": pt, "en": en })
}

#[test]
fn a_template_is_linted_by_field_and_word_and_put_in_force_by_a_second_person() {
    for house in houses() {
        house.write(|tx| seeds().iter().try_for_each(|template| versions::seed(tx, &template.id, template)));
        let (one, two) = (house.staff(Role::Manager), house.staff(Role::Clinician));
        let all = house.get(&one, "/api/v1/message-templates").must(200);
        assert_eq!(all["items"].as_array().unwrap().len(), seeds().len());
        let path = |rest: &str| format!("/api/v1/message-templates/page{rest}");
        let proposal = |subject: &str| {
            json!({
                "name": words("Chamado", "Page"), "subject": words(subject, "Zelo: somebody waits"),
                "text": words("Desde {since}: {link}", "Since {since}: {link}"),
            })
        };
        let propose = |body: &Value, seen: &str| {
            let headers = [("authorization", one.as_str()), ("if-match", seen)];
            house.call("POST", &path("/proposals"), &headers, Some(&body.to_string()))
        };
        let telling = propose(&proposal("Zelo: alerta vermelho"), "\"1\"");
        assert_eq!(telling.code(), "E_INVALID");
        let problem = &telling.body["problems"][0];
        assert_eq!(
            (&problem["field"], &problem["language"], &problem["word"]),
            (&json!("subject"), &json!("pt"), &json!("vermelh")),
            "{problem}"
        );
        assert_eq!(propose(&proposal("Zelo: há alguém à espera"), "\"7\"").status, 412);
        let made = propose(&proposal("Zelo: há alguém à espera"), "\"1\"");
        assert_eq!(
            (made.status, &made.body["state"], made.tag.as_deref()),
            (201, &json!("proposed"), Some("\"2\""))
        );
        let waiting = house.get(&two, "/api/v1/message-templates?state=proposed").must(200);
        assert_eq!(waiting["items"].as_array().unwrap().len(), 1);
        let which = json!({ "version": 2 });
        let own = house.post(&one, &path("/approve"), &which);
        assert_eq!(own.code(), "E_FOUR_EYES", "{}", own.body);
        assert_eq!(house.get(&one, &path("")).must(200)["version"], 1);
        assert_eq!(house.post(&two, &path("/approve"), &which).must(200)["state"], "in_force");
        let now = house.get(&two, &path("")).must(200);
        assert_eq!((&now["version"], &now["subject"]["pt"]), (&json!(2), &json!("Zelo: há alguém à espera")));
        assert_eq!(now["class"], "clinical", "what it is for does not change");
        propose(&proposal("Zelo: terceira"), "\"2\"");
        assert_eq!(
            house.post(&two, &path("/refuse"), &json!({ "version": 3 })).must(200)["state"],
            "refused"
        );
        let history = house.get(&two, &path("/history")).must(200);
        let states: Vec<&Value> =
            history["items"].as_array().unwrap().iter().map(|one| &one["state"]).collect();
        assert_eq!(states, ["refused", "in_force", "superseded"]);
        assert_eq!(house.get(&two, "/api/v1/message-templates/nowhere").status, 404);
    }
}

#[test]
fn an_alert_tells_why_nobody_got_a_page() {
    for house in houses() {
        let ana = house.patient("Ana");
        let id = crate::alerts::tests::raise(&house, &ana);
        let clinician = house.user(Role::Clinician, None);
        let case = id.to_string();
        let plan = |tx: &mut Tx<'_>| {
            let ground = messages::Ground::ask(tx, ana.id)?.unwrap();
            let new = messages::New {
                key: "esc:1".into(),
                class: domain::messages::Class::Clinical,
                channel: Channel::Email,
                recipient: clinician.to_string(),
                template: "page",
                variables: json!({ "link": "/alerts" }),
                about: messages::About::patient(ground, "alert", &case),
                due_at: NOW,
                not_after: At::MAX,
            };
            messages::plan(tx, &new)?;
            on_call::mark_unreachable(tx, clinician, Channel::Email, "bounced")
        };
        house.write(plan);
        let claimed = claim(&house, None, Channel::Email);
        let refused = domain::messages::Attempt::Never;
        house.write(|tx| {
            messages::attempted(tx, &claimed[0], &messages::Answer::new(refused, "smtp_550"), None)
        });
        let log = house.get(&house.staff(Role::Manager), &format!("/api/v1/alerts/{id}/messages")).must(200);
        let log = log["items"].as_array().unwrap().clone();
        let mail = log.iter().find(|one| one["key"] == "esc:1").unwrap();
        assert_eq!((&mail["state"], &mail["recipient"]), (&json!("failed"), &json!(clinician)));
        assert_eq!(mail["events"][0]["code"], "smtp_550");
        assert_eq!(mail["unreachable"][0]["why"], "bounced");
    }
}

#[test]
fn a_test_page_goes_to_its_sender_on_their_channels_and_a_fourth_in_an_hour_is_refused() {
    for house in houses() {
        house.write(|tx| store::escalation::paging::send_e_mail(tx, true));
        let path = "/api/v1/messages/test";
        let (agent, other) = (house.staff(Role::Agent), house.staff(Role::Manager));
        let sent = house.post(&agent, path, &json!({})).must(202)["items"].clone();
        let ways: Vec<(&Value, &Value)> =
            sent.as_array().unwrap().iter().map(|one| (&one["channel"], &one["state"])).collect();
        assert_eq!(ways, [(&json!("in_app"), &json!("accepted")), (&json!("email"), &json!("due"))]);
        assert_eq!(sent[0]["test"], sent[1]["test"]);
        let unread = house.get(&agent, "/api/v1/messages?unread").must(200)["items"].clone();
        assert_eq!((&unread[0]["template"], &unread[0]["link"]), (&json!("test"), &json!("/account/trial")));
        let now = house.get(&agent, path).must(200)["items"].clone();
        assert_eq!(
            (&now[1]["state"], &now[0]["state"]),
            (&json!("delivered"), &json!("due")),
            "the newest first"
        );
        assert_eq!(house.get(&other, path).must(200)["items"], json!([]), "nobody sees anybody else's");
        for _test in 0..2 {
            house.post(&agent, path, &json!({})).must(202);
        }
        let refused = house.post(&agent, path, &json!({}));
        assert_eq!((refused.status, refused.code()), (429, "E_RATE"));
        assert_eq!(refused.body["retry_after"], 3_600);
        house.post(&other, path, &json!({})).must(202);
    }
}
