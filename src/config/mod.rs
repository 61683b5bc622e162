//! Settings: defaults, then `zelo.toml`, then `ZELO_*`, then flags; held against one another as a whole before
//! anything starts. A setting that is half there, or would open a door unawares, is refused by name.

mod layers;
mod notify;
mod options;

pub use layers::{Layer, Sources};
pub use options::{LogFormat, Options, TlsFiles};

/// The settings cannot be used. Names the setting and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read the settings {path}: {source}")]
    Unreadable {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file is no TOML, or has a key that does not exist.
    #[error("the settings {path} are not right: {why}")]
    Malformed {
        /// Which file.
        path: String,
        /// Where and what.
        why: String,
    },
    /// A value, or two together, cannot be.
    #[error("{name}: {why}")]
    Value {
        /// The setting.
        name: &'static str,
        /// What is wrong and what to do.
        why: String,
    },
}
