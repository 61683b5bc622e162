//! TLS: a token over it, a client certificate instead of one, and certificates nobody signed.

use super::house::{Edge, TOKEN, device};
use super::raw::{Hello, Raw};
use mqtt::gateway::{Error, TlsOptions};
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use uuid::Uuid;

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

    fn sign(
        &self,
        cn: &str,
        names: &[&str],
        usage: ExtendedKeyUsagePurpose,
    ) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut params =
            CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
        params.distinguished_name.push(DnType::CommonName, cn);
        params.extended_key_usages = vec![usage];
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }
}

fn edge(authority: &Authority) -> Edge {
    let (certificate, key) = authority.sign("gateway", &["localhost"], ExtendedKeyUsagePurpose::ServerAuth);
    Edge::with(|o| {
        o.tls = Some(TlsOptions {
            listen: ([127, 0, 0, 1], 0).into(),
            certificates_pem: certificate.pem().into_bytes(),
            key_pem: key.serialize_pem().into_bytes(),
            client_ca_pem: Some(authority.certificate.pem().into_bytes()),
        });
    })
}

async fn connect(edge: &Edge, authority: &Authority, client: Option<(rcgen::Certificate, KeyPair)>) -> Raw {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.certificate.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match client {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
            let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    let socket = TcpStream::connect(edge.handle.tls_addr().unwrap()).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    Raw::over(TlsConnector::from(Arc::new(config)).connect(name, socket).await.unwrap())
}

fn anonymous() -> Hello {
    Hello { user_name: None, password: None, ..Hello::new(5, Uuid::nil()) }
}

#[tokio::test]
async fn a_token_is_good_over_tls() {
    let authority = Authority::new();
    let edge = edge(&authority);
    let mut raw = connect(&edge, &authority, None).await;
    let device = device();
    raw.device = device;
    raw.send(&Hello::new(5, device).bytes()).await;
    assert_eq!(raw.packet().await.1[1], 0);
    raw.telemetry(1, 1, "ok").await;
    assert_eq!(raw.ack().await.1, 1);
}

#[tokio::test]
async fn a_certificate_whose_common_name_is_the_device_needs_no_token() {
    let authority = Authority::new();
    let edge = edge(&authority);
    let device = device();
    let client = authority.sign(&device.to_string(), &[], ExtendedKeyUsagePurpose::ClientAuth);
    let mut raw = connect(&edge, &authority, Some(client)).await;
    raw.device = device;
    raw.send(&anonymous().bytes()).await;
    assert_eq!(raw.packet().await.1[1], 0);
    assert!(edge.handle.registry().is_connected(device));
    raw.telemetry(1, 1, "ok").await;
    assert_eq!(raw.ack().await.1, 1);
}

#[tokio::test]
async fn two_identities_are_none() {
    let authority = Authority::new();
    let edge = edge(&authority);
    let (own, other) = (device(), device());
    let named = |name: Uuid, password: Option<&str>| Hello {
        password: password.map(str::to_owned),
        user_name: Some(name.to_string()),
        ..anonymous()
    };
    let upper = Hello { user_name: Some(own.to_string().to_uppercase()), ..anonymous() };
    for (why, hello, code) in [
        ("somebody else's name and token", named(other, Some(TOKEN)), 0x87),
        ("somebody else's name alone", named(other, None), 0x87),
        ("a name that is no device", Hello { user_name: Some("root".into()), ..anonymous() }, 0x87),
        ("a wrong token", named(own, Some("wrong")), 0x87),
        ("its own name", named(own, None), 0),
        ("its own name in capitals", upper, 0),
        ("its own token", named(own, Some(TOKEN)), 0),
    ] {
        for level in [4, 5] {
            let client = authority.sign(&own.to_string(), &[], ExtendedKeyUsagePurpose::ClientAuth);
            let mut raw = connect(&edge, &authority, Some(client)).await;
            raw.send(&Hello { level, ..hello.clone() }.bytes()).await;
            let refused = if level == 4 && code != 0 { 5 } else { code };
            assert_eq!(raw.packet().await.1[1], refused, "{why}, level {level}");
        }
    }
}

#[tokio::test]
async fn a_certificate_that_names_nobody_is_not_passed_over_for_a_token() {
    let authority = Authority::new();
    let edge = edge(&authority);
    let own = device();
    for (cn, hello) in [("fleet", Hello::new(5, own)), ("", Hello::new(5, own)), ("fleet", anonymous())] {
        let client = authority.sign(cn, &[], ExtendedKeyUsagePurpose::ClientAuth);
        let mut raw = connect(&edge, &authority, Some(client)).await;
        raw.send(&hello.bytes()).await;
        assert_eq!(raw.packet().await.1[1], 0x87, "{cn:?}");
    }
}

#[tokio::test]
async fn no_certificate_and_no_token_is_refused() {
    let authority = Authority::new();
    let edge = edge(&authority);
    let mut raw = connect(&edge, &authority, None).await;
    raw.send(&anonymous().bytes()).await;
    assert_eq!(raw.packet().await.1[1], 0x87);
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let edge = edge(&authority);
    let client = stranger.sign(&device().to_string(), &[], ExtendedKeyUsagePurpose::ClientAuth);
    let mut raw = connect(&edge, &authority, Some(client)).await;
    drop(raw.try_send(&anonymous().bytes()).await);
    assert_eq!(raw.next().await, None);
    assert_eq!(edge.handle.registry().connected_count(), 0);
}

#[tokio::test]
async fn a_key_that_is_none_is_said_at_start() {
    let options = TlsOptions {
        listen: ([127, 0, 0, 1], 0).into(),
        certificates_pem: b"nothing".to_vec(),
        key_pem: b"nothing".to_vec(),
        client_ca_pem: None,
    };
    let options = mqtt::gateway::Options {
        listen: ([127, 0, 0, 1], 0).into(),
        tls: Some(options),
        ..Default::default()
    };
    let house = Arc::clone(&Edge::new().house);
    let error = mqtt::gateway::Gateway::start(options, house).err().unwrap();
    assert!(matches!(error, Error::Tls { what: "the private key", .. }), "{error}");
}
