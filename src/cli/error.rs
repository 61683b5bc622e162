//! What the command line says when it cannot, in one sentence, and the exit code that goes with it.

use std::path::Path;

/// A command did not do what was asked. The words say what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Exit code 1: the machine, the disk or the database failed, or a node cannot be reached.
    #[error("{0}")]
    Failed(String),
    /// Exit code 2: the command or the settings are not right.
    #[error("{0}")]
    Usage(String),
    /// Exit code 3: what was named does not exist.
    #[error("{0}")]
    Missing(String),
    /// Exit code 4: a rule of the house forbids it.
    #[error("{0}")]
    Refused(String),
    /// Exit code 5: another process holds the data directory.
    #[error("{0}")]
    Held(String),
    /// Exit code 6: a thread of a running node ended again and again; whoever keeps the process starts it anew.
    #[error(
        "the thread {0} ended again and again, and the node with it: what it answered is stored. Start it again; the log \
         says what happened"
    )]
    Ailing(&'static str),
}

/// What the exit codes mean, as `--help` prints it.
pub const EXIT_CODES: &str = "Exit codes:
  0  done
  1  the machine, the disk or the database failed, or the node cannot be reached
  2  the command or the settings are not right
  3  what was named does not exist
  4  a rule of the house forbids it, or the token may not
  5  another process holds the data directory
  6  a part of a running node failed again and again: start it again";

/// A command's result.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The process's exit code.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Missing(_) => 3,
            Self::Refused(_) => 4,
            Self::Held(_) => 5,
            Self::Ailing(_) => 6,
        }
    }

    /// A file or directory that cannot be used.
    pub(super) fn io(doing: &str, path: &Path, source: &std::io::Error) -> Self {
        Self::Failed(format!("{doing} {}: {source}", path.display()))
    }
}

impl From<store::home::Error> for Error {
    fn from(error: store::home::Error) -> Self {
        use store::home::Error as Fault;
        match error {
            Fault::Io(words) => Self::Failed(words),
            Fault::Missing(words) => Self::Missing(words),
            Fault::Held(words) => Self::Held(words),
            Fault::Unfinished(words) => Self::Refused(words),
            Fault::Keys(error) => error.into(),
        }
    }
}

impl From<lab::error::Error> for Error {
    fn from(error: lab::error::Error) -> Self {
        use lab::error::Error as Fault;
        match error {
            Fault::Failed(words) => Self::Failed(words),
            Fault::Usage(words) => Self::Usage(words),
            Fault::Refused(words) => Self::Refused(words),
            Fault::Home(error) => error.into(),
            Fault::Store(error) => error.into(),
        }
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        let words = error.to_string();
        match error {
            store::Error::NotFound(_) => Self::Missing(words),
            store::Error::Held(_)
            | store::Error::Conflict(_)
            | store::Error::Stale { .. }
            | store::Error::Denied(_)
            | store::Error::Rejected(_)
            | store::Error::Term(_)
            | store::Error::Refused { .. } => Self::Refused(words),
            store::Error::Keys(_) | store::Error::Schema(_) => Self::Usage(words),
            store::Error::Database(source) => Self::Failed(format!("{words}: {source}")),
            _ => Self::Failed(words),
        }
    }
}
