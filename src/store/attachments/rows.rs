//! A file's row, and what it says.

use diesel::prelude::*;

use super::{Attachment, Description, Removed};
use crate::db::error::InRow;
use crate::db::error::{Error, Result};
use crate::db::schema::attachments;
use crate::keys::seal::{Broken, Place};
use crate::{View, patients};
use domain::Instant;
use domain::attachments::{AttachedTo, MediaType};

pub(super) const COLUMNS: (
    attachments::id,
    attachments::patient_key,
    attachments::subject_kind,
    attachments::subject,
    attachments::at,
    attachments::actor,
    attachments::media_type,
    attachments::size,
    attachments::description,
    attachments::removed_at,
    attachments::removed_by,
    attachments::reason,
) = (
    attachments::id,
    attachments::patient_key,
    attachments::subject_kind,
    attachments::subject,
    attachments::at,
    attachments::actor,
    attachments::media_type,
    attachments::size,
    attachments::description,
    attachments::removed_at,
    attachments::removed_by,
    attachments::reason,
);

/// A row as it is stored.
#[derive(Queryable)]
pub(super) struct Row {
    id: String,
    patient_key: i64,
    subject_kind: String,
    subject: String,
    at: i64,
    actor: String,
    media_type: String,
    size: i64,
    description: Option<Vec<u8>>,
    removed_at: Option<i64>,
    removed_by: Option<String>,
    reason: Option<Vec<u8>>,
}

impl Row {
    /// Opens it. The person may be erased: then name and reason are gone.
    pub(super) fn read(self, view: &mut View<'_>) -> Result<Attachment> {
        let id = self.id.clone();
        self.parse(view).in_row(id)
    }

    fn parse(self, view: &mut View<'_>) -> Result<Attachment> {
        let size = u64::try_from(self.size).map_err(|_range| Error::corrupt("attachments.size"))?;
        let to = AttachedTo::read(&self.subject_kind, &self.subject);
        let to = to.ok_or(Error::corrupt("attachments.subject"))?;
        let (mut name, mut sha256) = (None, None);
        if let Some(blob) = &self.description {
            let place = Place::new("attachments", "description", &self.id);
            if let Some(found) = unless_erased(view.open_json::<Description>(place, blob))? {
                if found.size != size || found.to != (self.subject_kind, self.subject) {
                    return Err(Error::corrupt("attachments: a row is not what was sealed with it"));
                }
                (name, sha256) = (Some(found.name), Some(found.sha256));
            }
        }
        let reason = match &self.reason {
            Some(blob) => unless_erased(view.open(Place::new("attachments", "reason", &self.id), blob))?,
            None => None,
        };
        let reason = reason.and_then(|bytes| String::from_utf8(bytes).ok());
        let removed = self.removed_at.zip(self.removed_by);
        Ok(Attachment {
            id: self.id.parse().map_err(|_not_an_id| Error::corrupt("attachments.id"))?,
            patient: patients::id_of(view, self.patient_key)?,
            patient_key: self.patient_key,
            to,
            at: Instant::from_micros(self.at),
            actor: self.actor,
            media: MediaType::from_name(&self.media_type).ok_or(Error::corrupt("attachments.media_type"))?,
            size,
            name,
            removed: removed.map(|(at, by)| Removed { at: Instant::from_micros(at), by, reason }),
            sha256,
        })
    }
}

fn unless_erased<T>(opened: Result<T>) -> Result<Option<T>> {
    match opened {
        Ok(plain) => Ok(Some(plain)),
        Err(Error::Sealed(Broken::KeyDestroyed, _)) => Ok(None),
        Err(error) => Err(error),
    }
}
