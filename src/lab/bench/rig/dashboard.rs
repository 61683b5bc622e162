//! Pages over a bench's store, and a person who looks at them: plain requests with the cookie of a session, and the
//! live stream, read as a browser does.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Context as _;
use tokio::runtime::Runtime;

use super::site::{Site, loopback};
use domain::{Clock, Role, StaffIdentity, UserId};
use store::people::sessions::{self, Kind};
use store::people::users::{self, NewUser};
use store::{Actor, audit};

/// A stream that says nothing for so long, or an answer that takes so long, fails the bench.
const PATIENCE: Duration = Duration::from_secs(30);

/// A signed-in clinician before pages that are served.
pub(crate) struct Dashboard {
    /// Who looks.
    pub viewer: UserId,
    eyes: Eyes,
    served: web::Running,
}

/// What asks: may go to another thread.
#[derive(Clone)]
pub(crate) struct Eyes {
    address: SocketAddr,
    cookie: String,
}

impl Dashboard {
    /// Serves the pages of a site and signs a clinician in.
    ///
    /// # Errors
    /// The store or the port refuses.
    pub(crate) fn open(site: &Site, runtime: &Runtime) -> anyhow::Result<Self> {
        let now = Clock::System.now();
        let (viewer, cookie) = signed_in(site, Role::Clinician)?;
        let log_signer = audit::open(&site.store, &site.dir().join("keys"), now)?;
        let state = web::State::new(web::Parts {
            store: site.store.clone(),
            clock: Clock::System,
            tokens: site.tokens.clone(),
            bases: consent::Bases::default(),
            log_signer: Some(log_signer),
            edge: std::sync::Arc::new(web::NoEdge),
            engine: std::sync::Arc::new(web::NoEngine),
            node: "bench".to_owned(),
            factor_roles: Vec::new(),
            webhook_networks: domain::messages::network::Networks::default(),
            certificates: Vec::new(),
        });
        let limits = web::Limits::of_descriptors(65_536);
        let options = web::Options {
            http: loopback(),
            metrics: None,
            tls: None,
            behind_proxy: false,
            secure_cookie: false,
            limits,
        };
        let served = runtime.block_on(async { web::serve(state, options) })?;
        let eyes = Eyes { address: served.address, cookie };
        Ok(Self { viewer, eyes, served })
    }

    /// What asks.
    #[must_use]
    pub(crate) fn eyes(&self) -> Eyes {
        self.eyes.clone()
    }

    /// What asks as somebody of another role.
    ///
    /// # Errors
    /// The store refuses.
    pub(crate) fn eyes_of(&self, site: &Site, role: Role) -> anyhow::Result<Eyes> {
        let (_, cookie) = signed_in(site, role)?;
        Ok(Eyes { address: self.eyes.address, cookie })
    }

    /// Ends the pages.
    pub(crate) fn close(self, runtime: &Runtime) {
        runtime.block_on(self.served.stop());
    }
}

/// A new person of a role, and the cookie of their session.
fn signed_in(site: &Site, role: Role) -> anyhow::Result<(UserId, String)> {
    let now = Clock::System.now();
    let identity = StaffIdentity {
        name: "Pessoa de Bancada".parse().ok().context("a name")?,
        email: format!("{}@bancada.example", UserId::new(now)).parse().ok().context("an address")?,
    };
    let new = NewUser { identity, role, password: None, patient: None };
    Ok(site.store.write(Actor::System("bench"), now, |tx| {
        let user = users::insert(tx, &new)?;
        let (_session, secret) = sessions::create(tx, user.id, Kind::Browser)?;
        Ok((user.id, format!("zelo={}", secret.reveal())))
    })?)
}

impl Eyes {
    /// Where the pages are.
    #[must_use]
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Asks for a page's part or an answer of the API: status and body.
    ///
    /// # Errors
    /// The connection broke.
    pub(crate) fn get(&self, path: &str) -> anyhow::Result<(u16, String)> {
        // HTTP/1.0: the body ends with the connection, nothing is chunked.
        let mut socket = self.ask(path, "1.0")?;
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").context("an answer without an end of its head")?;
        Ok((status(head)?, body.to_owned()))
    }

    /// Listens to what changes.
    ///
    /// # Errors
    /// The stream is refused.
    pub(crate) fn listen(&self) -> anyhow::Result<Live> {
        let mut live = Live { lines: BufReader::new(self.ask("/api/v1/live", "1.1")?), name: String::new() };
        let head = live.line()?;
        anyhow::ensure!(status(&head)? == 200, "the live stream was refused: {head}");
        while !live.line()?.is_empty() {}
        Ok(live)
    }

    fn ask(&self, path: &str, version: &str) -> anyhow::Result<TcpStream> {
        let mut socket = TcpStream::connect(self.address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let request = format!(
            "GET {path} HTTP/{version}\r\nHost: {}\r\nCookie: {}\r\nHX-Request: true\r\nHX-Request-Type: partial\r\n\r\n",
            self.address, self.cookie
        );
        socket.write_all(request.as_bytes())?;
        Ok(socket)
    }
}

fn status(head: &str) -> anyhow::Result<u16> {
    let code = head.split_whitespace().nth(1).and_then(|code| code.parse().ok());
    code.context("an answer without a status")
}

/// An open stream.
pub(crate) struct Live {
    lines: BufReader<TcpStream>,
    name: String,
}

impl Live {
    /// Waits for the next event: its name and its data.
    ///
    /// # Errors
    /// The stream ended, or said nothing for long.
    pub(crate) fn next(&mut self) -> anyhow::Result<(String, String)> {
        loop {
            let line = self.line()?;
            // Lengths of chunks stand between; no event looks like one.
            if let Some(name) = line.strip_prefix("event: ") {
                name.clone_into(&mut self.name);
            } else if let Some(data) = line.strip_prefix("data: ") {
                return Ok((std::mem::take(&mut self.name), data.to_owned()));
            }
        }
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        anyhow::ensure!(self.lines.read_line(&mut line)? > 0, "the live stream ended");
        Ok(line.trim_end().to_owned())
    }
}
