//! A file in the shape of the API, without its bytes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::code::Code;
use domain::{AttachmentId, Instant, Reason, UserId};
use store::attachments::Attachment as Stored;

/// A file that is, or was, attached.
#[derive(Serialize, ToSchema)]
pub(crate) struct Attachment {
    #[schema(value_type = String)]
    id: AttachmentId,
    /// Null without a legal basis to show (`masked` says why), once it was removed, and once the person was erased.
    name: Option<String>,
    /// By its bytes.
    media_type: &'static str,
    /// In bytes.
    size: u64,
    #[schema(value_type = String)]
    at: Instant,
    /// Who attached it; null: the program.
    #[schema(value_type = Option<String>)]
    by: Option<UserId>,
    /// The code for which its name and its bytes are hidden.
    masked: Option<&'static str>,
    removed: Option<AttachmentRemoved>,
}

/// That a file was removed: its bytes are gone.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttachmentRemoved {
    #[schema(value_type = String)]
    at: Instant,
    #[schema(value_type = Option<String>)]
    by: Option<UserId>,
    /// Null where it may not be shown.
    reason: Option<String>,
}

impl Attachment {
    /// As it may be shown: without words where `masked` says why.
    pub(crate) fn of(file: Stored, masked: Option<Code>) -> Self {
        Self {
            id: file.id,
            name: file.name.filter(|_| masked.is_none()),
            media_type: file.media.name(),
            size: file.size,
            at: file.at,
            by: user(&file.actor),
            masked: masked.map(Code::name),
            removed: file.removed.map(|removed| AttachmentRemoved {
                at: removed.at,
                by: user(&removed.by),
                reason: removed.reason.filter(|_| masked.is_none()),
            }),
        }
    }
}

fn user(actor: &str) -> Option<UserId> {
    actor.strip_prefix("user:").and_then(|id| id.parse().ok())
}

/// What the body of a new file does not say.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Named {
    /// What the file is called. Without it the filename of `Content-Disposition` is taken, which keeps the name out of
    /// addresses that somebody logs.
    pub(crate) name: Option<String>,
}

/// Why a file is removed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Detach {
    /// At most 500 letters.
    #[schema(value_type = String)]
    pub(crate) reason: Reason,
}
