//! What one thread last did, as the thread itself says it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Moment};

/// Whoever asks each second must see an end that was mended within one.
const SHOWN: Duration = Duration::from_secs(3);

/// A thread under watch. Cheap to clone.
#[derive(Clone)]
pub struct Watched(Arc<Inner>);

struct Inner {
    name: &'static str,
    at_most: Duration,
    state: Mutex<State>,
}

struct State {
    does: Does,
    /// It was down until then.
    mended: Option<Moment>,
    #[cfg(debug_assertions)]
    strikes: u32,
    /// Who polls a task, which says nothing by itself.
    #[cfg(debug_assertions)]
    waker: Option<std::task::Waker>,
}

#[derive(Clone, Copy)]
enum Does {
    /// Waits for work, or for its time.
    Rests,
    /// Works since.
    Works(Moment),
    /// Fell and begins again.
    Down,
    /// Fell and does not begin again.
    Gone,
    /// Ended as it was asked to.
    Ended,
}

/// A thread that does not do what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ill {
    /// Which.
    pub thread: &'static str,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Watched {
    pub(super) fn new(name: &'static str, at_most: Duration) -> Self {
        let state = State {
            does: Does::Rests,
            mended: None,
            #[cfg(debug_assertions)]
            strikes: 0,
            #[cfg(debug_assertions)]
            waker: None,
        };
        Self(Arc::new(Inner { name, at_most, state: Mutex::new(state) }))
    }

    pub(super) fn name(&self) -> &'static str {
        self.0.name
    }

    /// It begins a piece of work, or goes on with the next part of one.
    pub fn works(&self) {
        self.says(Does::Works(Moment::now()));
    }

    /// It waits for work.
    pub fn rests(&self) {
        self.says(Does::Rests);
    }

    fn says(&self, does: Does) {
        let mut state = self.state();
        state.does = does;
        #[cfg(debug_assertions)]
        if state.strikes > 0 {
            state.strikes -= 1;
            drop(state);
            std::panic::resume_unwind(Box::new("struck"));
        }
    }

    #[cfg(debug_assertions)]
    pub(super) fn strike(&self, times: u32) {
        let mut state = self.state();
        state.strikes = times;
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    /// What a task does, which falls when it is struck, whatever it waits for.
    #[cfg(debug_assertions)]
    pub(super) async fn under_strikes<T>(self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        std::future::poll_fn(|cx| {
            let mut state = self.state();
            if state.strikes > 0 {
                state.strikes -= 1;
                drop(state);
                std::panic::resume_unwind(Box::new("struck"));
            }
            state.waker = Some(cx.waker().clone());
            drop(state);
            work.as_mut().poll(cx)
        })
        .await
    }

    /// What a task does.
    #[cfg(not(debug_assertions))]
    pub(super) async fn under_strikes<T>(self, work: impl Future<Output = T>) -> T {
        work.await
    }

    pub(super) fn fell(&self, for_good: bool) {
        self.state().does = if for_good { Does::Gone } else { Does::Down };
    }

    pub(super) fn begins(&self) {
        let mut state = self.state();
        (state.does, state.mended) = (Does::Rests, Some(Moment::now()));
    }

    /// It ended as it was asked to; one that is gone stays so.
    pub(super) fn ended(&self) {
        let mut state = self.state();
        if !matches!(state.does, Does::Gone) {
            state.does = Does::Ended;
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.state().does, Does::Ended)
    }

    /// For how long it has been at what it does without a word.
    pub(super) fn at_work(&self, now: Moment) -> Duration {
        match self.state().does {
            Does::Works(since) => now.saturating_duration_since(since),
            Does::Rests | Does::Down | Does::Gone | Does::Ended => Duration::ZERO,
        }
    }

    pub(super) fn ill(&self, now: Moment) -> Option<Ill> {
        let state = self.state();
        let lately = |at: Moment| now.saturating_duration_since(at) < SHOWN;
        let why = match state.does {
            Does::Ended => return None,
            Does::Gone => "it ended for good",
            Does::Down => "it ended and begins again",
            Does::Works(since) if now.saturating_duration_since(since) > self.0.at_most => {
                "it does not come to an end with what it does"
            }
            Does::Works(_) | Does::Rests if state.mended.is_some_and(lately) => "it ended and began again",
            Does::Works(_) | Does::Rests => return None,
        };
        Some(Ill { thread: self.0.name, why })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
