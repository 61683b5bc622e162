//! Every long-lived thread and task begins here and says what it does. One that panics is reported, begins again after a
//! pause, and when it does not stay up the whole process ends: a node that cannot work must not look as if it did.

mod watched;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant as Moment};

use tokio::sync::watch;

pub use watched::{Ill, Watched};

/// A thread may end so often…
pub(crate) const RESTARTS: usize = 5;
/// …within this time; once more, and the process ends.
const WITHIN: Duration = Duration::from_secs(600);
/// The pause before the first restart. It doubles with each…
const PAUSE: Duration = Duration::from_millis(250);
/// …up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The long-lived threads of one node. Cheap to clone.
#[derive(Clone)]
pub struct Threads(Arc<Inner>);

struct Inner {
    watched: Mutex<Vec<Watched>>,
    ends: Mutex<Vec<End>>,
    given_up: watch::Sender<Option<&'static str>>,
    closing: watch::Sender<bool>,
}

/// The end of a thread that nobody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Which thread.
    pub thread: &'static str,
    /// How often it has ended lately, this time included.
    pub times: usize,
    /// It does not begin again: the process ends.
    pub for_good: bool,
}

impl Default for Threads {
    fn default() -> Self {
        Self(Arc::new(Inner {
            watched: Mutex::default(),
            ends: Mutex::default(),
            given_up: watch::Sender::new(None),
            closing: watch::Sender::new(false),
        }))
    }
}

impl Threads {
    /// Starts a thread. `work` says through [`Watched`] when it works and when it waits for work, and may work for
    /// `at_most` without a word. It is called again after a panic: what it holds must bear that. It ends by returning.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn start(
        &self,
        name: &'static str,
        at_most: Duration,
        mut work: impl FnMut(&Watched) + Send + 'static,
    ) -> std::io::Result<JoinHandle<()>> {
        let (threads, watched) = (self.clone(), self.watch(name, at_most));
        std::thread::Builder::new().name(name.into()).spawn(move || {
            let mut fell = Falls::default();
            while catch_unwind(AssertUnwindSafe(|| work(&watched))).is_err() {
                let Some(pause) = threads.fell(&watched, &mut fell) else { return };
                let until = Moment::now() + pause;
                while let Some(left) = until.checked_duration_since(Moment::now()) {
                    if *threads.0.closing.borrow() {
                        return;
                    }
                    std::thread::park_timeout(left.min(PAUSE));
                }
                watched.begins();
            }
            watched.ended();
        })
    }

    /// Starts a task that only waits and passes on: `work` makes it anew after a panic. Must run inside a tokio runtime.
    pub fn task<F>(
        &self,
        name: &'static str,
        mut work: impl FnMut() -> F + Send + 'static,
    ) -> tokio::task::JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (threads, watched) = (self.clone(), self.watch(name, Duration::MAX));
        tokio::spawn(async move {
            // A task that is cut off is over.
            let watched = Cut(watched);
            let (watched, mut fell) = (&watched.0, Falls::default());
            loop {
                let mut running = Aborts(tokio::spawn(watched.clone().under_strikes(work())));
                let done = (&mut running.0).await;
                if !done.is_err_and(|error| error.is_panic()) {
                    break;
                }
                let Some(pause) = threads.fell(watched, &mut fell) else { return };
                tokio::time::sleep(pause).await;
                watched.begins();
            }
        })
    }

    /// Runs a task that cannot be made anew: one that panics or fails ends the process. Must run inside a tokio runtime.
    pub fn once(
        &self,
        name: &'static str,
        work: impl Future<Output = std::io::Result<()>> + Send + 'static,
    ) -> tokio::task::JoinHandle<()> {
        let (threads, watched) = (self.clone(), Cut(self.watch(name, Duration::MAX)));
        tokio::spawn(async move {
            let mut running = Aborts(tokio::spawn(watched.0.clone().under_strikes(work)));
            let fell = match (&mut running.0).await {
                Ok(done) => {
                    done.inspect_err(|error| tracing::error!(thread = name, %error, "it failed")).is_err()
                }
                Err(cut) => cut.is_panic(),
            };
            if fell {
                threads.note(&watched.0, 1, true);
            }
        })
    }

    fn watch(&self, name: &'static str, at_most: Duration) -> Watched {
        let watched = Watched::new(name, at_most);
        let mut all = self.lock();
        all.retain(|watched| !watched.is_over());
        all.push(watched.clone());
        drop(all);
        self.0.closing.send_replace(false);
        watched
    }

    /// Notes that a thread fell. Says after which pause it begins again; `None`: not at all.
    fn fell(&self, watched: &Watched, fell: &mut Falls) -> Option<Duration> {
        let (times, pause) = fell.again(Moment::now());
        let for_good = times > RESTARTS;
        self.note(watched, times, for_good);
        (!for_good).then_some(pause)
    }

    fn note(&self, watched: &Watched, times: usize, for_good: bool) {
        let thread = watched.name();
        watched.fell(for_good);
        tracing::error!(thread, times, for_good, "a thread ended by a panic");
        let mut ends = self.0.ends.lock().unwrap_or_else(PoisonError::into_inner);
        // A thread has at most so many before the process ends.
        ends.push(End { thread, times, for_good });
        drop(ends);
        if for_good {
            self.0.given_up.send_replace(Some(thread));
        }
    }

    /// The threads that do not do what they should: down, or at work for longer than they may.
    #[must_use]
    pub fn ill(&self) -> Vec<Ill> {
        self.lock().iter().filter_map(|watched| watched.ill(Moment::now())).collect()
    }

    /// Whether one of them has been at the same piece of work for so long.
    #[must_use]
    pub fn are_at_work(&self, long: Duration) -> bool {
        self.lock().iter().any(|watched| watched.at_work(Moment::now()) >= long)
    }

    /// The ends that were not written down yet.
    #[must_use]
    pub fn take_ends(&self) -> Vec<End> {
        std::mem::take(&mut *self.0.ends.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts back what could not be written down.
    pub fn give_back(&self, ends: Vec<End>) {
        self.0.ends.lock().unwrap_or_else(PoisonError::into_inner).splice(0..0, ends);
    }

    /// Comes back, with its name, when a thread does not begin again.
    pub async fn given_up(&self) -> &'static str {
        let mut given_up = self.0.given_up.subscribe();
        loop {
            if let Some(name) = *given_up.borrow_and_update() {
                return name;
            }
            if given_up.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// The node stops: nothing begins again.
    pub fn close(&self) {
        self.0.closing.send_replace(true);
    }

    /// Makes a thread panic at its next word, so often: for tests of what happens then.
    #[cfg(debug_assertions)]
    pub fn strike(&self, name: &str, times: u32) {
        self.lock().iter().filter(|watched| watched.name() == name).for_each(|watched| watched.strike(times));
    }

    /// The names of all, as they were started.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.lock().iter().map(Watched::name).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Watched>> {
        self.0.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs the blocking part of a task on a thread for such. When it panics, whoever waits for it falls as if the panic were
/// its own: nothing goes on without what was not done. Must run inside a tokio runtime; never comes back once that stops.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(fell) => match fell.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_cut_off) => std::future::pending().await,
        },
    }
}

/// The end of a task, however it came.
struct Cut(Watched);

impl Drop for Cut {
    fn drop(&mut self) {
        self.0.ended();
    }
}

/// A task that is cut off with whoever waits for it.
struct Aborts<T = ()>(tokio::task::JoinHandle<T>);

impl<T> Drop for Aborts<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// When a thread fell lately.
#[derive(Default)]
struct Falls(Vec<Moment>);

impl Falls {
    /// It fell again: how often lately, and how long to leave it.
    fn again(&mut self, now: Moment) -> (usize, Duration) {
        self.0.retain(|fell| now.saturating_duration_since(*fell) < WITHIN);
        self.0.push(now);
        let doubled = u32::try_from(self.0.len() - 1).unwrap_or(u32::MAX).min(16);
        (self.0.len(), PAUSE.saturating_mul(1 << doubled).min(LONGEST_PAUSE))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    fn until(what: &str, mut holds: impl FnMut() -> bool) {
        let began = Moment::now();
        while !holds() {
            assert!(began.elapsed() < Duration::from_secs(10), "{what}");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_thread_that_panics_is_ill_is_told_and_works_again() {
        let threads = Threads::default();
        let (tell, heard) = channel();
        let (ask, asked) = channel::<u32>();
        let thread = threads.start("worker", Duration::from_secs(60), move |watched| {
            while let Ok(number) = {
                watched.rests();
                asked.recv()
            } {
                watched.works();
                assert_ne!(number, 2, "a piece of work that cannot be done");
                tell.send(number).unwrap();
            }
        });
        let thread = thread.unwrap();
        ask.send(1).unwrap();
        assert_eq!((heard.recv().unwrap(), threads.ill()), (1, vec![]));
        ask.send(2).unwrap();
        until("seen", || threads.ill() == [Ill { thread: "worker", why: "it ended and begins again" }]);
        ask.send(3).unwrap();
        assert_eq!(heard.recv().unwrap(), 3, "it works again");
        assert_eq!(threads.take_ends(), [End { thread: "worker", times: 1, for_good: false }]);
        assert!(!threads.ill().is_empty(), "whoever asks each second sees it all the same");
        drop(ask);
        thread.join().unwrap();
        assert!(threads.ill().is_empty(), "an end that was asked for is none");
    }

    #[test]
    fn a_thread_that_works_too_long_is_ill_and_one_that_waits_is_not() {
        let watched = Watched::new("worker", Duration::from_secs(5));
        let later = |seconds| Moment::now() + Duration::from_secs(seconds);
        watched.rests();
        assert_eq!(watched.ill(later(3_600)), None);
        watched.works();
        assert_eq!(watched.ill(later(4)), None);
        assert!(watched.ill(later(6)).is_some());
        watched.works();
        assert_eq!(watched.ill(later(4)), None, "each word counts");
    }

    #[test]
    fn a_thread_that_does_not_stay_up_is_given_up_by_name() {
        let mut falls = Falls::default();
        let now = Moment::now();
        let pauses: Vec<u128> = (0..RESTARTS).map(|_| falls.again(now).1.as_millis()).collect();
        assert_eq!(pauses, [250, 500, 1_000, 2_000, 4_000]);
        assert_eq!(falls.again(now).0, RESTARTS + 1);
        assert_eq!(falls.again(now + WITHIN).0, 1, "what is long past does not count");

        let threads = Threads::default();
        let (watched, mut falls) = (threads.watch("worker", PAUSE), Falls::default());
        let pauses = (0..=RESTARTS).filter_map(|_| threads.fell(&watched, &mut falls)).count();
        assert_eq!(pauses, RESTARTS);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(threads.given_up()), "worker");
        assert_eq!(threads.ill(), [Ill { thread: "worker", why: "it ended for good" }]);
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
    }

    #[test]
    fn a_task_that_cannot_be_made_anew_ends_the_process_and_one_that_ends_does_not() {
        runtime().block_on(async {
            let threads = Threads::default();
            threads.once("server", std::future::ready(Ok(()))).await.unwrap();
            assert_eq!((threads.ill(), threads.take_ends()), (vec![], vec![]));
            drop(threads.once("server", async {
                tokio::task::yield_now().await;
                Err(std::io::Error::other("its socket is gone"))
            }));
            assert_eq!(threads.given_up().await, "server");
            assert_eq!(threads.ill(), [Ill { thread: "server", why: "it ended for good" }]);
            drop(threads.once("other", std::future::pending()));
            tokio::task::yield_now().await;
            threads.strike("other", 1);
            while threads.given_up().await != "other" {
                tokio::task::yield_now().await;
            }
        });
    }

    #[test]
    fn a_task_whose_blocking_part_panics_falls_and_is_made_anew() {
        let threads = Threads::default();
        let (tell, heard) = channel();
        runtime().block_on(async {
            let mut made = 0;
            let task = threads.task("watcher", move || {
                made += 1;
                let (tell, made) = (tell.clone(), made);
                async move {
                    let done = blocking(move || {
                        assert!(made > 1, "the first one falls");
                        made
                    });
                    tell.send(done.await).unwrap();
                }
            });
            task.await.unwrap();
        });
        assert_eq!(heard.recv().unwrap(), 2);
        assert_eq!(threads.take_ends(), [End { thread: "watcher", times: 1, for_good: false }]);
    }

    #[test]
    fn a_task_that_panics_is_made_anew() {
        let threads = Threads::default();
        let (tell, heard) = channel();
        runtime().block_on(async {
            let mut made = 0;
            let task = threads.task("watcher", move || {
                made += 1;
                let (tell, made) = (tell.clone(), made);
                async move {
                    assert!(made > 1, "the first one falls");
                    tell.send(made).unwrap();
                }
            });
            task.await.unwrap();
        });
        assert_eq!(heard.recv().unwrap(), 2);
        assert_eq!(threads.take_ends().len(), 1);
    }
}
