//! Whether a viewer may be shown a patient's readings, for the live stream.

use actix_web::web::{self, Data};

use crate::people::auth::{Viewer, permit_display};
use crate::state::State;
use domain::PatientId;

/// Whether a viewer may be shown a patient's readings. What cannot be asked may not be shown.
pub(crate) async fn is_shown(state: &Data<State>, viewer: &Viewer, patient: &str) -> bool {
    let (key, now) = ((patient.to_owned(), viewer.role), state.now());
    let asked = match state.shown.known(&key, now) {
        Ok(shown) => return shown,
        Err(asked) => asked,
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
    state.shown.remember(asked, key, now, shown);
    shown
}
