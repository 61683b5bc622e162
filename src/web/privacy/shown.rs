//! Whose readings may be shown to whom, remembered for the live stream: patients measure each second, and their consent
//! changes seldom.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{Instant, Role};

/// How long an answer is remembered: what ends a basis by time alone is announced by the engine, and by this at the latest.
const REMEMBERED: Duration = Duration::from_secs(30);
/// The most answers that are remembered.
const MOST: usize = 65_536;

/// Answers of the decision, by patient and role.
#[derive(Default)]
pub(crate) struct Shown(Mutex<Answers>);

#[derive(Default)]
struct Answers {
    known: HashMap<(String, Role), (Instant, bool)>,
    /// How often something was forgotten: an answer that was asked for before is not remembered.
    forgotten: u64,
}

impl Shown {
    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The consent of a patient changed: what was answered of them is asked again.
    pub(crate) fn forget(&self, patient: &str) {
        let mut answers = self.answers();
        answers.forgotten += 1;
        answers.known.retain(|(known, _), _| known != patient);
    }

    /// What is remembered of an answer; else how often something was forgotten so far, for [`Shown::remember`].
    pub(super) fn known(&self, key: &(String, Role), now: Instant) -> Result<bool, u64> {
        let answers = self.answers();
        match answers.known.get(key).filter(|(at, _)| *at <= now && now.since(*at) < REMEMBERED) {
            Some((_, shown)) => Ok(*shown),
            None => Err(answers.forgotten),
        }
    }

    /// Remembers an answer, unless something was forgotten since it was asked for.
    pub(super) fn remember(&self, asked: u64, key: (String, Role), now: Instant, shown: bool) {
        let mut answers = self.answers();
        if answers.forgotten == asked {
            if answers.known.len() >= MOST {
                answers.known.clear();
            }
            answers.known.insert(key, (now, shown));
        }
    }
}
