//! The files of something as a page shows them: what, how large, by whom and when; to be taken away, never shown in
//! place.

use crate::pages::Masked;
use crate::{Key, Words};
use domain::attachments::MediaType;
use domain::{AttachmentId, Instant};

/// The section of a page with the files of its subject.
#[derive(Debug, Clone, Default)]
pub(crate) struct Files {
    /// The address below which they stand.
    pub(crate) path: String,
    /// The oldest first, also those that were removed.
    pub(crate) rows: Vec<Row>,
    /// Why names and bytes are hidden.
    pub(crate) hidden: Option<Masked>,
    /// Whether the reader may attach a file now.
    pub(crate) may_attach: bool,
}

/// A file.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Its id.
    pub(crate) id: AttachmentId,
    /// What it is called, where that may be shown; whoever sees it may take it away.
    pub(crate) name: Option<String>,
    /// What it is.
    pub(crate) media: MediaType,
    /// In bytes.
    pub(crate) size: u64,
    /// When it was attached.
    pub(crate) at: Instant,
    /// By whom; `None` for the program.
    pub(crate) who: Option<String>,
    /// That it was removed.
    pub(crate) removed: Option<Removed>,
    /// Whether the reader may remove it.
    pub(crate) may_remove: bool,
}

/// That a file was removed.
#[derive(Debug, Clone)]
pub(crate) struct Removed {
    /// When.
    pub(crate) at: Instant,
    /// By whom; `None` for the program.
    pub(crate) who: Option<String>,
    /// Why, where that may be shown.
    pub(crate) reason: Option<String>,
}

impl Row {
    /// Its kind and size in words.
    #[must_use]
    pub(crate) fn kind(&self, w: &Words) -> String {
        format!("{} · {}", w.say(word(self.media)), w.bytes(&self.size))
    }

    /// Its name; without one, its kind.
    #[must_use]
    pub(crate) fn label(&self, w: &Words) -> String {
        self.name.clone().unwrap_or_else(|| w.say(word(self.media)))
    }
}

/// What files of a kind are called.
#[must_use]
pub(crate) const fn word(media: MediaType) -> Key {
    match media {
        MediaType::Jpeg | MediaType::Png | MediaType::WebP => Key("attachment-image"),
        MediaType::Pdf => Key("attachment-pdf"),
        MediaType::Text => Key("attachment-text"),
        MediaType::Csv => Key("attachment-csv"),
    }
}

/// What the picker of a browser offers.
pub(crate) const ACCEPT: &str = "image/jpeg,image/png,image/webp,application/pdf,text/plain,text/csv,.csv";
