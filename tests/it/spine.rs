//! The spine in one process: a real MQTT client publishes, consent decides, the reading is stored, judged,
//! audited and acknowledged; a revocation stops all of it.

use std::sync::Arc;
use std::time::{Duration, Instant as Moment};

use consent::{Context, Controller, Datum, Giver, Grant, Purpose, Request};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use zelo::app::{House, Options, Signers};
use zelo::domain::token::Signer;
use zelo::domain::{
    AlertState, Clock, DeviceId, DeviceIdentity, Instant, Level, Name, PatientId, PatientIdentity, Signal,
};
use zelo::store::{
    Actor, Store, alerts, bindings, consents, devices, init, kek, log, patients, signing, telemetry, terms,
};

struct Clinic {
    dir: tempfile::TempDir,
    store: Store,
    tokens: Arc<Signer>,
    house: House,
    patient: PatientId,
    patient_key: i64,
    device: DeviceId,
    token: String,
}

impl Clinic {
    async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keys = dir.path().join("keys");
        std::fs::create_dir_all(&keys).unwrap();
        kek::Keks::generate(&keys, 1).unwrap();
        signing::generate(&keys).unwrap();
        let store = Store::open_dir(dir.path()).unwrap();
        let now = Clock::System.now();
        init::initialise(&store, &Controller::demo(), now).unwrap();
        let (patient, patient_key, device, token_id) = enrol(&store, now);
        let tokens = Arc::new(signing::load(&keys).unwrap());
        let token = tokens.for_device(device, token_id, None, now).unwrap();
        let house = start(&store, &tokens, &keys).await;
        Self { dir, store, tokens, house, patient, patient_key, device, token }
    }

    fn client(&self) -> (AsyncClient, EventLoop) {
        let address = self.house.gateway.local_addr();
        let mut options = MqttOptions::new("spine", address.ip().to_string(), address.port());
        options.set_credentials(self.device.to_string(), self.token.clone());
        AsyncClient::new(options, 100)
    }

    fn topic(&self) -> String {
        format!("zelo/v1/devices/{}/telemetry", self.device)
    }

    fn readings(&self) -> usize {
        let now = Clock::System.now();
        self.store
            .read(|view| {
                let ledger = zelo::store::ledger::of(view, self.patient_key)?;
                let context = Context { data: &[Datum::Reading], ..Context::system(now.micros()) };
                let request = Request {
                    bases: &consent::Bases::default(),
                    records: &ledger,
                    subject: &consent::Subject::default(),
                    context: &context,
                };
                let permit = consent::decide(&request).unwrap();
                let all = (Instant::from_micros(0), Instant::MAX);
                telemetry::series(view, &permit, self.patient_key, Signal::HeartRate, all.0, all.1)
            })
            .unwrap()
            .len()
    }
}

async fn start(store: &Store, tokens: &Arc<Signer>, keys: &std::path::Path) -> House {
    let signers =
        Signers { tokens: Arc::clone(tokens), log: log::open(store, keys, Clock::System.now()).unwrap() };
    let options = Options {
        mqtt: "127.0.0.1:0".parse().unwrap(),
        mqtt_tls: None,
        node: 0,
        bases: consent::Bases::default(),
    };
    House::start(store, &Clock::System, signers, options).await.unwrap()
}

fn enrol(store: &Store, now: Instant) -> (PatientId, i64, DeviceId, zelo::domain::TokenId) {
    store
        .write(Actor::Operator, now, |tx| {
            let identity = PatientIdentity {
                name: "Maria Fictícia".parse::<Name>().unwrap(),
                birth_date: chrono::NaiveDate::from_ymd_opt(1980, 5, 4).unwrap(),
                cpf: None,
                cns: None,
                email: None,
                phone: None,
            };
            let details =
                patients::Details { identity, zone: "America/Sao_Paulo".into(), language: "pt-BR".into() };
            let patient = patients::insert(tx, &details)?;
            let device = devices::insert(
                tx,
                &DeviceIdentity { label: "Pulseira".into(), model: "Z1".into(), serial: None },
            )?;
            bindings::bind(tx, device.id, patient.id, now.minus(Duration::from_secs(7_200)), false)?;
            for purpose in [Purpose::TelemetryCollect, Purpose::AlertEvaluate] {
                grant(tx, patient.id, purpose, now)?;
            }
            let token = devices::issue_token(tx, device.id, None)?;
            Ok((patient.id, patient.key, device.id, token))
        })
        .unwrap()
}

fn grant(
    tx: &mut zelo::store::Tx<'_>,
    patient: PatientId,
    purpose: Purpose,
    now: Instant,
) -> zelo::store::Result<()> {
    let term = terms::current(tx, purpose)?.remove(0);
    let mut hash = [0; 32];
    hex::decode_to_slice(&term.text_sha256, &mut hash).unwrap();
    let mut grant = Grant::of(hash);
    grant.measured_from = Some(now.minus(Duration::from_secs(7_200)).micros());
    consents::grant(tx, patient, purpose, grant, &Giver::Subject.into()).map(drop)
}

/// Polls until `wanted` says so of an event, within ten seconds.
async fn until<T>(events: &mut EventLoop, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = wanted(events.poll().await.unwrap()) {
                return found;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), found).await.expect("the event comes within ten seconds")
}

fn puback(event: Event) -> Option<PubAckReason> {
    match event {
        Event::Incoming(Packet::PubAck(ack)) => Some(ack.reason),
        _ => None,
    }
}

/// What the gateway says when it ends or refuses the connection.
async fn refusal(events: &mut EventLoop) -> String {
    loop {
        if let Err(error) = events.poll().await {
            return format!("{error:?}");
        }
    }
}

async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Moment::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(10), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn second_by_second(from: Instant, values: impl IntoIterator<Item = u32>) -> String {
    let samples = values.into_iter().zip(0..).map(|(value, second)| {
        let at = from.plus(Duration::from_secs(second)).millis();
        serde_json::json!({ "ts": at, "values": { "heart_rate": value } })
    });
    serde_json::Value::Array(samples.collect()).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_red_is_raised_live_and_a_revocation_stops_everything() {
    let clinic = Clinic::open().await;
    let (client, mut events) = clinic.client();
    let from = Clock::System.now().minus(Duration::from_secs(200));
    client.publish(clinic.topic(), QoS::AtLeastOnce, false, second_by_second(from, [80; 61])).await.unwrap();
    assert_eq!(until(&mut events, puback).await, PubAckReason::Success);
    assert_eq!(clinic.readings(), 61);

    let red = from.plus(Duration::from_secs(61));
    client.publish(clinic.topic(), QoS::AtLeastOnce, false, second_by_second(red, [130; 61])).await.unwrap();
    assert_eq!(until(&mut events, puback).await, PubAckReason::Success);
    let of_patient = alerts::Filter { patient_key: Some(clinic.patient_key), ..alerts::Filter::default() };
    let found = || clinic.store.read(|view| alerts::page(view, of_patient, 10)).unwrap();
    eventually("a red is open", || found().iter().any(|alert| alert.case.facts.peak == Level::Red)).await;
    assert_eq!(found().len(), 1);

    let resent = second_by_second(red, [130; 61]);
    client.publish(clinic.topic(), QoS::AtLeastOnce, false, resent).await.unwrap();
    assert_eq!(until(&mut events, puback).await, PubAckReason::Success);
    assert_eq!(clinic.readings(), 122, "the same identity and value is stored once");

    let patient = clinic.patient;
    clinic
        .store
        .write(Actor::Operator, Clock::System.now(), |tx| {
            consents::revoke(tx, patient, Purpose::TelemetryCollect, &Giver::Subject.into())
        })
        .unwrap();
    let goodbye = tokio::time::timeout(Duration::from_secs(10), refusal(&mut events)).await.unwrap();
    assert!(goodbye.contains("AdministrativeAction") && goodbye.contains("LGPD art. 8 §5"), "{goodbye}");
    assert!(found().iter().all(|alert| alert.case.state == AlertState::Resolved));
    let again = tokio::time::timeout(Duration::from_secs(10), refusal(&mut events)).await.unwrap();
    assert!(again.contains("NotAuthorized"), "CONNECT is refused until a new grant: {again}");

    let keys = clinic.dir.path().join("keys");
    let vkey = log::load(&clinic.store, &keys).unwrap().vkey().clone();
    let (store, tokens) = (clinic.store.clone(), Arc::clone(&clinic.tokens));
    eventually("every second is sealed", || store.read(zelo::store::receipts::open).unwrap() == 0).await;
    clinic.house.stop().await;
    let report = log::verify(&store, &vkey, None, None).unwrap();
    assert!(report.ok, "{report:?}");
    drop(tokens);
}
