//! MQTT over TLS: the server's certificate, and client certificates whose common name is the
//! device id. rustls verifies chain and validity; the provider is named, never guessed.

use super::backend::Credentials;
use super::limits::Error;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Where TLS listens and with what.
#[derive(Clone)]
pub struct TlsOptions {
    /// Where MQTT over TLS listens; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The server's certificate chain, PEM, leaf first.
    pub certificates_pem: Vec<u8>,
    /// Its private key, PEM.
    pub key_pem: Vec<u8>,
    /// The authorities that sign client certificates, PEM. `None`: no client certificates.
    pub client_ca_pem: Option<Vec<u8>>,
}

impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsOptions").field("listen", &self.listen).finish_non_exhaustive()
    }
}

impl TlsOptions {
    /// Reads the PEM files.
    ///
    /// # Errors
    /// [`Error::Read`] names the file that cannot be read.
    pub fn from_files(
        listen: SocketAddr,
        certificates: &Path,
        key: &Path,
        client_ca: Option<&Path>,
    ) -> Result<Self, Error> {
        Ok(Self {
            listen,
            certificates_pem: read("the certificate", certificates)?,
            key_pem: read("the private key", key)?,
            client_ca_pem: client_ca.map(|path| read("the client authority", path)).transpose()?,
        })
    }

    /// The server side of rustls for these options: TLS 1.2 and 1.3.
    pub(crate) fn server_config(&self) -> Result<Arc<rustls::ServerConfig>, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|source| unusable("the protocol versions", &source))?;
        let builder = match &self.client_ca_pem {
            None => builder.with_no_client_auth(),
            Some(pem) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates("the client authority", pem)? {
                    roots.add(certificate).map_err(|source| unusable("the client authority", &source))?;
                }
                // A device without a certificate may still show its token.
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                    .allow_unauthenticated()
                    .build()
                    .map_err(|source| unusable("the client authority", &source))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let key = PrivateKeyDer::from_pem_slice(&self.key_pem)
            .map_err(|source| unusable("the private key", &source))?;
        let chain = certificates("the certificate", &self.certificates_pem)?;
        let config =
            builder.with_single_cert(chain, key).map_err(|source| unusable("the certificate", &source))?;
        Ok(Arc::new(config))
    }
}

/// What a verified client certificate says; `None` when there is none. One that names nobody, or two, is somebody all
/// the same: it is not passed over for a token.
pub(crate) fn credentials(chain: Option<&[CertificateDer<'_>]>) -> Option<Credentials> {
    let der = chain?.first()?;
    let (_rest, certificate) = X509Certificate::from_der(der).ok()?;
    let mut names = certificate.subject().iter_common_name().map(|name| name.as_str().unwrap_or_default());
    let cn = names.next().filter(|_first| names.next().is_none()).unwrap_or_default().to_owned();
    let not_after = certificate.validity().not_after.timestamp().saturating_mul(1_000_000);
    let digest = ring::digest::digest(&ring::digest::SHA256, der);
    let fingerprint = <[u8; 32]>::try_from(digest.as_ref()).ok()?;
    Some(Credentials::Certificate { cn, fingerprint, not_after, token: None })
}

/// Until when the first certificate of a PEM text is good (microseconds since 1970), the one that is shown to clients.
///
/// # Errors
/// [`Error::Tls`]: the text holds no certificate that can be read.
pub fn not_after(pem: &[u8]) -> Result<i64, Error> {
    let what = "the certificate";
    let chain = certificates(what, pem)?;
    let none = || Error::Tls { what, reason: "no CERTIFICATE block in the PEM text".to_owned() };
    let shown = chain.first().ok_or_else(none)?;
    let (_rest, shown) = X509Certificate::from_der(shown).map_err(|source| unusable(what, &source))?;
    Ok(shown.validity().not_after.timestamp().saturating_mul(1_000_000))
}

fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::Read { what, path: path.display().to_string(), source })
}

fn certificates(what: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|source| unusable(what, &source))?;
    if all.is_empty() {
        return Err(Error::Tls { what, reason: "no CERTIFICATE block in the PEM text".to_owned() });
    }
    Ok(all)
}

fn unusable(what: &'static str, source: &impl fmt::Display) -> Error {
    Error::Tls { what, reason: source.to_string() }
}
