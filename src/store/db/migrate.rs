//! Schema versions: migrated only when asked, never opened when they do not fit.

use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::conn::{Conn, Url, on};
use super::error::{Error, Result};
use crate::Tx;

const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
pub(crate) const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// How the database's schema stands to this program's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// An empty database.
    Empty,
    /// The same versions.
    Current,
    /// The program has newer versions; how many.
    Behind(usize),
    /// The database has a version that the program does not know.
    Ahead(String),
}

/// Compares the applied versions with the embedded ones.
///
/// # Errors
/// Database errors.
pub(crate) fn fit(conn: &mut Conn) -> Result<Fit> {
    let known = versions(conn)?;
    let applied: Vec<String> = on!(conn, |c| c.applied_migrations())
        .map_err(|error| Error::Schema(format!("the schema's version cannot be read: {error}")))?
        .iter()
        .map(MigrationVersion::to_string)
        .collect();
    if let Some(newer) = applied.iter().find(|version| !known.contains(version)) {
        return Ok(Fit::Ahead(newer.clone()));
    }
    Ok(match known.len().saturating_sub(applied.len()) {
        0 => Fit::Current,
        _ if applied.is_empty() => Fit::Empty,
        missing => Fit::Behind(missing),
    })
}

/// As `fit`, on a connection of its own.
///
/// # Errors
/// It cannot be reached; database errors.
pub fn fit_of(url: &Url) -> Result<Fit> {
    fit(&mut crate::open_one(url)?)
}

#[derive(QueryableByName)]
pub(crate) struct Taken {
    #[diesel(sql_type = Bool)]
    pub(crate) taken: bool,
}

/// Holds off whoever would change the schema until the transaction ends, and refuses a schema that changed since this
/// program opened it: what a node asks before it takes part.
///
/// # Errors
/// [`Error::Schema`]: it changes just now, or as [`require_current`].
pub(crate) fn lock(tx: &mut Tx<'_>) -> Result<()> {
    let Conn::Pg(conn) = &mut *tx.conn else { return Ok(()) };
    let taken: Taken = diesel::sql_query(
        "SELECT pg_try_advisory_xact_lock_shared(hashtext('zelo.schema'), hashtext(current_schema())) AS taken",
    )
    .get_result(conn)?;
    if !taken.taken {
        let why = "the database's schema is being changed: start this node again when `zelo migrate` is done";
        return Err(Error::Schema(why.into()));
    }
    require_current(tx.conn)
}

/// The newest applied version; empty for an empty database.
///
/// # Errors
/// Database errors.
pub(crate) fn newest(conn: &mut Conn) -> Result<String> {
    let applied = on!(conn, |c| c.applied_migrations())
        .map_err(|error| Error::Schema(format!("the schema's version cannot be read: {error}")))?;
    Ok(applied.iter().map(MigrationVersion::to_string).max().unwrap_or_default())
}

/// Brings the schema to this program's version.
///
/// # Errors
/// A migration failed; nothing of it is stored.
pub fn migrate(conn: &mut Conn) -> Result<usize> {
    let ran = match conn {
        Conn::Sqlite(c) => c.run_pending_migrations(SQLITE).map(|ran| ran.len()),
        Conn::Pg(c) => c.run_pending_migrations(POSTGRES).map(|ran| ran.len()),
    };
    ran.map_err(|error| Error::Schema(format!("a migration failed and was rolled back: {error}")))
}

/// Refuses a schema that does not fit, with the way out.
///
/// # Errors
/// [`Error::Schema`] unless the schema is current.
pub(crate) fn require_current(conn: &mut Conn) -> Result<()> {
    match fit(conn)? {
        Fit::Current => Ok(()),
        Fit::Empty => Err(Error::Schema("the database is empty: run `zelo init` first".into())),
        Fit::Behind(n) => Err(Error::Schema(format!(
            "the database is {n} schema version(s) behind: run `zelo migrate` (it makes a backup first)"
        ))),
        Fit::Ahead(version) => Err(Error::Schema(format!(
            "the database has schema version {version}, which this program does not know: use the newer program"
        ))),
    }
}

fn versions(conn: &Conn) -> Result<Vec<String>> {
    fn of<DB: diesel::backend::Backend>(source: EmbeddedMigrations) -> Result<Vec<String>>
    where
        EmbeddedMigrations: MigrationSource<DB>,
    {
        let list: Vec<Box<dyn Migration<DB>>> =
            source.migrations().map_err(|error| Error::Schema(error.to_string()))?;
        Ok(list.iter().map(|m| m.name().version().to_string()).collect())
    }
    match conn {
        Conn::Sqlite(_) => of::<diesel::sqlite::Sqlite>(SQLITE),
        Conn::Pg(_) => of::<diesel::pg::Pg>(POSTGRES),
    }
}

/// The version names of both folders, for the test that holds them equal.
///
/// # Errors
/// The embedded migrations are unreadable.
pub fn names() -> Result<(Vec<String>, Vec<String>)> {
    fn of<DB: diesel::backend::Backend>(source: EmbeddedMigrations) -> Result<Vec<String>>
    where
        EmbeddedMigrations: MigrationSource<DB>,
    {
        let list: Vec<Box<dyn Migration<DB>>> =
            source.migrations().map_err(|error| Error::Schema(error.to_string()))?;
        Ok(list.iter().map(|m| m.name().to_string()).collect())
    }
    Ok((of::<diesel::sqlite::Sqlite>(SQLITE)?, of::<diesel::pg::Pg>(POSTGRES)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Opener;
    use crate::testing::bare;

    #[test]
    fn the_schema_goes_up_down_and_up_again() {
        for home in bare() {
            let mut conn = Opener { url: home.url().clone(), read_only: false }.open().unwrap();
            assert_eq!(fit(&mut conn).unwrap(), Fit::Current);
            let reverted = match &mut conn {
                Conn::Sqlite(c) => c.revert_all_migrations(SQLITE).unwrap().len(),
                Conn::Pg(c) => c.revert_all_migrations(POSTGRES).unwrap().len(),
            };
            assert_eq!(fit(&mut conn).unwrap(), Fit::Empty);
            assert_eq!(migrate(&mut conn).unwrap(), reverted);
            match &mut conn {
                Conn::Sqlite(c) => drop(c.revert_last_migration(SQLITE).unwrap()),
                Conn::Pg(c) => drop(c.revert_last_migration(POSTGRES).unwrap()),
            }
            assert_eq!(migrate(&mut conn).unwrap(), 1);
            assert_eq!(migrate(&mut conn).unwrap(), 0);
        }
    }
}
