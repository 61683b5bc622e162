//! A right to speak that ends, ends the live session at once and at whatever node: a revoked token, a device put out of
//! use, also one that shows a certificate. A session that came with the other valid token stays.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, TokenId};
use mqtt::gateway::TlsOptions;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::PubAckReason;
use rumqttc::v5::{AsyncClient, EventLoop};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use store::{Actor, Store, Tx, devices};
use zelo::app::House;

use super::nodes::{acked, ended, next};
use super::writer::heart_rate;
use crate::support::clinic::{Bed, Clinic, eventually};

fn act<T>(store: &Store, f: impl FnMut(&mut Tx<'_>) -> store::Result<T>) -> T {
    store.write(Actor::Operator, Clock::System.now(), f).unwrap()
}

/// Another token of the bed's device, as a bed that shows it.
fn rotated(clinic: &Clinic, bed: &Bed) -> (TokenId, Bed) {
    let id = act(&clinic.store, |tx| devices::issue_token(tx, bed.device, None));
    let token = clinic.tokens.for_device(bed.device, id, None, Clock::System.now()).unwrap();
    (id, Bed { patient: bed.patient, patient_key: bed.patient_key, device: bed.device, token })
}

fn first_token(clinic: &Clinic, bed: &Bed) -> TokenId {
    clinic.tokens.device(&bed.token, Clock::System.now()).unwrap().jti
}

async fn is_heard(bed: &Bed, client: &AsyncClient, events: &mut EventLoop) {
    let reading = heart_rate(Clock::System.now().millis(), 71.0);
    client.publish(bed.topic(), QoS::AtLeastOnce, false, reading).await.unwrap();
    assert_eq!(next(events, acked).await, PubAckReason::Success);
}

/// The device lives at `near`; what ends it is done at `far`.
async fn rights_end(clinic: &Clinic, near: &House, far: &Store) {
    let bed = &clinic.beds[0];
    let (client, mut events) = bed.client(near);
    is_heard(bed, &client, &mut events).await;
    act(far, |tx| devices::revoke_token(tx, bed.device, first_token(clinic, bed)));
    let goodbye = next(&mut events, ended).await;
    assert!(goodbye.contains("ServerDisconnect") && goodbye.contains("NotAuthorized"), "{goodbye}");
    assert!(goodbye.contains("token was revoked"), "{goodbye}");
    let refused = next(&mut events, ended).await;
    assert!(refused.contains("NotAuthorized"), "no new session opens with it: {refused}");

    let (second, with_second) = rotated(clinic, bed);
    let (client, mut events) = with_second.client(near);
    is_heard(bed, &client, &mut events).await;
    let (third, with_third) = rotated(clinic, bed);
    act(far, |tx| devices::revoke_token(tx, bed.device, third));
    let refused = next(&mut with_third.client(near).1, ended).await;
    assert!(refused.contains("NotAuthorized"), "{refused}");
    is_heard(bed, &client, &mut events).await;

    // Of three tokens the oldest ends, and its session with it.
    let (_, with_fourth) = rotated(clinic, bed);
    is_heard(bed, &client, &mut events).await;
    rotated(clinic, bed);
    assert!(
        !clinic
            .store
            .read(|view| devices::token_is_valid(view, bed.device, second, Clock::System.now()))
            .unwrap()
    );
    let goodbye = next(&mut events, ended).await;
    assert!(goodbye.contains("ServerDisconnect") && goodbye.contains("NotAuthorized"), "{goodbye}");

    let (client, mut events) = with_fourth.client(near);
    is_heard(bed, &client, &mut events).await;
    act(far, |tx| devices::disable(tx, bed.device));
    let goodbye = next(&mut events, ended).await;
    assert!(goodbye.contains("ServerDisconnect") && goodbye.contains("NotAuthorized"), "{goodbye}");
    assert!(goodbye.contains("out of use"), "{goodbye}");
    act(far, |tx| devices::enable(tx, bed.device));
    let refused = next(&mut events, ended).await;
    assert!(refused.contains("NotAuthorized"), "its tokens stay ended: {refused}");
    let (_, anew) = rotated(clinic, bed);
    let (client, mut events) = anew.client(near);
    is_heard(bed, &client, &mut events).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_right_that_ends_ends_its_session_and_no_other() {
    for clinic in Clinic::each(1) {
        let house = clinic.house(&clinic.store).await;
        rights_end(&clinic, &house, &clinic.store).await;
        house.stop().await;
        clinic.verify();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_right_that_ends_at_one_node_ends_the_session_at_the_other() {
    let Some(clinic) = Clinic::postgres(1) else {
        println!("skipped: ZELO_TEST_POSTGRES is not set (tests/run sets it)");
        return;
    };
    let elsewhere = clinic.again();
    let (near, other) = (clinic.house(&clinic.store).await, clinic.house(&elsewhere).await);
    rights_end(&clinic, &near, &elsewhere).await;
    near.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_that_runs_out_ends_its_session() {
    let clinic = Clinic::sqlite(1);
    let house = clinic.house(&clinic.store).await;
    let (bed, now) = (&clinic.beds[0], Clock::System.now());
    let ends = Some(now.plus(Duration::from_secs(3)));
    let id = act(&clinic.store, |tx| devices::issue_token(tx, bed.device, ends));
    let token = clinic.tokens.for_device(bed.device, id, ends, now).unwrap();
    let brief = Bed { patient: bed.patient, patient_key: bed.patient_key, device: bed.device, token };
    let (client, mut events) = brief.client(&house);
    is_heard(bed, &client, &mut events).await;
    let goodbye = next(&mut events, ended).await;
    assert!(goodbye.contains("ServerDisconnect") && goodbye.contains("NotAuthorized"), "{goodbye}");
    assert!(goodbye.contains("has ended"), "{goodbye}");
    house.stop().await;
}

/// CONNECT of MQTT 5 without a user name, and what is answered, over TLS with a client certificate.
struct Certified(StreamOwned<ClientConnection, TcpStream>);

impl Certified {
    fn connect(address: SocketAddr, config: ClientConfig) -> Self {
        let tls =
            ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap();
        let socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut stream = StreamOwned::new(tls, socket);
        stream.write_all(b"\x10\x0e\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01w").unwrap();
        stream.flush().unwrap();
        Self(stream)
    }

    /// The next packet: its first byte and the rest.
    fn packet(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).unwrap();
        let mut body = vec![0; usize::from(head[1])];
        self.0.read_exact(&mut body).unwrap();
        (head[0], body)
    }
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    fn sign(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![usage];
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_certificate_of_a_device_put_out_of_use_ends_its_session() {
    let clinic = Clinic::sqlite(1);
    let device = clinic.beds[0].device;
    let authority = Authority::new();
    let (certificate, key) = authority.sign("localhost", ExtendedKeyUsagePurpose::ServerAuth);
    let tls = TlsOptions {
        listen: ([127, 0, 0, 1], 0).into(),
        certificates_pem: certificate.pem().into_bytes(),
        key_pem: key.serialize_pem().into_bytes(),
        client_ca_pem: Some(authority.certificate.pem().into_bytes()),
    };
    let house = clinic.house_with(&clinic.store, Some(tls)).await;
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate.der().clone()).unwrap();
    let (certificate, key) = authority.sign(&device.to_string(), ExtendedKeyUsagePurpose::ClientAuth);
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots);
    let config = config.with_client_auth_cert(vec![certificate.der().clone()], key).unwrap();
    let address = house.gateway.tls_addr().unwrap();
    let again = config.clone();
    let mut live = tokio::task::spawn_blocking(move || Certified::connect(address, config)).await.unwrap();
    let (connack, live) = tokio::task::spawn_blocking(move || (live.packet(), live)).await.unwrap();
    assert_eq!((connack.0, connack.1[1]), (0x20, 0));
    eventually("it is seated", || house.registry.token_of(device.0) == Some(None)).await;
    act(&clinic.store, |tx| devices::disable(tx, device));
    let mut live = live;
    let goodbye = tokio::task::spawn_blocking(move || live.packet()).await.unwrap();
    assert_eq!((goodbye.0, goodbye.1[0]), (0xe0, 0x87));
    let refused =
        tokio::task::spawn_blocking(move || Certified::connect(address, again).packet()).await.unwrap();
    assert_eq!((refused.0, refused.1[1]), (0x20, 0x87));
    house.stop().await;
}
