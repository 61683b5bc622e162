//! The edge over real HTTP, on every backend at hand: a server in this process, a client that knows nothing.

pub(crate) mod access;
pub(crate) mod audience;
pub(crate) mod bodies;
pub(crate) mod document;
pub(crate) mod live;
pub(crate) mod pages;
pub(crate) mod plans;
pub(crate) mod siege;

pub(crate) use std::time::Duration;

pub(crate) use chrono::NaiveDate;
pub(crate) use serde_json::{Value, json};
pub(crate) use ureq::http::{Method, Request};

pub(crate) use super::http::connections::Limits;
pub(crate) use super::http::serve::{Options, Running, serve};
pub(crate) use super::state::{EngineView, NoEdge, NoEngine, Parts, State};
pub(crate) use domain::certificate::Certificate;
pub(crate) use domain::people::password::{self, Cost};
pub(crate) use domain::people::token::{Signer, fresh_key};
pub(crate) use domain::{Clock, Instant, PatientId, PatientIdentity, Role, StaffIdentity, UserId};
pub(crate) use store::people::sessions::{self, Kind};
pub(crate) use store::people::users::{self, NewUser};
pub(crate) use store::testing::{Home, NOW, stores};
pub(crate) use store::{Actor, Store, Tx, patients};

pub(crate) const PASSWORD: &str = "uma senha longa e boa";

/// A house with a server in front.
pub(crate) struct House {
    pub(crate) home: Home,
    pub(crate) clock: Clock,
    pub(crate) tokens: std::sync::Arc<Signer>,
    pub(crate) running: Option<Running>,
    pub(crate) runtime: tokio::runtime::Runtime,
    pub(crate) base: String,
    pub(crate) client: ureq::Agent,
}

/// An answer.
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) tag: Option<String>,
    pub(crate) body: Value,
}

impl Got {
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }

    pub(crate) fn must(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }
}

pub(crate) fn houses() -> Vec<House> {
    stores().into_iter().map(House::around).collect()
}

/// What a house of a test has apart from others.
pub(crate) struct Built {
    pub(crate) behind_proxy: bool,
    pub(crate) tls: Option<rustls::ServerConfig>,
    pub(crate) log_signer: Option<audit::note::Signer>,
    pub(crate) engine: std::sync::Arc<dyn EngineView>,
    pub(crate) certificates: Vec<Certificate>,
}

impl Default for Built {
    fn default() -> Self {
        let engine = std::sync::Arc::new(NoEngine);
        Self { behind_proxy: false, tls: None, log_signer: None, engine, certificates: Vec::new() }
    }
}

impl House {
    pub(crate) fn around(home: Home) -> Self {
        Self::limited(home, Limits::of_descriptors(4_096))
    }

    pub(crate) fn limited(home: Home, limits: Limits) -> Self {
        Self::built(home, limits, Built::default())
    }

    pub(crate) fn reached(home: Home, limits: Limits, behind_proxy: bool) -> Self {
        Self::built(home, limits, Built { behind_proxy, ..Built::default() })
    }

    pub(crate) fn behind(home: Home, limits: Limits, tls: Option<rustls::ServerConfig>) -> Self {
        Self::built(home, limits, Built { tls, ..Built::default() })
    }

    /// With a log that is signed and shown.
    pub(crate) fn signed(home: Home) -> Self {
        let signer = store::audit::open(&home, &home.dir().join("keys"), NOW).unwrap();
        let built = Built { log_signer: Some(signer), ..Built::default() };
        Self::built(home, Limits::of_descriptors(4_096), built)
    }

    pub(crate) fn with(home: Home, limits: Limits, engine: std::sync::Arc<dyn EngineView>) -> Self {
        Self::built(home, limits, Built { engine, ..Built::default() })
    }

    pub(crate) fn built(home: Home, limits: Limits, built: Built) -> Self {
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
            webhook_networks: domain::messages::network::Networks::default(),
            certificates,
        });
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let http = "127.0.0.1:0".parse().unwrap();
        let options = Options { http, metrics: Some(http), tls, behind_proxy, secure_cookie: false, limits };
        let running = runtime.block_on(async { serve(state, options) }).unwrap();
        let base = format!("http://{}", running.address);
        let config = ureq::Agent::config_builder()
            // An idle connection may be closed by the other side just as it is used again.
            .max_idle_connections(0)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(20)))
            .build();
        Self { home, clock, tokens, running: Some(running), runtime, base, client: config.into() }
    }

    pub(crate) fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Got {
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

    pub(crate) fn get(&self, who: &str, path: &str) -> Got {
        self.call("GET", path, &[("authorization", who)], None)
    }

    pub(crate) fn post(&self, who: &str, path: &str, body: &Value) -> Got {
        self.call("POST", path, &[("authorization", who)], Some(&body.to_string()))
    }

    pub(crate) fn write<T>(&self, f: impl FnMut(&mut Tx<'_>) -> store::Result<T>) -> T {
        self.home.write(Actor::Operator, self.clock.now(), f).unwrap()
    }

    pub(crate) fn user(&self, role: Role, patient: Option<PatientId>) -> UserId {
        let cheap = Cost { memory: 64, passes: 1, lanes: 1 };
        let email = format!("{}-{}@clinica.example", role.name(), UserId::new(NOW));
        let identity = StaffIdentity { name: role.name().parse().unwrap(), email: email.parse().unwrap() };
        let password = (role != Role::Service).then(|| password::hash(PASSWORD, &[], cheap).unwrap());
        let new = NewUser { identity, role, password, patient };
        self.write(|tx| users::insert(tx, &new)).id
    }

    pub(crate) fn email(&self, user: UserId) -> String {
        let user = self.home.read(|view| users::get(view, user)).unwrap();
        user.identity.unwrap().email.as_str().to_owned()
    }

    /// A fresh session of a user, as an `Authorization` header.
    pub(crate) fn enter(&self, user: UserId, role: Role) -> String {
        let (session, _) = self.write(|tx| sessions::create(tx, user, Kind::Program));
        let token = self.tokens.for_user(user, role, session.id, self.clock.now()).unwrap();
        format!("Bearer {token}")
    }

    pub(crate) fn staff(&self, role: Role) -> String {
        self.enter(self.user(role, None), role)
    }

    pub(crate) fn patient(&self, name: &str) -> patients::Patient {
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
    pub(crate) fn term(&self, who: &str, purpose: &str) -> String {
        let terms = self.get(who, &format!("/api/v1/terms?purpose={purpose}")).must(200);
        let current = terms["items"].as_array().unwrap().iter().find(|term| term["current"] == true).unwrap();
        current["text_sha256"].as_str().unwrap().to_owned()
    }

    /// A grant, with readings covered from an hour before.
    pub(crate) fn grant(&self, who: &str, patient: PatientId, purpose: &str) -> Value {
        let from = self.clock.now().minus(Duration::from_secs(3_600));
        let body = json!({
            "purpose": purpose, "action": "grant", "term_sha256": self.term(who, purpose), "measured_from": from,
        });
        self.post(who, &format!("/api/v1/patients/{patient}/consents"), &body).must(201)
    }

    pub(crate) fn grant_all(&self, patient: PatientId) {
        let agent = self.staff(Role::Agent);
        self.grant(&agent, patient, "telemetry.collect");
        self.grant(&agent, patient, "alert.evaluate");
        self.grant(&agent, patient, "alert.escalate");
    }

    pub(crate) fn revoke(&self, patient: PatientId, purpose: &str) -> Got {
        let body = json!({ "purpose": purpose, "action": "revoke" });
        self.post(&self.staff(Role::Dpo), &format!("/api/v1/patients/{patient}/consents"), &body)
    }

    pub(crate) fn now(&self) -> Instant {
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
