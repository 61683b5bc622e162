//! Where a bench runs: a fresh directory or a fresh PostgreSQL database, a house in this process, and nothing left
//! behind.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use consent::Controller;

use crate::house::{House, Start};
use domain::id::uuid_at;
use domain::people::token::Signer;
use domain::{Clock, Instant, Role, StaffIdentity, UserId};
use notify::Post;
use store::db::init;
use store::db::scratch::Scratch;
use store::home::Home;
use store::keys::kek::Keks;
use store::keys::signing;
use store::people::users::{self, NewUser};
use store::{Actor, Store, Url};

/// A database of its own, gone when dropped.
pub(crate) struct Site {
    /// The database.
    pub store: Store,
    /// Signs tokens.
    pub tokens: Arc<Signer>,
    dir: Dir,
    scratch: Option<Scratch>,
}

/// A site whose database nobody in this process has open.
pub(crate) struct Closed {
    /// Where the database is.
    pub url: Url,
    dir: Dir,
    _scratch: Option<Scratch>,
}

impl Closed {
    /// Its directory.
    #[must_use]
    pub(crate) fn dir(&self) -> &Path {
        &self.dir.0
    }

    /// Its database, as `--database-url` takes it.
    #[must_use]
    pub(crate) fn database_url(&self) -> String {
        match &self.url {
            Url::Sqlite(path) => format!("sqlite://{}", path.display()),
            Url::Postgres(url) => url.clone(),
        }
    }

    /// Opens it again.
    ///
    /// # Errors
    /// As the store says.
    pub(crate) fn open(&self) -> anyhow::Result<Store> {
        open(self.dir(), &self.url)
    }
}

struct Dir(PathBuf);

impl Drop for Dir {
    fn drop(&mut self) {
        let _left_to_the_system = std::fs::remove_dir_all(&self.0);
    }
}

impl Site {
    /// A fresh one: SQLite in a temporary directory, or a database made on a PostgreSQL server.
    ///
    /// # Errors
    /// The disk or the server refuses.
    pub(crate) fn fresh(server: Option<&str>) -> anyhow::Result<Self> {
        let dir =
            Dir(std::env::temp_dir().join(format!("zelo-bench-{}", uuid_at(Clock::System.now()).simple())));
        let home = Home::take(&dir.0)?;
        home.make_keys()?;
        let scratch = server.map(Scratch::create).transpose()?;
        let url = match &scratch {
            Some(scratch) => scratch.url().clone(),
            None => Url::Sqlite(dir.0.join("zelo.db")),
        };
        let store = open(&dir.0, &url)?;
        let tokens = Arc::new(signing::load(&dir.0.join("keys"))?);
        Ok(Self { store, tokens, dir, scratch })
    }

    /// Its directory.
    #[must_use]
    pub(crate) fn dir(&self) -> &Path {
        &self.dir.0
    }

    /// Ingest, engine and gateway on it.
    ///
    /// # Errors
    /// As the root says, which starts it.
    pub(crate) async fn house(&self, start: Start) -> anyhow::Result<House> {
        self.house_with(start, Post::default()).await
    }

    /// As [`Site::house`], with ways out.
    ///
    /// # Errors
    /// As the root says, which starts it.
    pub(crate) async fn house_with(&self, start: Start, post: Post) -> anyhow::Result<House> {
        start(&self.store, self.dir(), Arc::clone(&self.tokens), post).await
    }

    /// Closes the database and keeps everything else.
    #[must_use]
    pub(crate) fn closed(self) -> Closed {
        let Self { store, dir, scratch, .. } = self;
        Closed { url: store.url().clone(), dir, _scratch: scratch }
    }

    /// `sqlite` or `postgres`.
    #[must_use]
    pub(crate) fn backend(&self) -> &'static str {
        match self.store.url() {
            Url::Sqlite(_) => "sqlite",
            Url::Postgres(_) => "postgres",
        }
    }
}

/// A free port on the loopback.
#[must_use]
pub(crate) fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// Somebody at the top of the seeded policy, so that a red finds whom to page.
///
/// # Errors
/// As the store says.
pub(crate) fn manager(store: &Store, now: Instant) -> anyhow::Result<UserId> {
    let identity = StaffIdentity {
        name: "Gerência de Bancada".parse().ok().context("a name")?,
        email: "gerencia@zelo.example".parse().ok().context("an address")?,
    };
    let new = NewUser { identity, role: Role::Manager, password: None, patient: None };
    Ok(store.write(Actor::System("bench"), now, |tx| users::insert(tx, &new))?.id)
}

/// Opens and initialises a database whose keys are in `dir`.
///
/// # Errors
/// As the store says.
pub(crate) fn open(dir: &Path, url: &Url) -> anyhow::Result<Store> {
    let store = Store::open_migrated(url, Keks::load(&dir.join("keys"))?)?;
    init::initialise(&store, &Controller::demo(), Clock::System.now())?;
    Ok(store)
}
