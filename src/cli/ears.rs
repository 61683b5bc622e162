//! What hears SIGINT and SIGTERM, from the first thing that `serve` and `demo` do: told to end before they serve, they end
//! as they do later, with exit code 0.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::{Mutex, watch};

use super::error::{Error, Result};
use super::out::note;
use crate::observe;
use supervise::Threads;

/// How long whoever is told to end before they serve may take: nobody depends on the node yet.
const OPENING: Duration = Duration::from_secs(2);
/// What of the log is still to be written has so long.
const FLUSH: Duration = Duration::from_millis(500);

/// Whoever hears signals, and the runtime it hears them on.
pub(super) struct Ears {
    runtime: Runtime,
    signals: Arc<Mutex<Signals>>,
    end_signals: EndSignals,
    early: tokio::task::JoinHandle<()>,
}

impl Ears {
    /// Hears from now on. Until [`EndSignals::serves`] a signal ends the process as soon as what it does is done, or after two
    /// seconds.
    ///
    /// # Errors
    /// The system refuses a thread or a handler.
    pub(super) fn open() -> Result<Self> {
        let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = built.map_err(|fault| Error::Failed(format!("the runtime cannot start: {fault}")))?;
        let fault = |fault: std::io::Error| Error::Failed(format!("signals cannot be heard: {fault}"));
        let signals = {
            let _within = runtime.enter();
            Arc::new(Mutex::new(Signals::hear().map_err(fault)?))
        };
        let end_signals = EndSignals::new(leave);
        let early = runtime.spawn(end_signals.clone().hear(Arc::clone(&signals)));
        Ok(Self { runtime, signals, end_signals, early })
    }

    /// The house is open: signals are heard by one of its watched tasks from now on.
    pub(super) fn under(self, threads: &Threads) -> (Runtime, EndSignals) {
        let Self { runtime, signals, end_signals, early } = self;
        early.abort();
        let within = runtime.enter();
        let hears = end_signals.clone();
        drop(threads.task("signals", move || hears.clone().hear(Arc::clone(&signals))));
        drop(within);
        (runtime, end_signals)
    }
}

/// The signal that came. It is remembered: whoever looks later sees it too. Cheap to clone.
#[derive(Clone)]
pub(super) struct EndSignals {
    /// To end.
    end: watch::Sender<bool>,
    /// Whether anybody is served by now, who is owed an end in order.
    serves: watch::Sender<bool>,
    /// Ends the process after so long, whatever it waits for.
    leave: fn(Duration),
}

impl EndSignals {
    fn new(leave: fn(Duration)) -> Self {
        Self { end: watch::Sender::new(false), serves: watch::Sender::new(false), leave }
    }

    /// Turns true at a signal, or is true already.
    pub(super) fn to_end(&self) -> watch::Receiver<bool> {
        self.end.subscribe()
    }

    /// From now on somebody is served: a signal waits for an end in order.
    pub(super) fn serves(&self) {
        self.serves.send_replace(true);
    }

    async fn hear(self, signals: Arc<Mutex<Signals>>) {
        let mut signals = signals.lock().await;
        loop {
            signals.next().await;
            self.signal();
        }
    }

    /// A signal came. Whoever is told again does not wait for anything any more.
    fn signal(&self) {
        let again = self.end.send_replace(true);
        if again {
            (self.leave)(Duration::ZERO);
        } else if !*self.serves.borrow() {
            (self.leave)(OPENING);
        }
    }
}

/// Ends the process after so long, on a thread of its own: whoever it ends may hold every other.
fn leave(after: Duration) {
    let end = move || {
        std::thread::park_timeout(after);
        note(if after.is_zero() { "zelo: told to end again" } else { "zelo: told to end before it served" });
        observe::flush(FLUSH);
        std::process::exit(0);
    };
    if std::thread::Builder::new().name("leave".into()).spawn(end).is_err() {
        std::process::exit(0);
    }
}

#[cfg(unix)]
struct Signals(tokio::signal::unix::Signal, tokio::signal::unix::Signal);

#[cfg(unix)]
impl Signals {
    fn hear() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self(signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
    }

    async fn next(&mut self) {
        tokio::select! { _ = self.0.recv() => {}, _ = self.1.recv() => {} }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn hear() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        let _unheard = tokio::signal::ctrl_c().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// After how long the process was to end, each time that somebody asked for it.
    static LEFT: Mutex<Vec<Duration>> = Mutex::new(Vec::new());

    #[test]
    fn a_signal_that_comes_before_anybody_looks_is_seen_by_whoever_looks_and_a_second_one_ends_at_once() {
        let left = || std::mem::take(&mut *LEFT.lock().unwrap());
        let end_signals = || EndSignals::new(|after| LEFT.lock().unwrap().push(after));
        let opening = end_signals();
        opening.signal();
        assert!(*opening.to_end().borrow(), "nobody looked when it came");
        assert_eq!(left(), [OPENING], "however far it comes with the database");
        opening.serves();
        opening.signal();
        assert_eq!(left(), [Duration::ZERO]);
        let serving = end_signals();
        let looks = serving.to_end();
        assert!(!*looks.borrow());
        serving.serves();
        serving.signal();
        assert!(*looks.borrow() && *serving.to_end().borrow());
        assert!(left().is_empty(), "it ends in order");
        serving.signal();
        assert_eq!(left(), [Duration::ZERO]);
    }
}
