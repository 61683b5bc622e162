//! Logs: text or JSON lines on standard error, so that standard output belongs to answers. Metrics are `web`'s.

use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::TryInitError;

use crate::config::LogFormat;

/// Logging could not begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter is not one.
    #[error("log: {0}; say info, or as in zelo=debug,info")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Another set-up was first.
    #[error("logging is set up already")]
    Twice(#[from] TryInitError),
}

/// Begins to log, by a filter such as `info` or `zelo=debug,info`.
///
/// # Errors
/// [`Error`]; nothing is logged then.
pub fn start(format: LogFormat, filter: &str) -> Result<(), Error> {
    use tracing_subscriber::util::SubscriberInitExt;
    let filter = EnvFilter::try_new(filter)?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match format {
        LogFormat::Text => logs.with_target(false).finish().try_init()?,
        LogFormat::Json => logs.json().flatten_event(true).finish().try_init()?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_is_not_one_is_refused() {
        assert!(matches!(start(LogFormat::Text, "zelo=loud"), Err(Error::Filter(_))));
    }
}
