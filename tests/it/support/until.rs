//! Waiting for what another process does: asked again and again, with an end.

use std::time::{Duration, Instant};

/// Asks `probe` until it answers.
///
/// # Panics
/// It did not answer within `patience`.
pub(crate) fn until<T>(what: &str, patience: Duration, mut probe: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = probe() {
            return answer;
        }
        assert!(begun.elapsed() < patience, "{what}: not within {patience:?}");
        pause();
    }
}

#[expect(clippy::disallowed_methods, reason = "another process is asked again; it has no way to tell us")]
fn pause() {
    std::thread::sleep(Duration::from_millis(20));
}
