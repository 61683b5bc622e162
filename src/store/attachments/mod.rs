//! Files that people attach to something of a patient's. What they are called, the hash of their bytes and the bytes
//! themselves are sealed under the patient's clinical key. Whoever owns what they are attached to says who may attach and
//! see: [`crate::alerts::attachments`] for alerts.

pub mod content;
mod rows;
#[cfg(test)]
mod tests;
pub mod timeline;

use diesel::prelude::*;
use diesel::sql_types::Text;
use ring::digest;
use serde::{Deserialize, Serialize};

use self::rows::{COLUMNS, Row};
use crate::db::error::{Error, Result};
use crate::db::schema::attachments;
use crate::keys::seal::Place;
use crate::patients;
use crate::privacy::accesses::{self, Look, What};
use crate::{Act, Class, Conn, Subject, Tx, View};
use domain::attachments::{AttachedTo, FileName, MOST_FILES, MediaType, admit};
use domain::{AttachmentId, Instant, PatientId, Reason};

/// A file to be attached.
#[derive(Debug, Clone, Copy)]
pub struct NewAttachment<'a> {
    /// What it is called.
    pub name: &'a FileName,
    /// What it is.
    pub media: MediaType,
    /// The whole of it.
    pub bytes: &'a [u8],
}

/// A file that is, or was, attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its id.
    pub id: AttachmentId,
    /// Whose it is.
    pub patient: PatientId,
    /// The same by number.
    pub patient_key: i64,
    /// To what it is attached.
    pub to: AttachedTo,
    /// When.
    pub at: Instant,
    /// By whom ([`crate::Actor::name`]).
    pub actor: String,
    /// What it is.
    pub media: MediaType,
    /// How many bytes it has.
    pub size: u64,
    /// What it is called; `None` once it was removed, or the person erased.
    pub name: Option<String>,
    /// That it was removed.
    pub removed: Option<Removed>,
    sha256: Option<String>,
}

/// That a file was removed: its bytes and its name are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// When.
    pub at: Instant,
    /// By whom ([`crate::Actor::name`]).
    pub by: String,
    /// Why; `None` once the person was erased.
    pub reason: Option<String>,
}

/// What is sealed of a file beside its bytes. It says to what the file is attached and how large it is, so that a row
/// which somebody changed does not open.
#[derive(Debug, Serialize, Deserialize)]
struct Description {
    name: String,
    sha256: String,
    to: (String, String),
    size: u64,
}

/// Attaches a file. The same bytes on the same subject are attached once: the answer is what is there already, and `false`.
///
/// # Errors
/// `E_ATTACHMENTS` for a subject that takes no further file; the patient was erased; database errors.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    to: AttachedTo,
    patient: PatientId,
    file: &NewAttachment<'_>,
) -> Result<(Attachment, bool)> {
    hold(tx, to)?;
    let patient_key = patients::key_of(tx, patient)?;
    let sha256 = hex::encode(digest::digest(&digest::SHA256, file.bytes));
    let held = standing(tx, to)?;
    if let Some(same) = held.iter().find(|one| one.sha256.as_deref() == Some(sha256.as_str())) {
        tx.unchanged();
        return Ok((same.clone(), false));
    }
    let size = u64::try_from(file.bytes.len()).map_err(|_range| Error::corrupt("a file's size"))?;
    let sizes: Vec<u64> = held.iter().map(|one| one.size).collect();
    admit(&sizes, size).map_err(|full| Error::Refused {
        code: "E_ATTACHMENTS",
        what: match full {
            domain::attachments::Full::Files => "it has 20 files: remove one first",
            domain::attachments::Full::Bytes => "its files would exceed 50 MiB together: remove one first",
        },
    })?;
    let id = AttachmentId::new(tx.now());
    let row = id.to_string();
    let description = Description {
        name: file.name.as_str().to_owned(),
        sha256,
        to: (to.kind().to_owned(), to.id()),
        size,
    };
    let place = Place::new("attachments", "description", &row);
    let sealed = tx.seal_json(Subject::Patient(patient), Class::Clinical, place, &description)?;
    diesel::insert_into(attachments::table)
        .values((
            attachments::id.eq(&row),
            attachments::patient_key.eq(patient_key),
            attachments::subject_kind.eq(to.kind()),
            attachments::subject.eq(to.id()),
            attachments::at.eq(tx.now().micros()),
            attachments::actor.eq(tx.actor().name()),
            attachments::media_type.eq(file.media.name()),
            attachments::size.eq(i64::try_from(size).map_err(|_range| Error::corrupt("a file's size"))?),
            attachments::description.eq(Some(sealed)),
        ))
        .execute(tx.conn)?;
    content::save(tx, patient, id, file.bytes)?;
    let body = serde_json::json!({
        "attachment": row, "subject_kind": to.kind(), "subject": to.id(), "media_type": file.media.name(), "size": size,
    });
    tx.audit(&Act::new("attachment.added").patient(patient).body(body))?;
    Ok((get(tx, to, id)?, true))
}

/// Takes the bytes and the name of a file away. Who did it, when and why stays; twice changes nothing.
///
/// # Errors
/// The patient was erased; database errors.
pub(crate) fn remove(tx: &mut Tx<'_>, file: &Attachment, reason: &Reason) -> Result<()> {
    let row = file.id.to_string();
    let place = Place::new("attachments", "reason", &row);
    let sealed =
        tx.seal(Subject::Patient(file.patient), Class::Clinical, place, reason.as_str().as_bytes())?;
    let stands = attachments::table.filter(attachments::id.eq(&row).and(attachments::removed_at.is_null()));
    let done = diesel::update(stands)
        .set((
            attachments::description.eq(None::<Vec<u8>>),
            attachments::removed_at.eq(Some(tx.now().micros())),
            attachments::removed_by.eq(Some(tx.actor().name())),
            attachments::reason.eq(Some(sealed)),
        ))
        .execute(tx.conn)?;
    if done == 0 {
        tx.unchanged();
        return Ok(());
    }
    content::delete(tx, file.id)?;
    let body =
        serde_json::json!({ "attachment": row, "subject_kind": file.to.kind(), "subject": file.to.id() });
    tx.audit(&Act::new("attachment.removed").patient(file.patient).body(body))
}

/// Writes down that a file is handed out to the actor: an entry and a look each time, before the first byte.
///
/// # Errors
/// Database errors: then nothing may be handed out.
pub fn download(tx: &mut Tx<'_>, file: &Attachment) -> Result<()> {
    let what = What::Attachments;
    let look = Look { patient: file.patient, what, refused: None };
    let role = accesses::save(tx, &[(file.patient_key, look)])?;
    let body = serde_json::json!({ "role": role, "what": [what.name()], "attachment": file.id.to_string() });
    let mut act = Act::new("access.read").patient(file.patient).decided(true).body(body);
    if let Some(purpose) = what.purpose() {
        act = act.purpose(purpose);
    }
    tx.audit(&act)
}

/// A file of a subject, also one that was removed.
///
/// # Errors
/// [`Error::NotFound`] where the subject has no such file; database errors.
pub fn get(view: &mut View<'_>, to: AttachedTo, id: AttachmentId) -> Result<Attachment> {
    let row: Option<Row> = attachments::table
        .filter(attachments::id.eq(id.to_string()))
        .filter(attachments::subject_kind.eq(to.kind()).and(attachments::subject.eq(to.id())))
        .select(COLUMNS)
        .get_result(view.conn)
        .optional()?;
    row.ok_or(Error::NotFound("attachment"))?.read(view)
}

/// The files of a subject, the oldest first, with those that were removed.
///
/// # Errors
/// Database errors.
pub fn of(view: &mut View<'_>, to: AttachedTo) -> Result<Vec<Attachment>> {
    let rows: Vec<Row> = attachments::table
        .filter(attachments::subject_kind.eq(to.kind()).and(attachments::subject.eq(to.id())))
        .order(attachments::id)
        .limit(LISTED)
        .select(COLUMNS)
        .load(view.conn)?;
    rows.into_iter().map(|row| row.read(view)).collect()
}

/// A subject has 20 files; of those that were removed a list holds so many that nobody misses one.
const LISTED: i64 = 500;

/// Those that are not removed.
fn standing(view: &mut View<'_>, to: AttachedTo) -> Result<Vec<Attachment>> {
    let rows: Vec<Row> = attachments::table
        .filter(attachments::subject_kind.eq(to.kind()).and(attachments::subject.eq(to.id())))
        .filter(attachments::removed_at.is_null())
        .limit(i64::try_from(MOST_FILES).unwrap_or(i64::MAX))
        .select(COLUMNS)
        .load(view.conn)?;
    rows.into_iter().map(|row| row.read(view)).collect()
}

/// Whoever attaches to the same subject at the same moment waits here, so that none goes beyond its bounds and the same
/// file is not there twice. Nothing else waits for this lock, so it has no place in the order of the others.
fn hold(tx: &mut Tx<'_>, to: AttachedTo) -> Result<()> {
    // On SQLite there is one writer.
    if let Conn::Pg(conn) = &mut *tx.conn {
        let lock =
            "SELECT pg_advisory_xact_lock(hashtext('zelo.attachments ' || current_schema()), hashtext($1))";
        diesel::sql_query(lock).bind::<Text, _>(format!("{} {}", to.kind(), to.id())).execute(conn)?;
    }
    Ok(())
}
