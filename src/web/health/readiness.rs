//! Whether this node is still to be sent requests.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Moment};

/// Somebody who asks more seldom whether the node is ready does not choose by it where requests go.
const ASKS: Duration = Duration::from_secs(60);

/// Whether the node was told to end, and when somebody last asked whether it is ready.
#[derive(Default)]
pub(crate) struct Readiness(Mutex<(bool, Option<Moment>)>);

impl Readiness {
    fn state(&self) -> MutexGuard<'_, (bool, Option<Moment>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The node ends: from now on it is not ready. Whether somebody asks and will see it.
    pub(crate) fn ends(&self) -> bool {
        let mut state = self.state();
        state.0 = true;
        state.1.is_some_and(|asked| asked.elapsed() < ASKS)
    }

    /// Somebody asks: whether the node ends.
    pub(super) fn asked(&self) -> bool {
        let mut state = self.state();
        state.1 = Some(Moment::now());
        state.0
    }
}
