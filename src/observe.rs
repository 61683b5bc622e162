//! Logs: text or JSON lines on standard error, so that standard output belongs to answers. Metrics are `web`'s.

use std::fmt::Write as _;
use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::TryInitError;

use crate::config::LogFormat;
use crate::domain::line::is_unseen;

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
    let logs = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_env_filter(filter)
        .with_writer(|| Lines(io::stderr()));
    match format {
        LogFormat::Text => logs.with_target(false).finish().try_init()?,
        LogFormat::Json => logs.json().flatten_event(true).finish().try_init()?,
    }
    Ok(())
}

/// One event, one line: letters that are not seen, line ends among them, are written as JSON escapes them, so that no text
/// from outside makes a line of its own, moves a cursor or turns the direction of what is read.
struct Lines<W>(W);

impl<W: Write> Write for Lines<W> {
    /// An event comes whole.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let event = String::from_utf8_lossy(bytes);
        let (line, end) = event.strip_suffix('\n').map_or((&*event, ""), |line| (line, "\n"));
        self.0.write_all(format!("{}{end}", escaped(line)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn escaped(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for letter in line.chars() {
        if is_unseen(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                let _infallible = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(letter);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_whatever_it_repeats() {
        let mut written = Vec::new();
        let said = "a\nERROR forged\u{1b}[2J \u{202e}txt\u{e0041} ação\n";
        Lines(&mut written).write_all(said.as_bytes()).unwrap();
        let line = String::from_utf8(written).unwrap();
        assert_eq!(line, "a\\u000aERROR forged\\u001b[2J \\u202etxt\\udb40\\udc41 ação\n");
        let inside: String = serde_json::from_str(&format!("\"{}\"", line.trim_end())).unwrap();
        assert_eq!(inside, said.trim_end());
    }

    #[test]
    fn a_filter_that_is_not_one_is_refused() {
        assert!(matches!(start(LogFormat::Text, "zelo=loud"), Err(Error::Filter(_))));
    }
}
