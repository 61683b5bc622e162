//! What hears SIGINT and SIGTERM, from the first thing that `serve` and `demo` do: told to end before they serve, they end
//! as they do later, with exit code 0.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::{Mutex, watch};

use super::error::{Error, Result};
use super::out::note;
use crate::observe;
use crate::supervise::Threads;

/// How long what is being opened may take to come to an end: nothing was acknowledged yet.
const OPENING: Duration = Duration::from_secs(2);
/// What of the log is still to be written has so long.
const FLUSH: Duration = Duration::from_millis(500);

/// Whoever hears signals, and the runtime it hears them on.
pub(super) struct Ears {
    runtime: Runtime,
    signals: Arc<Mutex<Signals>>,
    told: watch::Sender<bool>,
    early: tokio::task::JoinHandle<()>,
}

impl Ears {
    /// Hears from now on. Until [`Ears::under`] a signal ends the process as soon as what it does is done, or after two
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
        let told = watch::Sender::new(false);
        let (hears, tells) = (Arc::clone(&signals), told.clone());
        let early = runtime.spawn(async move {
            hears.lock().await.next().await;
            let _nobody_waits = tells.send(true);
            tokio::time::sleep(OPENING).await;
            note("zelo: told to end before it served");
            observe::flush(FLUSH);
            std::process::exit(0);
        });
        Ok(Self { runtime, signals, told, early })
    }

    /// The house is open: a signal is heard by one of its watched tasks from now on. The other turns true at a signal, or is
    /// true already.
    pub(super) fn under(self, threads: &Threads) -> (Runtime, watch::Receiver<bool>) {
        let Self { runtime, signals, told, early } = self;
        early.abort();
        let stop = told.subscribe();
        let within = runtime.enter();
        drop(threads.task("signals", move || {
            let (signals, told) = (Arc::clone(&signals), told.clone());
            async move {
                if !*told.borrow() {
                    signals.lock().await.next().await;
                }
                told.send_replace(true);
            }
        }));
        drop(within);
        (runtime, stop)
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
