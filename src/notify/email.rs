//! E-mail: one plain text to one mailbox over SMTP. The whole attempt, from the name to the last answer, has nine
//! seconds; a connection that was interrupted is thrown away, because its next answer could belong to the last message.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use lettre::address::Envelope;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters, TlsParametersBuilder,
};
use lettre::transport::smtp::commands::{Data, Mail, Noop, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;

use super::mark::Marks;
use super::options::Smtp;
use super::place::{Cover, Place};
use super::refusal::Refusal;
use super::wire::Wire;
use super::{Address, Channel, Outgoing, SendOutcome};
use domain::{Instant, messages};

/// For the whole attempt: a second less than [`domain::messages::ANSWER_WITHIN`], so that its word is put down in time.
const LIMIT: Duration = Duration::from_secs(9);
/// A connection that was idle must say within this that it still lives.
const LIVES: Duration = Duration::from_secs(2);
/// Idle connections that stay open.
const IDLE: usize = 4;
/// Messages on one connection; servers close it after some hundred.
const MESSAGES: u32 = 50;

/// The e-mail settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of certificates cannot be read.
    #[error("cannot read the certificates {path}: {source}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It holds no certificate.
    #[error("{0} is no PEM file of certificates")]
    NoCertificate(PathBuf),
    /// TLS cannot be prepared.
    #[error("TLS for e-mail cannot be prepared: {0}")]
    Tls(#[source] lettre::transport::smtp::Error),
    /// The sender is no address.
    #[error("notify_smtp_from is no address: say zelo@clinica.example or Zelo <zelo@clinica.example>")]
    From(#[source] lettre::address::AddressError),
    /// The system gives no thread.
    #[error("no thread for e-mail: {0}")]
    Thread(#[source] std::io::Error),
}

/// The domain of a sender, for [`Marks`].
///
/// # Errors
/// [`Error::From`].
pub fn domain_of(from: &str) -> Result<String, Error> {
    Ok(from.parse::<Mailbox>().map_err(Error::From)?.email.domain().to_owned())
}

/// One server that takes mail.
pub struct Email {
    server: Arc<Server>,
    from: Mailbox,
    marks: Marks,
    wire: Wire,
    limit: Duration,
}

struct Server {
    place: Place,
    tls: Option<TlsParameters>,
    login: Option<Credentials>,
    hello: ClientId,
    idle: Mutex<Vec<Open>>,
}

struct Open {
    connection: AsyncSmtpConnection,
    messages: u32,
}

/// How far a conversation came. Until the sender was taken the answer is not about the message: what fails is the server's.
/// From then on it is about this reader, whatever the server says or does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Door,
    Sender,
    Reader,
    Outgoing,
}

/// Why a message did not go.
struct Broke {
    at: Stage,
    error: lettre::transport::smtp::Error,
}

/// Where a conversation stands, for whoever gives up waiting for it.
#[derive(Clone)]
struct Progress(Arc<Mutex<Stage>>);

impl Progress {
    fn begin() -> Self {
        Self(Arc::new(Mutex::new(Stage::Door)))
    }

    fn at(&self) -> Stage {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn comes_to(&self, stage: Stage) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }

    fn broke(&self, error: lettre::transport::smtp::Error) -> Broke {
        Broke { at: self.at(), error }
    }
}

impl Email {
    /// For one server; nothing is connected yet. `secret` is that of [`Marks`].
    ///
    /// # Errors
    /// [`Error`].
    pub fn new(smtp: &Smtp, secret: &[u8]) -> Result<Self, Error> {
        let from: Mailbox = smtp.from.parse().map_err(Error::From)?;
        let domain = from.email.domain().to_owned();
        let tls = match smtp.place.cover {
            Cover::Plain => None,
            Cover::Tls | Cover::StartTls => Some(trust(smtp)?),
        };
        let login = smtp
            .login
            .as_ref()
            .map(|login| Credentials::new(login.user.clone(), login.password.shown().to_owned()));
        let server = Server {
            place: smtp.place.clone(),
            tls,
            login,
            hello: ClientId::Domain(domain.clone()),
            idle: Mutex::default(),
        };
        let wire = Wire::new().map_err(Error::Thread)?;
        Ok(Self { server: Arc::new(server), from, marks: Marks::new(secret, &domain), wire, limit: LIMIT })
    }

    fn compose(&self, message: &Outgoing, now: Instant) -> Result<(Envelope, Vec<u8>), SendOutcome> {
        let Address::Email(to) = &message.to else { return Err(SendOutcome::never("not_an_email")) };
        // Words are written in ASCII (RFC 2047, quoted-printable); an address cannot be.
        let to: Option<lettre::Address> = to.is_ascii().then(|| to.parse().ok()).flatten();
        let to = to.ok_or_else(|| SendOutcome::never("bad_address"))?;
        let since_1970 = Duration::from_secs(u64::try_from(now.secs()).unwrap_or_default());
        let thread = self.marks.thread(&message.thread);
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(message.subject.as_str())
            .message_id(Some(self.marks.id(&message.key)))
            .date(UNIX_EPOCH + since_1970)
            .references(thread.clone())
            .in_reply_to(thread)
            .header(AutoSubmitted("auto-generated".to_owned()))
            .header(Suppress("All".to_owned()))
            .header(ListId(self.marks.list()))
            .header(ContentType::TEXT_PLAIN)
            // The end of the message brings its own line end. No line end stands alone: a lenient server would take
            // what follows it for commands (RUSTSEC-2026-0561).
            .body(message.text.trim_end().replace("\r\n", "\n").replace('\r', "\n"))
            .map_err(|_unwritable| SendOutcome::never("unwritable"))?;
        Ok((message.envelope().clone(), message.formatted()))
    }
}

impl Channel for Email {
    fn channel(&self) -> messages::Channel {
        messages::Channel::Email
    }

    fn send(&self, message: &Outgoing, now: Instant) -> SendOutcome {
        let (envelope, text) = match self.compose(message, now) {
            Ok(composed) => composed,
            Err(unsendable) => return unsendable,
        };
        let (server, progress) = (Arc::clone(&self.server), Progress::begin());
        let reached = progress.clone();
        let sent = self.wire.within(self.limit, async move { server.send(&envelope, &text, &reached).await });
        match sent {
            Some(Ok(queued)) => SendOutcome::accepted("smtp_250", queued),
            Some(Err(broke)) => broke.outcome(),
            None if progress.at() >= Stage::Reader => SendOutcome::sick("timeout"),
            None => SendOutcome::out_of_reach("timeout"),
        }
    }
}

impl Server {
    /// Gives the server's word for the message in its queue.
    async fn send(
        &self,
        envelope: &Envelope,
        text: &[u8],
        progress: &Progress,
    ) -> Result<Option<String>, Broke> {
        let broke = |error| progress.broke(error);
        let mut open = match self.reused().await {
            Some(open) => open,
            None => self.open().await.map_err(broke)?,
        };
        let answer = hand_over(&mut open.connection, envelope, text, progress).await.map_err(broke)?;
        open.messages += 1;
        if open.messages < MESSAGES {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < IDLE {
                idle.push(open);
            }
        }
        // A word with an address in it would be personal.
        Ok(answer
            .first_line()
            .filter(|line| !line.contains('@'))
            .map(|line| line.chars().take(120).collect()))
    }

    async fn reused(&self) -> Option<Open> {
        loop {
            let mut open = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            let lives = tokio::time::timeout(LIVES, open.connection.command(Noop)).await;
            // 221, "idle for too long", is a good answer too, and the last one.
            if lives.is_ok_and(|answer| answer.is_ok_and(|response| response.has_code(250))) {
                return Some(open);
            }
        }
    }

    async fn open(&self) -> Result<Open, lettre::transport::smtp::Error> {
        let Place { host, port, cover } = &self.place;
        let tls = self.tls.clone().filter(|_| *cover == Cover::Tls);
        let at = (host.as_str(), *port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(at, Some(LIMIT), &self.hello, tls, None).await?;
        if let Some(tls) = self.tls.clone().filter(|_| *cover == Cover::StartTls) {
            connection.starttls(tls, &self.hello).await?;
        }
        if let Some(login) = &self.login {
            connection.auth(&[Mechanism::Plain, Mechanism::Login], login).await?;
        }
        Ok(Open { connection, messages: 0 })
    }
}

/// One message (RFC 5321 §3.3). The library's own way says goodbye after a refusal and waits for the answer to that: a
/// server that gives none would turn its refusal into silence.
async fn hand_over(
    to: &mut AsyncSmtpConnection,
    envelope: &Envelope,
    text: &[u8],
    progress: &Progress,
) -> Result<Response, lettre::transport::smtp::Error> {
    progress.comes_to(Stage::Sender);
    to.command(Mail::new(envelope.from().cloned(), vec![])).await?;
    progress.comes_to(Stage::Reader);
    for reader in envelope.to() {
        to.command(Rcpt::new(reader.clone(), vec![])).await?;
    }
    progress.comes_to(Stage::Outgoing);
    to.command(Data).await?;
    to.message(text).await
}

impl Broke {
    fn outcome(&self) -> SendOutcome {
        let Self { at, error } = self;
        let code = error.status().map(u16::from);
        let name = code.map_or_else(|| unanswered(error), named);
        match (at, code) {
            // What the server holds against us, or against everybody, says nothing of the message: nothing is lost.
            (Stage::Door, _) | (_, Some(530 | 535 | 538)) => SendOutcome::out_of_reach(name),
            (Stage::Sender, Some(421 | 454 | 500..=599)) => SendOutcome::out_of_reach(name),
            (_, Some(450..=453)) => SendOutcome::later(name),
            (Stage::Sender, Some(400..=499)) => SendOutcome::later(name),
            // The server has just taken the sender: it is there for others.
            (Stage::Reader | Stage::Outgoing, Some(400..=499)) => SendOutcome::sick(name),
            (Stage::Reader | Stage::Outgoing, Some(500..=599)) => self.refused(name),
            _ if error.is_client() => SendOutcome::never(name),
            (Stage::Reader | Stage::Outgoing, _) => SendOutcome::sick(name),
            (Stage::Sender, _) => SendOutcome::out_of_reach(name),
        }
    }

    /// A permanent refusal. A mailbox without room is tried again, as long as the message is worth it. What does not say
    /// what it is about is about the mailbox where it refuses the reader, else about the message: one that a filter takes
    /// for something else today may be a page, so it is tried again, and its delay is reported. Its mailbox does not rest for it.
    fn refused(&self, name: &'static str) -> SendOutcome {
        let words = std::error::Error::source(&self.error).map(ToString::to_string).unwrap_or_default();
        match (Refusal::read(&words), self.at) {
            (Refusal::Full, _) | (Refusal::NotFromUs, Stage::Reader) => SendOutcome::sick(name),
            (Refusal::NoMailbox, _) | (Refusal::Unstated, Stage::Reader) => SendOutcome::gone(name),
            (Refusal::NotFromUs | Refusal::Unstated, _) => SendOutcome::later(name),
        }
    }
}

/// A code (RFC 5321 §4.2.3) as the log names it.
fn named(code: u16) -> &'static str {
    match code {
        421 => "smtp_421",
        450 => "smtp_450",
        451 => "smtp_451",
        452 => "smtp_452",
        454 => "smtp_454",
        530 => "smtp_530",
        535 => "smtp_535",
        538 => "smtp_538",
        550 => "smtp_550",
        551 => "smtp_551",
        552 => "smtp_552",
        553 => "smtp_553",
        554 => "smtp_554",
        400..=499 => "smtp_4xx",
        500..=599 => "smtp_5xx",
        _ => "smtp_odd",
    }
}

fn unanswered(error: &lettre::transport::smtp::Error) -> &'static str {
    if error.is_timeout() {
        "timeout"
    } else if error.is_tls() {
        "tls"
    } else if error.is_client() {
        "smtp_lacks_a_feature"
    } else if error.is_response() {
        "smtp_odd"
    } else {
        "unreachable"
    }
}

fn trust(smtp: &Smtp) -> Result<TlsParameters, Error> {
    let mut builder = TlsParametersBuilder::new(smtp.place.host.clone());
    if let Some(path) = &smtp.ca {
        let pem = std::fs::read(path).map_err(|source| Error::Unreadable { path: path.clone(), source })?;
        let certificate = Certificate::from_pem(&pem)
            .ok()
            .filter(|_| pem.windows(11).any(|word| word == b"CERTIFICATE"))
            .ok_or_else(|| Error::NoCertificate(path.clone()))?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    builder.build_rustls().map_err(Error::Tls)
}

/// A header of a fixed form.
macro_rules! header {
    ($(#[$what:meta])* $name:ident $text:literal) => {
        $(#[$what])*
        #[derive(Clone)]
        struct $name(String);

        impl Header for $name {
            fn name() -> HeaderName {
                HeaderName::new_from_ascii_str($text)
            }

            fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
                Ok(Self(text.to_owned()))
            }

            fn display(&self) -> HeaderValue {
                HeaderValue::new(Self::name(), self.0.clone())
            }
        }
    };
}

header! {
    /// RFC 3834: no out-of-office answers, please.
    AutoSubmitted "Auto-Submitted"
}
header! {
    /// The same to Exchange, which does not read RFC 3834.
    Suppress "X-Auto-Response-Suppress"
}
header! {
    /// RFC 2919: one name for the rules of a mailbox.
    ListId "List-Id"
}

#[cfg(test)]
#[path = "email_tests.rs"]
mod tests;
