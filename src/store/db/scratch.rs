//! A PostgreSQL database of one's own on a server, for measuring: made empty, dropped with its maker.

use diesel::connection::SimpleConnection;

use super::error::{Error, Result};
use crate::{Conn, Opener, Url};
use domain::Clock;
use domain::id::uuid_at;

/// A fresh database; dropping it drops the database, whoever is still connected.
pub struct Scratch {
    server: Opener,
    name: String,
    url: Url,
}

impl Scratch {
    /// Makes one beside the database that `server` names.
    ///
    /// # Errors
    /// It is no PostgreSQL URL, the server cannot be reached, or the role may not create databases.
    pub fn create(server: &str) -> Result<Self> {
        let url = Url::parse(server).map_err(Error::Open)?;
        if url.file().is_some() {
            return Err(Error::Open("a fresh database is made on PostgreSQL: give a postgres:// URL".into()));
        }
        let name = format!("zelo_bench_{}", uuid_at(Clock::System.now()).simple());
        let server_url = Opener { url, read_only: false };
        connect(&server_url)?.batch_execute(&format!("CREATE DATABASE {name}"))?;
        Ok(Self { server: server_url, url: Url::Postgres(renamed(server, &name)), name })
    }

    /// Where it is.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let dropped = connect(&self.server).and_then(|mut conn| {
            Ok(conn.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name))?)
        });
        if let Err(error) = dropped {
            tracing::warn!(%error, database = self.name, "a bench's database could not be dropped: drop it by hand");
        }
    }
}

fn connect(opener: &Opener) -> Result<Conn> {
    opener.open().map_err(|error| Error::Open(error.to_string()))
}

/// The same server, another database.
fn renamed(url: &str, name: &str) -> String {
    let (address, query) = url.split_once('?').map_or((url, None), |(address, query)| (address, Some(query)));
    let (scheme, rest) = address.split_once("://").unwrap_or(("postgres", address));
    let host = rest.split_once('/').map_or(rest, |(host, _database)| host);
    let query = query.map_or_else(String::new, |query| format!("?{query}"));
    format!("{scheme}://{host}/{name}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_changes_in_the_url() {
        for (url, other) in [
            ("postgres://ana:x@db:5432/zelo?sslmode=disable", "postgres://ana:x@db:5432/n?sslmode=disable"),
            ("postgresql://db", "postgresql://db/n"),
            ("postgres:///zelo?host=%2Ftmp", "postgres:///n?host=%2Ftmp"),
        ] {
            assert_eq!(renamed(url, "n"), other);
        }
    }
}
