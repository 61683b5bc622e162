//! Nothing personal leaves by a side door: the program runs at its most verbose through a sign-in, a stored, a refused
//! and a malformed message and a revocation; then what it said and its metrics are searched.

use std::time::Duration;

use domain::Clock;
use rumqttc::v5::{AsyncClient, EventLoop, MqttOptions};
use serde_json::{Value, json};

use super::nodes::{ended, next};
use super::run;
use super::writer::{heart_rate, send_all};
use crate::support::clinic::{CPF, EMAIL, NAME};
use crate::support::node::Node;
use crate::support::until::until;

const RARE: f64 = 117.406_25;
const PHONE: &str = "+5511987650143";
const ADMIN: &str = "zenaide.quixaba@clinica.invalid";
const ADMIN_NAME: &str = "Zenaide Quixabá";
const WRONG_PASSWORD: &str = "a senha errada de Xerxes";
const LABEL: &str = "Pulseira-do-quarto-de-Quiteria";

fn client(node: &Node, device: &str, token: &str) -> (AsyncClient, EventLoop) {
    let (host, port) = node.mqtt();
    let mut options = MqttOptions::new("bed", host, port);
    options.set_credentials(device, token);
    AsyncClient::new(options, 100)
}

fn text(row: &Value, member: &str) -> String {
    row[member].as_str().unwrap_or_else(|| panic!("{member}: {row}")).to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_program_says_nothing_personal_however_verbose_it_is() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let said = |arguments: &[&str]| -> Value {
        let line = run(&data, &[arguments, &["--json", "--log", "trace"]].concat());
        serde_json::from_str(line.lines().next().unwrap()).unwrap()
    };
    let firm =
        ["--organisation", "Clínica", "--cnpj", "1", "--address", "Rua", "--contact", "a@clinica.invalid"];
    let dpo = ["--dpo-name", "Dpo", "--dpo-contact", "d@clinica.invalid"];
    let admin = ["--admin-email", ADMIN, "--admin-name", ADMIN_NAME];
    let admin = said(&[&["init"], &firm[..], &dpo[..], &admin[..]].concat());
    let password = text(&admin, "password");
    let person = ["--name", NAME, "--born", "1980-05-04", "--cpf", CPF, "--email", EMAIL, "--phone", PHONE];
    let patient = text(&said(&[&["patient", "add"], &person[..]].concat()), "id");
    let device = said(&["device", "add", "--label", LABEL, "--model", "Z1", "--patient", &patient]);
    let unbound = said(&["device", "add", "--label", LABEL, "--model", "Z1"]);
    let link = text(&said(&["user", "reset", ADMIN]), "link");
    for purpose in ["telemetry.collect", "alert.evaluate", "alert.escalate"] {
        said(&["consent", "grant", &patient, purpose]);
    }

    let node = Node::serve(&data, &["--log", "trace"]);
    let node_said = || node.said();
    let api = node.api();
    let wrong = api.post("/api/v1/auth/token", &json!({ "email": ADMIN, "password": WRONG_PASSWORD }));
    assert_eq!(wrong.status, 401);
    let signed = api.post("/api/v1/auth/token", &json!({ "email": ADMIN, "password": password })).with(200);
    let staff = node.api().signed_in(ADMIN, &password);
    assert_eq!(staff.list("/api/v1/patients").len(), 1);
    let again = json!({ "name": NAME, "birth_date": "1980-05-04", "cpf": CPF });
    assert_eq!(staff.post("/api/v1/patients", &again).status, 409);
    assert_eq!(staff.post("/api/v1/patients", &json!({ "name": NAME, "cpf": EMAIL })).status, 400);
    assert_eq!(api.get(&link).status, 200);

    let (id, token) = (text(&device, "id"), text(&device, "token"));
    let topic = format!("zelo/v1/devices/{id}/telemetry");
    let now = Clock::System.now().millis();
    let bodies = vec![
        heart_rate(now, RARE),
        heart_rate(now, RARE + 1.0),
        heart_rate(now + 1, 11_740.625),
        format!("{{\"ts\": {now}, \"values\": {{\"heart_rate\": {RARE}"),
    ];
    let (taken, refused) = send_all(client(&node, &id, &token), topic.clone(), bodies).await;
    assert_eq!(
        (taken, refused.len()),
        (1, 3),
        "another value, an implausible one, half a payload: {refused:?}"
    );
    let (other, others) = (text(&unbound, "id"), text(&unbound, "token"));
    let elsewhere = format!("zelo/v1/devices/{other}/telemetry");
    let (_, refused) = send_all(client(&node, &other, &others), elsewhere, vec![heart_rate(now, RARE)]).await;
    assert_eq!(refused, ["NotAuthorized E_NOT_BOUND LGPD art. 6 I"], "nobody's device");
    let (_, refused) =
        send_all(client(&node, &other, &others), topic.clone(), vec![heart_rate(now, RARE)]).await;
    assert!(
        matches!(refused.as_slice(), [why] if why.starts_with("NotAuthorized")),
        "a foreign topic: {refused:?}"
    );
    let goodbye = next(&mut client(&node, &other, &token).1, ended).await;
    assert!(goodbye.contains("NotAuthorized"), "another device's token: {goodbye}");

    let (live, mut events) = client(&node, &id, &token);
    live.publish(topic, rumqttc::v5::mqttbytes::QoS::AtLeastOnce, false, heart_rate(now, RARE))
        .await
        .unwrap();
    next(&mut events, super::nodes::acked).await;
    let revoke = json!({ "purpose": "telemetry.collect", "action": "revoke" });
    assert_eq!(staff.post(&format!("/api/v1/patients/{patient}/consents"), &revoke).status, 201);
    let goodbye = next(&mut events, ended).await;
    assert!(goodbye.contains("AdministrativeAction"), "{goodbye}");
    assert!(next(&mut events, ended).await.contains("NotAuthorized"));

    let metrics = staff.get("/metrics").with(200);
    let metrics = metrics.as_str().unwrap();
    assert!(metrics.contains("zelo_connections"), "{metrics}");
    until("the last words", Duration::from_secs(5), || {
        let said = node_said();
        (said.contains("device disconnected") && said.contains("answered")).then_some(())
    });
    let said = node.said();
    assert!(said.contains(&id), "what may be said is said: the search looks in the right place");
    let secret = |token: &str| token.rsplit(['.', '/']).next().unwrap().to_owned();
    let needles = [
        ("the name", NAME.to_owned()),
        ("a part of the name", "Xavantina".to_owned()),
        ("the CPF", CPF.to_owned()),
        ("the CPF with its dots", "529.982.247-25".to_owned()),
        ("the e-mail address", EMAIL.to_owned()),
        ("the telephone", PHONE.trim_start_matches("+55").to_owned()),
        ("a part of the administrator's name", "Quixab".to_owned()),
        ("the administrator's e-mail address", ADMIN.to_owned()),
        ("the password", password),
        ("a wrong password", WRONG_PASSWORD.to_owned()),
        ("an access token", secret(&text(&signed, "access_token"))),
        ("a refresh token", text(&signed, "refresh_token")),
        ("a device token", secret(&token)),
        ("a one-time link", secret(&link)),
        ("what is written on a device", LABEL.to_owned()),
        ("a value", RARE.to_string()),
        ("another value", (RARE + 1.0).to_string()),
        ("an implausible value", "11740.625".to_owned()),
    ];
    for (what, needle) in needles {
        for (place, words) in [("the log", said.as_str()), ("the metrics", metrics)] {
            let line = words.lines().find(|line| line.contains(&needle));
            assert!(line.is_none(), "{what} is in {place}: {line:?}");
        }
    }
    assert!(node.stop().success());
}
