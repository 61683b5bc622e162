//! Pseudonyms of patients for viewers who may not know them: an id of its own for each viewer, always the same for one
//! viewer, which only this installation can resolve. Nothing is stored for it.

use aes::Aes256;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use uuid::Uuid;

use crate::db::error::{Error, Result};
use crate::patients::audience::Requested;
use crate::{View, patients};
use domain::{PatientId, UserId};

fn cipher(view: &mut View<'_>, viewer: UserId) -> Result<Aes256> {
    let key = view.blind("pseudonym", &viewer.to_string())?;
    Aes256::new_from_slice(&key).map_err(|_length| Error::Keys("a pseudonym's key has another length".into()))
}

/// The pseudonym of a patient for a viewer.
///
/// # Errors
/// Database errors.
pub fn of(view: &mut View<'_>, viewer: UserId, patient: PatientId) -> Result<PatientId> {
    let mut block = (*patient.0.as_bytes()).into();
    cipher(view, viewer)?.encrypt_block(&mut block);
    Ok(PatientId(Uuid::from_bytes(block.into())))
}

/// The patient whom a viewer means by an id: the one whose pseudonym it is for them, or else the id itself.
///
/// # Errors
/// Database errors.
pub fn meant(
    view: &mut View<'_>,
    viewer: UserId,
    asked: Requested<PatientId>,
) -> Result<Requested<PatientId>> {
    let mut block = (*asked.as_sent().0.as_bytes()).into();
    cipher(view, viewer)?.decrypt_block(&mut block);
    let patient = PatientId(Uuid::from_bytes(block.into()));
    match patients::key_of(view, patient) {
        Ok(_) => Ok(patient.into()),
        Err(Error::NotFound(_)) => Ok(asked),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, stores};
    use crate::tests::patient;

    #[test]
    fn a_pseudonym_is_stable_for_one_viewer_another_for_the_next_and_leads_back() {
        for store in stores() {
            let (ana, bia) = (patient(&store, "Ana").id, patient(&store, "Bia").id);
            let (one, two) = (UserId::new(NOW), UserId::new(NOW));
            let shown = |viewer, who| store.read(|view| of(view, viewer, who)).unwrap();
            let back = |viewer, requested: PatientId| {
                store.read(|view| meant(view, viewer, requested.into())).unwrap().as_sent()
            };
            assert_eq!(shown(one, ana), shown(one, ana));
            assert_ne!(shown(one, ana), shown(two, ana));
            assert_ne!(shown(one, ana), shown(one, bia));
            assert_ne!(shown(one, ana), ana);
            assert_eq!(back(one, shown(one, ana)), ana);
            assert_eq!(back(one, ana), ana, "an id stays what it is");
            assert_ne!(back(two, shown(one, ana)), ana, "one viewer's pseudonym says nothing to another");
        }
    }
}
