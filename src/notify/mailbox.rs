//! The mailbox where bounces arrive, over IMAP (RFC 3501). It is read from a watermark on and nothing in it is ever
//! deleted or moved; a bounce that was put down is marked as seen, everybody else's mail stays as it is.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_imap::error::Error as ImapError;
use async_imap::{Client, Session};
use futures_util::TryStreamExt;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::bounce::{self, Bounce, Mail};
use super::mark::Marks;
use super::options::Imap;
use super::place::Cover;
use super::wire::Wire;

/// For one visit.
const LIMIT: Duration = Duration::from_secs(60);
/// Mails of one visit.
const MAILS: usize = 100;
/// Bytes of one mail that are read: a report stands before what it gives back.
const BYTES: usize = 128 * 1024;

/// How far a mailbox was read. Numbers count only while `validity` stays the same (RFC 3501 §2.3.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Watermark {
    /// The mailbox's UIDVALIDITY.
    pub validity: u32,
    /// The last UID that was read.
    pub uid: u32,
}

/// What a visit found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Visit {
    /// Reports on our messages, oldest first.
    pub bounces: Vec<Bounce>,
    /// Their UIDs, for [`Mailbox::settle`].
    pub settled: Vec<u32>,
    /// Other mail, which was left alone.
    pub other: u32,
    /// Mail that cannot be read, which was left alone.
    pub broken: u32,
    /// Where the next visit begins; put it down together with the bounces.
    pub watermark: Watermark,
    /// There is more: come again at once.
    pub more: bool,
}

/// A visit failed; the watermark stays where it was. The server's words are not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No connection, or it broke.
    #[error("the bounce mailbox's server is out of reach (notify_imap_url)")]
    Unreachable,
    /// Its certificate is not believed, or it offers no TLS.
    #[error("the bounce mailbox's server cannot be trusted: see notify_imap_url and notify_imap_ca")]
    Tls,
    /// Wrong name or password.
    #[error("the bounce mailbox refuses us: see notify_imap_user and its password")]
    Denied,
    /// The folder is not there.
    #[error("the bounce mailbox has no such folder, or hides its UIDVALIDITY: see notify_imap_folder")]
    Folder,
    /// It answers what we do not understand.
    #[error("the bounce mailbox's server answers what is not IMAP")]
    Odd,
    /// It took longer than a minute.
    #[error("the bounce mailbox's server did not end within a minute")]
    Timeout,
    /// The settings name a file that holds no certificate, or the system gives no thread.
    #[error("the bounce mailbox cannot be set up: see notify_imap_ca and notify_smtp_from")]
    Setup,
}

impl Error {
    /// For the log and the breaker.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::Denied => "denied",
            Self::Folder => "folder",
            Self::Odd => "odd",
            Self::Timeout => "timeout",
            Self::Setup => "setup",
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug> Stream for T {}

/// Where reports on our messages are read.
pub trait Reports: Send + Sync {
    /// What came after a watermark, or everything when there is none; see [`Mailbox::visit`].
    ///
    /// # Errors
    /// [`Error`].
    fn visit(&self, since: Option<Watermark>) -> Result<Visit, Error>;

    /// The reports of a visit are put down; see [`Mailbox::settle`].
    ///
    /// # Errors
    /// [`Error`].
    fn settle(&self, visit: &Visit) -> Result<(), Error>;
}

impl Reports for Mailbox {
    fn visit(&self, since: Option<Watermark>) -> Result<Visit, Error> {
        Self::visit(self, since)
    }

    fn settle(&self, visit: &Visit) -> Result<(), Error> {
        Self::settle(self, visit)
    }
}

/// One mailbox.
pub struct Mailbox {
    imap: Imap,
    tls: Option<TlsConnector>,
    marks: Marks,
    wire: Wire,
}

impl Mailbox {
    /// For one mailbox; nothing is connected yet. `from` is the sender of our messages, `secret` that of
    /// [`super::from_options`].
    ///
    /// # Errors
    /// [`Error::Setup`].
    pub fn new(imap: &Imap, from: &str, secret: &[u8]) -> Result<Self, Error> {
        let domain = super::email::domain_of(from).map_err(|_named_by_config| Error::Setup)?;
        let tls = match imap.place.cover {
            Cover::Plain => None,
            Cover::Tls | Cover::StartTls => Some(trust(imap)?),
        };
        let wire = Wire::new().map_err(|_no_thread| Error::Setup)?;
        Ok(Self { imap: imap.clone(), tls, marks: Marks::new(secret, &domain), wire })
    }

    /// Reads what came after a watermark, or everything when there is none or the mailbox numbers anew; a hundred at a
    /// time. Nothing is changed.
    ///
    /// # Errors
    /// [`Error`].
    pub fn visit(&self, since: Option<Watermark>) -> Result<Visit, Error> {
        let (imap, tls, marks) = (self.imap.clone(), self.tls.clone(), self.marks.clone());
        let visit = async move {
            let mut session = sign_in(&imap, tls).await?;
            let visit = read(&mut session, &imap.folder, since, &marks).await?;
            leave(session).await;
            Ok(visit)
        };
        self.wire.within(LIMIT, visit).unwrap_or(Err(Error::Timeout))
    }

    /// Marks the bounces of a visit as seen, once they are put down. Without it nothing is lost: the watermark holds.
    ///
    /// # Errors
    /// [`Error`].
    pub fn settle(&self, visit: &Visit) -> Result<(), Error> {
        if visit.settled.is_empty() {
            return Ok(());
        }
        let (imap, tls, visit) = (self.imap.clone(), self.tls.clone(), visit.clone());
        let settle = async move {
            let mut session = sign_in(&imap, tls).await?;
            let folder = session.select(&imap.folder).await.map_err(|fault| of(&fault, Error::Folder))?;
            // Other mails have these numbers now.
            if folder.uid_validity == Some(visit.watermark.validity) {
                let changed = session.uid_store(list(&visit.settled), "+FLAGS.SILENT (\\Seen)").await;
                let changed = changed.map_err(|fault| of(&fault, Error::Odd))?;
                changed.try_collect::<Vec<_>>().await.map_err(|fault| of(&fault, Error::Odd))?;
            }
            leave(session).await;
            Ok(())
        };
        self.wire.within(LIMIT, settle).unwrap_or(Err(Error::Timeout))
    }
}

async fn read(
    session: &mut Session<Box<dyn Stream>>,
    folder: &str,
    since: Option<Watermark>,
    marks: &Marks,
) -> Result<Visit, Error> {
    let odd = |fault: ImapError| of(&fault, Error::Odd);
    let folder = session.examine(folder).await.map_err(|fault| of(&fault, Error::Folder))?;
    let validity = folder.uid_validity.ok_or(Error::Folder)?;
    let last = since.filter(|mark| mark.validity == validity).map_or(0, |mark| mark.uid);
    // `n:*` names the last mail even where its number is lower.
    let found = session.uid_search(format!("UID {}:*", last.saturating_add(1))).await.map_err(odd)?;
    let mut uids: Vec<u32> = found.into_iter().filter(|uid| *uid > last).collect();
    uids.sort_unstable();
    let more = uids.len() > MAILS;
    uids.truncate(MAILS);
    let uid = uids.last().copied().unwrap_or(last);
    let mut visit = Visit { watermark: Watermark { validity, uid }, more, ..Visit::default() };
    if uids.is_empty() {
        return Ok(visit);
    }
    let mut mails = BTreeMap::new();
    let asked = format!("(UID BODY.PEEK[]<0.{BYTES}>)");
    let mut fetched = Box::pin(session.uid_fetch(list(&uids), asked).await.map_err(odd)?);
    while let Some(mail) = fetched.try_next().await.map_err(odd)? {
        if let (Some(uid), Some(raw)) = (mail.uid, mail.body()) {
            mails.insert(uid, bounce::read(raw, marks));
        }
    }
    // One that went away meanwhile is not missed.
    for (uid, mail) in mails {
        match mail {
            Mail::Report(bounce) => {
                visit.bounces.push(bounce);
                visit.settled.push(uid);
            }
            Mail::Other => visit.other += 1,
            Mail::Broken => visit.broken += 1,
        }
    }
    Ok(visit)
}

async fn sign_in(imap: &Imap, tls: Option<TlsConnector>) -> Result<Session<Box<dyn Stream>>, Error> {
    let place = &imap.place;
    let tcp = TcpStream::connect((place.host.as_str(), place.port))
        .await
        .map_err(|_no_connection| Error::Unreachable)?;
    let client = match (tls, place.cover) {
        (Some(tls), Cover::StartTls) => {
            let mut client = greeted(Client::new(tcp)).await?;
            // A server without it says BAD or NO: nothing is sent in clear then.
            client
                .run_command_and_check_ok("STARTTLS", None)
                .await
                .map_err(|fault| of(&fault, Error::Tls))?;
            Client::new(secured(&tls, &place.host, client.into_inner()).await?)
        }
        (Some(tls), Cover::Tls | Cover::Plain) => {
            greeted(Client::new(secured(&tls, &place.host, tcp).await?)).await?
        }
        (None, _) => {
            let tcp: Box<dyn Stream> = Box::new(tcp);
            greeted(Client::new(tcp)).await?
        }
    };
    let login = client.login(&imap.login.user, imap.login.password.shown()).await;
    login.map_err(|(fault, _client)| of(&fault, Error::Denied))
}

async fn secured(tls: &TlsConnector, host: &str, tcp: TcpStream) -> Result<Box<dyn Stream>, Error> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_no_name| Error::Tls)?;
    let stream = tls.connect(name, tcp).await.map_err(|_handshake| Error::Tls)?;
    Ok(Box::new(stream))
}

async fn greeted<S: Stream>(mut client: Client<S>) -> Result<Client<S>, Error> {
    match client.read_response().await {
        Ok(Some(_greeting)) => Ok(client),
        Ok(None) => Err(Error::Unreachable),
        Err(fault) => Err(of(&ImapError::Io(fault), Error::Odd)),
    }
}

/// Leaving politely is no reason to fail.
async fn leave(mut session: Session<Box<dyn Stream>>) {
    let _impolite = session.logout().await;
}

/// The server's words would be personal; only its kind goes on.
fn of(fault: &ImapError, refused: Error) -> Error {
    match fault {
        ImapError::Io(fault) if fault.kind() != io::ErrorKind::Other => Error::Unreachable,
        ImapError::ConnectionLost => Error::Unreachable,
        ImapError::No(_) | ImapError::Bad(_) => refused,
        _ => Error::Odd,
    }
}

fn list(uids: &[u32]) -> String {
    uids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn trust(imap: &Imap) -> Result<TlsConnector, Error> {
    let mut roots = RootCertStore::empty();
    match &imap.ca {
        Some(path) => {
            let pem = std::fs::read(path).map_err(|_unreadable| Error::Setup)?;
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                let certificate = certificate.map_err(|_malformed| Error::Setup)?;
                roots.add(certificate).map_err(|_refused| Error::Setup)?;
            }
            if roots.is_empty() {
                return Err(Error::Setup);
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_no_version| Error::Setup)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
