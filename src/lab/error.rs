//! What the lab says when it cannot, in one sentence.

/// A demo, a simulation or a measurement did not do what was asked. The words say what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The machine, the disk or the database failed.
    #[error("{0}")]
    Failed(String),
    /// The command or the settings are not right.
    #[error("{0}")]
    Usage(String),
    /// A rule of the house forbids it.
    #[error("{0}")]
    Refused(String),
    /// The data directory cannot be used.
    #[error(transparent)]
    Home(#[from] store::home::Error),
    /// As the store says.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A result of the lab.
pub type Result<T> = std::result::Result<T, Error>;
