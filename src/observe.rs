//! Logs: text or JSON lines on standard error, so that standard output belongs to answers. Metrics are `web`'s.
//! A line that cannot be written is lost and counted; whoever logs neither waits nor fails.

mod sink;

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::TryInitError;

use crate::config::LogFormat;
use ::domain::line::is_unseen;
use sink::Sink;

/// The crates whose lines are the house's own; a line carries the name of its crate.
const HOUSE: [&str; 13] = [
    "zelo",
    "audit",
    "consent",
    "domain",
    "engine",
    "ingest",
    "lab",
    "mqtt",
    "notify",
    "rules",
    "store",
    "supervise",
    "web",
];

/// What is on its way to standard error.
static SINK: Sink = Sink::new();
/// Whether somebody writes it.
static SERVED: AtomicBool = AtomicBool::new(false);

/// Logging could not begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter is not one.
    #[error("log: {0}; say info, or as in zelo=debug,info")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Another set-up was first.
    #[error("logging is set up already")]
    Twice(#[from] TryInitError),
    /// The thread that writes cannot start.
    #[error("log: {0}")]
    Thread(#[from] io::Error),
}

/// A filter as an operator writes it, where `zelo` is the whole house, in terms of its crates.
fn by_crate(filter: &str) -> String {
    let directives = filter.split(',').map(|directive| match directive.trim().strip_prefix("zelo") {
        Some(rest) if rest.is_empty() || rest.starts_with('=') => {
            HOUSE.map(|name| format!("{name}{rest}")).join(",")
        }
        _ => directive.to_owned(),
    });
    directives.collect::<Vec<_>>().join(",")
}

/// Begins to log, by a filter such as `info` or `zelo=debug,info`.
///
/// # Errors
/// [`Error`]; nothing is logged then.
pub fn start(format: LogFormat, filter: &str) -> Result<(), Error> {
    use tracing_subscriber::util::SubscriberInitExt;
    let filter = EnvFilter::try_new(by_crate(filter))?;
    let logs = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_env_filter(filter)
        // Its own complaint about a line that cannot be written goes to standard error and panics where that is gone.
        .log_internal_errors(false)
        .with_writer(|| Lines(Queued));
    match format {
        LogFormat::Text => logs.with_target(false).finish().try_init()?,
        LogFormat::Json => logs.json().flatten_event(true).finish().try_init()?,
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        // Words that stand in the program; a text that was made may repeat what it was about.
        let words = panic.payload().downcast_ref::<&'static str>().copied();
        let thread = std::thread::current();
        tracing::error!(thread = thread.name(), place, words, "panicked");
    }));
    let write = || SINK.write_to(&mut io::stderr());
    std::thread::Builder::new().name("log".into()).spawn(write)?;
    SERVED.store(true, Ordering::Release);
    Ok(())
}

/// A line for whoever sits at the terminal, on the way that log lines take once there is one.
pub fn note(words: &str) {
    if SERVED.load(Ordering::Acquire) {
        SINK.push(format!("{words}\n").into_bytes());
    } else {
        let _gone = writeln!(io::stderr().lock(), "{words}");
    }
}

/// Waits until what was logged is written, as long as it may take: before the process ends.
pub fn flush(at_most: Duration) {
    SINK.flush(at_most);
}

/// How many lines could not be written since the start.
#[must_use]
pub fn lost() -> u64 {
    SINK.lost()
}

/// Hands each line on to the thread that writes.
struct Queued;

impl Write for Queued {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        SINK.push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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
        let logged = "a\nERROR forged\u{1b}[2J \u{202e}txt\u{e0041} ação\n";
        Lines(&mut written).write_all(logged.as_bytes()).unwrap();
        let line = String::from_utf8(written).unwrap();
        assert_eq!(line, "a\\u000aERROR forged\\u001b[2J \\u202etxt\\udb40\\udc41 ação\n");
        let inside: String = serde_json::from_str(&format!("\"{}\"", line.trim_end())).unwrap();
        assert_eq!(inside, logged.trim_end());
    }

    #[test]
    fn a_filter_for_zelo_is_one_for_every_crate_of_the_house() {
        let filter = by_crate("zelo=debug, info,diesel=off");
        assert!(filter.starts_with("zelo=debug,audit=debug,"), "{filter}");
        assert!(filter.ends_with(",store=debug,supervise=debug,web=debug, info,diesel=off"), "{filter}");
        assert_eq!(by_crate("info,zelo::cli=trace"), "info,zelo::cli=trace");
        let manifest: toml::Table = include_str!("../Cargo.toml").parse().unwrap();
        let members = manifest["workspace"]["members"].as_array().unwrap();
        let mut names: Vec<&str> =
            members.iter().map(|member| member.as_str().unwrap().rsplit('/').next().unwrap()).collect();
        names.extend(["zelo"]);
        names.sort_unstable();
        let mut house = HOUSE.to_vec();
        house.sort_unstable();
        assert_eq!(house, names);
    }

    #[test]
    fn a_filter_that_is_not_one_is_refused() {
        assert!(matches!(start(LogFormat::Text, "zelo=loud"), Err(Error::Filter(_))));
    }
}
