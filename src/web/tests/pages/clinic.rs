//! A small clinic in a fresh store, and a browser that walks its pages without a network.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::App;
use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::web::Data;
use consent::{Context, Datum, Giver, Grant, Purpose, Request, TelemetryCollect};
use serde_json::json;

use crate::http::guard;
use crate::http::serve::everything;
use crate::state::{NoEdge, NoEngine, Parts, State};
use domain::people::token::{Signer, fresh_key};
use domain::{
    AlertId, Clock, DeviceId, DeviceIdentity, Flags, Instant, PatientId, PatientIdentity, Reading, Role,
    Rule, Signal, StaffIdentity, UserId,
};
use store::consents::{self, ledger, terms};
use store::devices::{self, bindings};
use store::patients::Details;
use store::patients::audience::Audience;
use store::people::sessions::{self, Kind};
use store::people::users;
use store::people::users::NewUser;
use store::readings::{self, Batch, ReceiptRef};
use store::testing::{Home, NOW, stores};
use store::{Actor, Class, Keyed, Subject, alerts, escalation, patients, rules, sla};

pub(crate) const SEED: Actor = Actor::System("test");
/// Where the tests stand: ten minutes after the clinic opened.
pub(crate) const LATER: Duration = Duration::from_secs(600);

/// Who and what there is.
pub(crate) struct Clinic {
    pub state: Data<State>,
    pub patient: PatientId,
    pub device: DeviceId,
    pub alert: AlertId,
    pub people: HashMap<Role, UserId>,
    pub(crate) cookies: HashMap<Role, String>,
    pub(crate) _home: Home,
}

/// An answer.
pub(crate) struct Seen {
    pub status: StatusCode,
    pub to: String,
    pub retarget: String,
    pub text: String,
}

impl Clinic {
    /// One patient under consent with an open red alert, and somebody of every role.
    pub(crate) fn open() -> Self {
        let home = stores().into_iter().next().unwrap();
        let (people, cookies, patient, key) = register(&home);
        let device = measure(&home, patient, key);
        let alert = raise(&home, (patient, key), device, None);
        let clock = Clock::driven(NOW.plus(LATER));
        let state = Data::new(State::new(Parts {
            store: (*home).clone(),
            clock,
            tokens: Arc::new(Signer::new(&fresh_key().unwrap()).unwrap()),
            bases: consent::Bases::default(),
            log_signer: None,
            edge: Arc::new(NoEdge),
            engine: Arc::new(NoEngine),
            node: "node-0".to_owned(),
            factor_roles: Vec::new(),
            webhook_networks: domain::messages::network::Networks::default(),
            certificates: Vec::new(),
        }));
        Self { state, patient, device, alert, people, cookies, _home: home }
    }

    /// Another red alert, which late data raised when it was over.
    pub(crate) fn past(&self) -> AlertId {
        let key =
            self.state.store.read(|view| Audience::program().patient(view, self.patient)).unwrap().key();
        raise(&self._home, (self.patient, key), self.device, Some(NOW.plus(Duration::from_secs(200))))
    }

    pub(crate) fn revoke(&self, purpose: Purpose) {
        let done = self.state.store.write(SEED, self.state.now(), |tx| {
            consents::revoke(tx, self.patient, purpose, &Giver::Subject.into())
        });
        assert!(done.unwrap().changed);
    }

    pub(crate) async fn get(&self, role: Role, path: &str) -> Seen {
        self.send(Some(role), TestRequest::get().uri(path)).await
    }

    pub(crate) async fn post(&self, role: Role, path: &str, form: &[(&str, &str)]) -> Seen {
        self.send(Some(role), TestRequest::post().uri(path).set_form(form)).await
    }

    pub(crate) async fn send(&self, role: Option<Role>, request: TestRequest) -> Seen {
        let clock = Data::new(self.state.clock.clone());
        let app = init_service(
            App::new()
                .app_data(Data::clone(&self.state))
                .app_data(clock)
                .configure(guard::limits)
                .wrap(from_fn(guard::stand))
                .configure(|config| everything(config, crate::routes::rows())),
        )
        .await;
        let request = match role {
            Some(role) => request.append_header(("cookie", format!("zelo={}", self.cookies[&role]))),
            None => request,
        };
        let answer =
            call_service(&app, request.insert_header(("sec-fetch-site", "same-origin")).to_request()).await;
        let header = |name: &str| {
            answer.headers().get(name).map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
        };
        let (status, to, retarget) = (answer.status(), header("location"), header("hx-retarget"));
        let text = String::from_utf8(read_body(answer).await.to_vec()).unwrap();
        Seen { status, to, retarget, text }
    }
}

pub(crate) type Registered = (HashMap<Role, UserId>, HashMap<Role, String>, PatientId, i64);

pub(crate) fn register(home: &Home) -> Registered {
    let identity = PatientIdentity {
        name: "Maria Aparecida de Souza".parse().unwrap(),
        birth_date: chrono::NaiveDate::from_ymd_opt(1961, 5, 4).unwrap(),
        cpf: None,
        cns: None,
        email: Some("maria@exemplo.com.br".parse().unwrap()),
        phone: Some("+5511987654321".parse().unwrap()),
    };
    let details = Details { identity, zone: "America/Sao_Paulo".to_owned(), language: "pt-BR".to_owned() };
    let patient = home.write(SEED, NOW, |tx| patients::insert(tx, &details)).unwrap();
    let (mut people, mut cookies) = (HashMap::new(), HashMap::new());
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Service) {
        let identity = StaffIdentity {
            name: format!("Pessoa {}", role.name()).parse().unwrap(),
            email: format!("{}@zelo.example", role.name()).parse().unwrap(),
        };
        let patient = (role == Role::Patient).then_some(patient.id);
        let new = NewUser { identity, role, password: None, patient };
        let (user, secret) = home
            .write(SEED, NOW.plus(LATER), |tx| {
                let user = users::insert(tx, &new)?;
                let (_session, secret) = sessions::create(tx, user.id, Kind::Browser)?;
                Ok((user.id, secret))
            })
            .unwrap();
        people.insert(role, user);
        cookies.insert(role, secret.reveal().to_owned());
    }
    (people, cookies, patient.id, patient.key)
}

/// Binds a device, takes the consents, and stores a minute of heart rates around 137.
pub(crate) fn measure(home: &Home, patient: PatientId, key: i64) -> DeviceId {
    let identity = DeviceIdentity { label: "Relógio 7".into(), model: "W7".into(), serial: None };
    home.write(SEED, NOW, |tx| {
        rules::seed(tx)?;
        escalation::seed(tx)?;
        sla::seed(tx)?;
        let device = devices::insert(tx, &identity)?;
        bindings::bind(tx, device.id, patient, NOW, true)?;
        for purpose in [Purpose::TelemetryCollect, Purpose::AlertEvaluate, Purpose::AlertEscalate] {
            let term = terms::current(tx, purpose)?.remove(0);
            let mut hash = [0; 32];
            hex::decode_to_slice(term.text_sha256, &mut hash).unwrap();
            consents::grant(tx, patient, purpose, Grant::of(hash), &Giver::Subject.into())?;
        }
        let records = ledger::of(tx, key)?;
        let subject = patients::subject(tx, key, NOW)?;
        let bases = consent::Bases::default();
        let at = NOW.plus(LATER);
        let context = Context { data: &[Datum::Reading], ..Context::system(at.micros()) };
        let request = Request { bases: &bases, records: &records, subject: &subject, context: &context };
        let permit = consent::decide::<TelemetryCollect>(&request).unwrap();
        let seal = tx.key(Subject::Patient(patient), Class::Telemetry)?;
        let readings: Vec<Reading> = (0..60).map(reading).collect();
        let received = ReceiptRef::new(NOW.secs() + 60, 0, 1).unwrap();
        let mut batch = Batch::default();
        batch.admit(&permit, &seal, key, device.key, received, &readings)?;
        readings::append(tx, &batch)?;
        Ok(device.id)
    })
    .unwrap()
}

pub(crate) fn reading(second: u64) -> Reading {
    let at = NOW.plus(Duration::from_secs(300 + second));
    let unit = Signal::HeartRate.unit();
    Reading { signal: Signal::HeartRate, at, value: 137.0, unit, flags: Flags::default() }
}

pub(crate) fn raise(
    home: &Home,
    (patient, key): (PatientId, i64),
    device: DeviceId,
    ended: Option<Instant>,
) -> AlertId {
    let rule = Rule::seeds().into_iter().find(|rule| rule.id == "tachycardia").unwrap();
    let began = if ended.is_some() { 100 } else { 300 };
    let (from, at) = (NOW.plus(Duration::from_secs(began)), NOW.plus(Duration::from_secs(began + 60)));
    let episode = serde_json::from_value(json!({
        "rule": rule.id, "version": rule.version, "started_at": from.micros(),
        "levels": [{ "at": at.micros(), "level": "red" }], "ended_at": ended.map(Instant::micros), "by_hand": false,
    }));
    let sample = json!({ "at": at, "value": 137.0, "unit": "/min", "device_id": device, "flags": [] });
    let finding = serde_json::from_value(json!({
        "rule": rule.id, "version": rule.version, "level": "red", "signal": "heart_rate",
        "condition": { "op": ">", "value": 120.0, "for": 60 }, "count": 61,
        "min": sample, "max": sample, "samples": [sample], "sources": [device],
    }));
    let (episode, finding) = (episode.unwrap(), finding.unwrap());
    let late = ended.is_some();
    home.write(SEED, at, |tx| alerts::open(tx, Keyed { key, id: patient }, &rule, &episode, &finding, late))
        .unwrap()
}

/// Whether a page shows the rare value.
pub(crate) fn shows_value(text: &str) -> bool {
    [">137<", " 137", "137 bpm", "137 /min", "&quot;137"].iter().any(|form| text.contains(form))
}

/// The instant of the tests.
pub(crate) fn now() -> Instant {
    NOW.plus(LATER)
}
