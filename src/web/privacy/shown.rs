//! Whose readings may be shown to whom, remembered for the live stream: patients measure each second, and their consent
//! changes seldom.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::web::{self, Data};

use crate::people::auth::{Viewer, permit_display};
use crate::state::State;
use domain::{Instant, PatientId, Role};

/// How long an answer is remembered: what ends a basis by time alone is told by the engine, and by this at the latest.
const REMEMBERED: Duration = Duration::from_secs(30);
/// The most answers that are remembered.
const MOST: usize = 65_536;

/// Answers of the decision, by patient and role.
#[derive(Default)]
pub struct Shown(Mutex<Answers>);

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
    pub fn forget(&self, patient: &str) {
        let mut answers = self.answers();
        answers.forgotten += 1;
        answers.known.retain(|(known, _), _| known != patient);
    }

    /// Whether a viewer may be shown a patient's readings. What cannot be asked may not be shown.
    pub async fn is_shown(state: &Data<State>, viewer: &Viewer, patient: &str) -> bool {
        let (key, now) = ((patient.to_owned(), viewer.role), state.now());
        let asked = {
            let answers = state.shown.answers();
            let known = answers.known.get(&key);
            if let Some((_, shown)) = known.filter(|(at, _)| *at <= now && now.since(*at) < REMEMBERED) {
                return *shown;
            }
            answers.forgotten
        };
        let (asking, viewer, id) = (Data::clone(state), viewer.clone(), patient.parse::<PatientId>());
        let decided = web::block(move || {
            let id = id.ok()?;
            let shown = asking.store.read(|view| {
                let patient = viewer.audience.patient(view, id)?;
                Ok(permit_display(view, &asking, &viewer, patient.key()).is_ok())
            });
            shown.ok()
        });
        let Ok(Some(shown)) = decided.await else { return false };
        let mut answers = state.shown.answers();
        if answers.forgotten == asked {
            if answers.known.len() >= MOST {
                answers.known.clear();
            }
            answers.known.insert(key, (now, shown));
        }
        shown
    }
}
