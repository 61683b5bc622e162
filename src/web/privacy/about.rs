//! Whom an address is about: what the gate writes down when nobody else has.

use actix_web::web::{self, Data};

use super::pseudonyms::knows_none;
use crate::alerts::cases;
use crate::people::auth::Viewer;
use crate::state::State;
use domain::PatientId;
use store::devices::{self, bindings};
use store::patients;
use store::patients::audience::{Audience, Visible};
use store::privacy::accesses::What;
use store::readings::quarantine;

/// Whom an address is about, by its first parameter: what the gate writes down when nobody else has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct About {
    whose: Whose,
    what: What,
    /// Whether an answer in silence shows something of them; else only a refusal is a look.
    shows: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Patient,
    Alert,
    Quarantined,
    /// Of whom a device measures now.
    Device,
}

impl About {
    /// Of a route's path; `None` for one that names no person.
    #[must_use]
    pub(crate) fn of(path: &str) -> Option<Self> {
        let path = path.strip_prefix("/api/v1").unwrap_or(path);
        let mut parts = path.split('/').skip(1);
        let (kind, id, rest) = (parts.next()?, parts.next()?, parts.next());
        if id != "{id}" {
            return None;
        }
        let (whose, what) = match (kind, rest) {
            ("patients", None) => (Whose::Patient, What::Contacts),
            ("patients", Some("consents")) => (Whose::Patient, What::Consents),
            ("patients", Some("alerts")) => (Whose::Patient, What::Alerts),
            ("patients", Some("accesses")) => (Whose::Patient, What::Looks),
            ("patients", Some("reveals")) => (Whose::Patient, What::Reveal),
            ("patients", Some("export")) => (Whose::Patient, What::Export),
            ("patients", Some("devices" | "timeline")) => (Whose::Patient, What::Identity),
            ("patients", Some(_)) => (Whose::Patient, What::Readings),
            // Only one file is handed out; attaching shows the case, as its list does.
            ("alerts", Some("attachments")) if parts.next().is_some() => (Whose::Alert, What::Attachments),
            ("alerts", _) => (Whose::Alert, What::Alerts),
            ("quarantine", _) => (Whose::Quarantined, What::Readings),
            ("devices", _) => (Whose::Device, What::Identity),
            _ => return None,
        };
        Some(Self { whose, what, shows: whose != Whose::Device })
    }

    /// Whether an answer that says nothing of whom it showed has shown them.
    #[must_use]
    pub(crate) const fn shows(self) -> bool {
        self.shows
    }

    /// At what of them.
    #[must_use]
    pub(crate) const fn what(self) -> What {
        self.what
    }

    /// The patient whom the address of a request is about, if there is one: whether or not the viewer may see them, for
    /// what was refused is written down too.
    pub(crate) async fn patient(self, state: &Data<State>, viewer: &Viewer, id: &str) -> Option<PatientId> {
        let (state, viewer, id) = (Data::clone(state), viewer.clone(), id.to_owned());
        let found = web::block(move || {
            state.store.read(|view| {
                let absent = || store::Error::NotFound("id");
                let everybody = Audience::program();
                match self.whose {
                    Whose::Patient => {
                        let requested = id.parse().map_err(|_not_an_id| absent())?;
                        let meant = match knows_none(&viewer) {
                            true => store::privacy::pseudonyms::meant(view, viewer.id, requested)?,
                            false => requested,
                        };
                        everybody.patient(view, meant).map(Visible::id)
                    }
                    Whose::Alert => cases::patient_of(view, id.parse().map_err(|_not_an_id| absent())?),
                    Whose::Device => {
                        let device = devices::get(view, id.parse().map_err(|_not_an_id| absent())?)?;
                        let bound = bindings::of_device(view, &everybody, device.key)?;
                        bound
                            .iter()
                            .find(|bound| bound.to.is_none())
                            .map(|bound| bound.patient)
                            .ok_or_else(absent)
                    }
                    Whose::Quarantined => {
                        let item = quarantine::get(view, id.parse().map_err(|_not_an_id| absent())?)?;
                        patients::id_of(view, item.patient_key.ok_or_else(absent)?)
                    }
                }
            })
        });
        found.await.ok()?.ok()
    }
}
