//! What can go wrong in the store, in words that say what to do.

use diesel::result::DatabaseErrorKind;

mod stored_at;

use crate::keys::seal::Broken;
pub(crate) use stored_at::{InRow, StoredAt};

/// A store operation failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else, who is named, holds it.
    #[error("{0}")]
    Held(String),
    /// The row that must exist does not.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// Another row already holds what must be unique, or the state forbids the change.
    #[error("{0}")]
    Conflict(&'static str),
    /// The caller's version is not the present one (If-Match).
    #[error("the record is at version {current}, not at the one given")]
    Stale {
        /// The version in force.
        current: i64,
    },
    /// Consent does not permit it.
    #[error("{0}")]
    Denied(#[from] consent::Denied),
    /// The consent ledger refuses the change.
    #[error("{0}")]
    Rejected(#[from] consent::Rejected),
    /// A text cannot be published as a term.
    #[error("{0}")]
    Term(#[from] consent::TermFault),
    /// A sealed value cannot be opened: its key was destroyed, or its bytes are not what was sealed.
    #[error("a sealed value cannot be opened{place}: {0}", place = .1.as_ref().map(|at| format!(" ({at})")).unwrap_or_default())]
    Sealed(#[source] Broken, Option<StoredAt>),
    /// The key files do not fit this database.
    #[error("{0}")]
    Keys(String),
    /// A stored rule refuses the change; the code is the API's.
    #[error("{what}")]
    Refused {
        /// Stable code, such as `E_IDEMPOTENCY`.
        code: &'static str,
        /// What and what to do.
        what: &'static str,
    },
    /// The audit entry is not in the form that the log takes.
    #[error("the audit entry is refused: {0}")]
    Audit(String),
    /// The stored audit log does not hold together, or its key does not fit.
    #[error("the audit log: {0}")]
    Log(String),
    /// A change without an audit entry was about to be committed.
    #[error("a change without its audit entry is not committed")]
    Unaudited,
    /// The database's schema and this program do not fit.
    #[error("{0}")]
    Schema(String),
    /// The database cannot be reached or opened.
    #[error("the database cannot be opened: {0}")]
    Open(String),
    /// No connection became free in time.
    #[error("the database is busy: no connection became free in time")]
    Busy,
    /// PostgreSQL aborted this transaction for another's sake.
    #[error("another change was under way at the same time: try again")]
    GivenUp,
    /// The connection to the database ended in the middle of a transaction, of which nothing is stored.
    #[error("the connection to the database was lost: nothing was kept, do it again")]
    Lost,
    /// The answer to a commit was lost, and the database cannot be asked.
    #[error("the database's answer was lost: it may hold or not; look before it is done again")]
    Unsure,
    /// Another node has this node's number by now.
    #[error("this node was silent and lost its number: it takes another one by itself")]
    Unseated,
    /// The database's disk is full.
    #[error("the database's disk is full: make room, then do it again")]
    Full,
    /// The database takes no writes: a standby, or one that somebody set so.
    #[error(
        "the database takes no writes: is it the primary? Its settings, or its failover, must say so; then do it again"
    )]
    ReadOnly,
    /// The program itself failed in a transaction; nothing of it was stored.
    #[error("the program failed in a transaction, which was not kept")]
    Panicked,
    /// Whoever waits for the work wants it no more: it ended where it was.
    #[error("the work was stopped before it was done")]
    Stopped,
    /// The database refused a statement.
    #[error("the database refused a statement")]
    Database(#[source] diesel::result::Error),
    /// A stored value is not what the program writes.
    #[error("a stored value is not readable: {0}")]
    Corrupt(StoredAt),
    /// The data directory cannot be used.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
}

impl Error {
    /// Whether the same again may well succeed: another transaction was in the way. SQLSTATE 40001 has a kind of its
    /// own in diesel; 40P01 (deadlock) is among the states without one, and what the server writes about it is in the
    /// server's language. So every refusal without a kind counts here: none of them is about the values that were
    /// given.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        use diesel::result::Error::DatabaseError;
        matches!(
            self,
            Self::GivenUp
                | Self::Lost
                | Self::Database(DatabaseError(
                    DatabaseErrorKind::SerializationFailure | DatabaseErrorKind::Unknown,
                    _
                ))
        )
    }
}

/// How SQLite, and PostgreSQL in the languages we know, say that there is no room. SQLSTATE 53100 has no kind in
/// diesel.
const NO_ROOM: [&str; 4] =
    ["database or disk is full", "No space left on device", "isk full", "espaço disponível no dispositivo"];

impl From<Broken> for Error {
    fn from(why: Broken) -> Self {
        Self::Sealed(why, None)
    }
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        match error {
            diesel::result::Error::RollbackErrorOnCommit { commit_error, .. } => (*commit_error).into(),
            diesel::result::Error::DatabaseError(DatabaseErrorKind::Unknown, said)
                if NO_ROOM.iter().any(|words| said.message().contains(words)) =>
            {
                Self::Full
            }
            diesel::result::Error::DatabaseError(
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
                _,
            )
            | diesel::result::Error::BrokenTransactionManager => Self::Lost,
            diesel::result::Error::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _) => Self::ReadOnly,
            diesel::result::Error::NotFound => Self::NotFound("record"),
            diesel::result::Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => {
                Self::Conflict("a record with the same identity exists")
            }
            other => Self::Database(other),
        }
    }
}

/// A store operation's result.
pub type Result<T> = std::result::Result<T, Error>;
