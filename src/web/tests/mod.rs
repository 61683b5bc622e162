//! The edge over real HTTP, on every backend at hand: a server in this process, a client that knows nothing.

mod access;
mod alerts;
mod bodies;
mod document;
mod escalation;
mod handed;
mod live;
mod looks;
mod names;
mod own_data;
mod plans;
mod power;
mod probes;
mod promises;
mod records;
mod schedules;
mod siege;
mod sign_in;
mod webhooks;

use std::time::Duration;

use chrono::NaiveDate;
use serde_json::{Value, json};
use ureq::http::{Method, Request};

use super::connections::Limits;
use super::serve::{Options, Running, serve};
use super::state::{EngineView, NoEdge, NoEngine, Parts, State};
use domain::certificate::Certificate;
use domain::password::{self, Cost};
use domain::token::{Signer, fresh_key};
use domain::{Clock, Instant, PatientId, PatientIdentity, Role, StaffIdentity, UserId};
use store::sessions::{self, Kind};
use store::testing::{Home, NOW, stores};
use store::users::{self, NewUser};
use store::{Actor, Store, Tx, patients};

const PASSWORD: &str = "uma senha longa e boa";

/// A house with a server in front.
struct House {
    home: Home,
    clock: Clock,
    tokens: std::sync::Arc<Signer>,
    running: Option<Running>,
    runtime: tokio::runtime::Runtime,
    base: String,
    client: ureq::Agent,
}

/// An answer.
struct Got {
    status: u16,
    tag: Option<String>,
    body: Value,
}

impl Got {
    fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }

    fn must(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }
}

fn houses() -> Vec<House> {
    stores().into_iter().map(House::around).collect()
}

/// What a house of a test has apart from others.
struct Built {
    behind_proxy: bool,
    tls: Option<rustls::ServerConfig>,
    log_signer: Option<audit::note::Signer>,
    engine: std::sync::Arc<dyn EngineView>,
    certificates: Vec<Certificate>,
}

impl Default for Built {
    fn default() -> Self {
        let engine = std::sync::Arc::new(NoEngine);
        Self { behind_proxy: false, tls: None, log_signer: None, engine, certificates: Vec::new() }
    }
}

impl House {
    fn around(home: Home) -> Self {
        Self::limited(home, Limits::of_descriptors(4_096))
    }

    fn limited(home: Home, limits: Limits) -> Self {
        Self::built(home, limits, Built::default())
    }

    fn reached(home: Home, limits: Limits, behind_proxy: bool) -> Self {
        Self::built(home, limits, Built { behind_proxy, ..Built::default() })
    }

    fn behind(home: Home, limits: Limits, tls: Option<rustls::ServerConfig>) -> Self {
        Self::built(home, limits, Built { tls, ..Built::default() })
    }

    /// With a log that is signed and shown.
    fn signed(home: Home) -> Self {
        let signer = store::log::open(&home, &home.dir().join("keys"), NOW).unwrap();
        let built = Built { log_signer: Some(signer), ..Built::default() };
        Self::built(home, Limits::of_descriptors(4_096), built)
    }

    fn with(home: Home, limits: Limits, engine: std::sync::Arc<dyn EngineView>) -> Self {
        Self::built(home, limits, Built { engine, ..Built::default() })
    }

    fn built(home: Home, limits: Limits, built: Built) -> Self {
        let Built { behind_proxy, tls, log_signer, engine, certificates } = built;
        let clock = Clock::driven(NOW);
        let tokens = std::sync::Arc::new(Signer::new(&fresh_key().unwrap()).unwrap());
        let store: Store = (*home).clone();
        let state = State::new(Parts {
            store,
            clock: clock.clone(),
            tokens: std::sync::Arc::clone(&tokens),
            bases: consent::Bases::default(),
            log_signer,
            edge: std::sync::Arc::new(NoEdge),
            engine,
            node: "test".to_owned(),
            factor_roles: Role::STAFF.to_vec(),
            webhook_networks: domain::network::Networks::default(),
            certificates,
        });
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let http = "127.0.0.1:0".parse().unwrap();
        let options = Options { http, metrics: Some(http), tls, behind_proxy, secure_cookie: false, limits };
        let running = runtime.block_on(async { serve(state, options) }).unwrap();
        let base = format!("http://{}", running.address);
        let config = ureq::Agent::config_builder()
            // A kept connection may be closed by the other side just as it is used again.
            .max_idle_connections(0)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(20)))
            .build();
        Self { home, clock, tokens, running: Some(running), runtime, base, client: config.into() }
    }

    fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Got {
        let asked = method;
        let method: Method = asked.parse().unwrap();
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = match body {
            Some(body) if !headers.iter().any(|(name, _)| *name == "content-type") => {
                let request = request.header("content-type", "application/json");
                self.client.run(request.body(body.to_owned()).unwrap())
            }
            Some(body) => self.client.run(request.body(body.to_owned()).unwrap()),
            None => self.client.run(request.body(()).unwrap()),
        };
        let mut answer = answer.unwrap();
        let status = answer.status().as_u16();
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (tag, kind) = (header("etag"), header("content-type").unwrap_or_default());
        let body = if kind.contains("event-stream") {
            Value::Null
        } else {
            let text = answer.body_mut().read_to_string().unwrap();
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        };
        if !matches!(asked, "HEAD" | "OPTIONS") {
            document::hold(asked, path, status, &kind, &body);
        }
        Got { status, tag, body }
    }

    fn get(&self, who: &str, path: &str) -> Got {
        self.call("GET", path, &[("authorization", who)], None)
    }

    fn post(&self, who: &str, path: &str, body: &Value) -> Got {
        self.call("POST", path, &[("authorization", who)], Some(&body.to_string()))
    }

    fn write<T>(&self, f: impl FnMut(&mut Tx<'_>) -> store::Result<T>) -> T {
        self.home.write(Actor::Operator, self.clock.now(), f).unwrap()
    }

    fn user(&self, role: Role, patient: Option<PatientId>) -> UserId {
        let cheap = Cost { memory: 64, passes: 1, lanes: 1 };
        let email = format!("{}-{}@clinica.example", role.name(), UserId::new(NOW));
        let identity = StaffIdentity { name: role.name().parse().unwrap(), email: email.parse().unwrap() };
        let password = (role != Role::Service).then(|| password::hash(PASSWORD, &[], cheap).unwrap());
        let new = NewUser { identity, role, password, patient };
        self.write(|tx| users::insert(tx, &new)).id
    }

    fn email(&self, user: UserId) -> String {
        let user = self.home.read(|view| users::get(view, user)).unwrap();
        user.identity.unwrap().email.as_str().to_owned()
    }

    /// A fresh session of a user, as an `Authorization` header.
    fn enter(&self, user: UserId, role: Role) -> String {
        let (session, _) = self.write(|tx| sessions::create(tx, user, Kind::Program));
        let token = self.tokens.for_user(user, role, session.id, self.clock.now()).unwrap();
        format!("Bearer {token}")
    }

    fn staff(&self, role: Role) -> String {
        self.enter(self.user(role, None), role)
    }

    fn patient(&self, name: &str) -> patients::Patient {
        let identity = PatientIdentity {
            name: name.parse().unwrap(),
            birth_date: NaiveDate::from_ymd_opt(1990, 5, 17).unwrap(),
            cpf: Some("52998224725".parse().unwrap()),
            cns: None,
            email: None,
            phone: None,
        };
        let details = patients::Details {
            identity,
            zone: "America/Sao_Paulo".to_owned(),
            language: "pt-BR".to_owned(),
        };
        self.write(|tx| patients::insert(tx, &details))
    }

    /// The hash of the text that stands for a purpose.
    fn term(&self, who: &str, purpose: &str) -> String {
        let terms = self.get(who, &format!("/api/v1/terms?purpose={purpose}")).must(200);
        let current = terms["items"].as_array().unwrap().iter().find(|term| term["current"] == true).unwrap();
        current["text_sha256"].as_str().unwrap().to_owned()
    }

    /// A grant, with readings covered from an hour before.
    fn grant(&self, who: &str, patient: PatientId, purpose: &str) -> Value {
        let from = self.clock.now().minus(Duration::from_secs(3_600));
        let body = json!({
            "purpose": purpose, "action": "grant", "term_sha256": self.term(who, purpose), "measured_from": from,
        });
        self.post(who, &format!("/api/v1/patients/{patient}/consents"), &body).must(201)
    }

    fn grant_all(&self, patient: PatientId) {
        let agent = self.staff(Role::Agent);
        self.grant(&agent, patient, "telemetry.collect");
        self.grant(&agent, patient, "alert.evaluate");
        self.grant(&agent, patient, "alert.escalate");
    }

    fn revoke(&self, patient: PatientId, purpose: &str) -> Got {
        let body = json!({ "purpose": purpose, "action": "revoke" });
        self.post(&self.staff(Role::Dpo), &format!("/api/v1/patients/{patient}/consents"), &body)
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
    }
}
