//! A file on its way in: as the body of a call, or as a part of a browser's form. It says its length first, and waits
//! until there is memory for all of it, so that many at once need no more than a few. The limits of other bodies stay.

use std::time::Duration;

use actix_multipart::{Multipart, MultipartError};
use actix_web::HttpRequest;
use actix_web::http::header::{self, ContentDisposition, HeaderMap};
use actix_web::web::{Data, Payload};
use futures_util::{Stream, StreamExt as _};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use crate::http::code::Code;
use crate::http::fault::Fault;
use crate::state::State;
use domain::attachments::{FileName, MOST_BYTES, MediaType, NotAFile};
use store::attachments::NewAttachment;

/// How long a whole file may take to come in.
const TAKES: Duration = Duration::from_secs(180);
/// What a form holds beside its file.
const FORM: usize = 64 * 1024;
/// The longest name that is looked at.
const LONGEST_NAME: usize = 4_096;

/// A file as it came.
pub(crate) struct Upload {
    bytes: Vec<u8>,
    /// What its sender said that it is.
    declared: String,
    /// What its sender called it.
    said: String,
    _room: OwnedSemaphorePermit,
}

/// A file that may be attached.
pub(crate) struct File<'a> {
    name: FileName,
    media: MediaType,
    bytes: &'a [u8],
}

impl File<'_> {
    /// As the store takes it.
    pub(crate) const fn to_attach(&self) -> NewAttachment<'_> {
        NewAttachment { name: &self.name, media: self.media, bytes: self.bytes }
    }
}

impl Upload {
    /// What it is and is called.
    ///
    /// # Errors
    /// `E_INVALID` for an empty one, `E_TOO_LARGE`, `E_MEDIA_TYPE` for one of no kind that is taken, or another than was
    /// declared.
    pub(crate) fn file(&self) -> Result<File<'_>, Fault> {
        let media = MediaType::of(&self.bytes, &self.declared).map_err(refused)?;
        Ok(File { name: FileName::of(&self.said, media), media, bytes: &self.bytes })
    }

    /// By what a repeated call is known: the bytes and whatever else decides what is stored.
    pub(crate) fn fingerprint(&self) -> Vec<u8> {
        let hash = ring::digest::digest(&ring::digest::SHA256, &self.bytes);
        let mut print = hash.as_ref().to_vec();
        for part in [&self.declared, &self.said] {
            print.extend_from_slice(part.as_bytes());
            print.push(0);
        }
        print
    }
}

fn refused(why: NotAFile) -> Fault {
    let code = match why {
        NotAFile::Empty => Code::Invalid,
        NotAFile::TooLarge => Code::TooLarge,
        NotAFile::Unknown | NotAFile::Disagrees => Code::MediaType,
    };
    Fault::new(code).with("field", "file").with("reason", why.to_string())
}

/// A file that is the body of a call. `named` is the name in its address; without one, that of `Content-Disposition`.
///
/// # Errors
/// `E_LENGTH`, `E_TOO_LARGE`, `E_INVALID` for an empty body, `E_MALFORMED` for one that breaks off, `E_BUSY`.
pub(crate) async fn raw(
    request: &HttpRequest,
    state: &Data<State>,
    body: Payload,
    named: Option<String>,
) -> Result<Upload, Fault> {
    let headers = request.headers();
    let length = length(headers, MOST_BYTES)?;
    if length == 0 {
        return Err(refused(NotAFile::Empty));
    }
    let declared = text(headers, &header::CONTENT_TYPE);
    let disposed = || {
        let value = headers.get(header::CONTENT_DISPOSITION)?;
        name_of(&ContentDisposition::from_raw(value).ok()?)
    };
    let said = named.or_else(disposed).unwrap_or_default();
    let room = state.uploads.room(length).await?;
    let bytes = timeout(TAKES, whole(body, length)).await.map_err(|_late| Fault::new(Code::Busy))??;
    if bytes.len() != length {
        return Err(Code::Malformed.into());
    }
    Ok(Upload { bytes, declared, said: cut(said), _room: room })
}

/// The part `file` of a browser's form; other parts are passed over.
///
/// # Errors
/// As [`raw`]; `E_INVALID` for a form without a file.
pub(crate) async fn form(request: &HttpRequest, state: &Data<State>, body: Payload) -> Result<Upload, Fault> {
    let headers = request.headers();
    if !text(headers, &header::CONTENT_TYPE).to_ascii_lowercase().starts_with("multipart/form-data") {
        return Err(Code::MediaType.into());
    }
    let length = length(headers, MOST_BYTES + FORM)?;
    let room = state.uploads.room(length).await?;
    let parts = Multipart::new(headers, body);
    let taken = timeout(TAKES, part(parts, length)).await.map_err(|_late| Fault::new(Code::Busy))??;
    let (bytes, declared, said) = taken.ok_or_else(|| Fault::invalid("file", "choose a file"))?;
    Ok(Upload { bytes, declared, said: cut(said), _room: room })
}

type Part = (Vec<u8>, String, String);

/// Reads a form to its end, so that the browser has sent everything when it is answered.
async fn part(mut parts: Multipart, most: usize) -> Result<Option<Part>, Fault> {
    let mut found = None;
    while let Some(part) = parts.next().await {
        let mut part = part.map_err(|error| unread(&error))?;
        if part.name() != Some("file") || found.is_some() {
            let mut passed = 0_usize;
            while let Some(chunk) = part.next().await {
                passed = passed.saturating_add(chunk.map_err(|error| unread(&error))?.len());
                if passed > FORM {
                    return Err(Code::TooLarge.into());
                }
            }
            continue;
        }
        let declared = part.content_type().map(ToString::to_string).unwrap_or_default();
        let said = part.content_disposition().and_then(name_of).unwrap_or_default();
        let mut bytes = Vec::new();
        while let Some(chunk) = part.next().await {
            let chunk = chunk.map_err(|error| unread(&error))?;
            if bytes.len() + chunk.len() > MOST_BYTES.min(most) {
                return Err(refused(NotAFile::TooLarge));
            }
            bytes.extend_from_slice(&chunk);
        }
        found = Some((bytes, declared, said));
    }
    // A form whose field was left empty sends a part without name and bytes.
    Ok(found.filter(|(bytes, _, said)| !(bytes.is_empty() && said.is_empty())))
}

fn unread(error: &MultipartError) -> Fault {
    tracing::debug!(%error, "a form with a file could not be read");
    Code::Malformed.into()
}

/// Every byte of a body that says that it has so many.
async fn whole<E>(
    mut body: impl Stream<Item = Result<actix_web::web::Bytes, E>> + Unpin,
    length: usize,
) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::with_capacity(length);
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_broken_off| Fault::new(Code::Malformed))?;
        if bytes.len() + chunk.len() > length {
            return Err(Code::TooLarge.into());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// How long a body says that it is.
fn length(headers: &HeaderMap, most: usize) -> Result<usize, Fault> {
    let said = headers.get(header::CONTENT_LENGTH).and_then(|said| said.to_str().ok());
    let said = said.ok_or_else(|| Fault::new(Code::Length))?;
    match said.trim().parse::<usize>() {
        Ok(length) if length <= most => Ok(length),
        Ok(_) => Err(refused(NotAFile::TooLarge)),
        Err(_not_a_number) => Err(Code::Malformed.into()),
    }
}

fn name_of(said: &ContentDisposition) -> Option<String> {
    let extended = said.get_filename_ext().map(|name| String::from_utf8_lossy(&name.value).into_owned());
    extended.or_else(|| said.get_filename().map(str::to_owned))
}

fn cut(mut said: String) -> String {
    let mut end = said.len().min(LONGEST_NAME);
    while !said.is_char_boundary(end) {
        end -= 1;
    }
    said.truncate(end);
    said
}

fn text(headers: &HeaderMap, name: &header::HeaderName) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}
