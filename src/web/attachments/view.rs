//! The files of something as a page shows them: what, how large, by whom and when; to be taken away, never shown in
//! place.

use crate::pages::Masked;
use crate::{Key, Words};
use domain::attachments::MediaType;
use domain::{AttachmentId, Instant};

/// The section of a page with the files of its subject.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// The address below which they stand.
    pub path: String,
    /// The oldest first, also those that were removed.
    pub rows: Vec<Row>,
    /// Why names and bytes are hidden.
    pub hidden: Option<Masked>,
    /// Whether the reader may attach a file now.
    pub may_attach: bool,
}

/// A file.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its id.
    pub id: AttachmentId,
    /// What it is called, where that may be told; whoever sees it may take it away.
    pub name: Option<String>,
    /// What it is.
    pub media: MediaType,
    /// In bytes.
    pub size: u64,
    /// When it was attached.
    pub at: Instant,
    /// By whom; `None` for the program.
    pub who: Option<String>,
    /// That it was removed.
    pub removed: Option<Removed>,
    /// Whether the reader may remove it.
    pub may_remove: bool,
}

/// That a file was removed.
#[derive(Debug, Clone)]
pub struct Removed {
    /// When.
    pub at: Instant,
    /// By whom; `None` for the program.
    pub who: Option<String>,
    /// Why, for who acts.
    pub reason: Option<String>,
}

impl Row {
    /// Its kind and size in words.
    #[must_use]
    pub fn kind(&self, w: &Words) -> String {
        format!("{} · {}", w.say(word(self.media)), w.bytes(&self.size))
    }

    /// Its name; without one, its kind.
    #[must_use]
    pub fn label(&self, w: &Words) -> String {
        self.name.clone().unwrap_or_else(|| w.say(word(self.media)))
    }
}

/// What files of a kind are called.
#[must_use]
pub const fn word(media: MediaType) -> Key {
    match media {
        MediaType::Jpeg | MediaType::Png | MediaType::WebP => Key("attachment-image"),
        MediaType::Pdf => Key("attachment-pdf"),
        MediaType::Text => Key("attachment-text"),
        MediaType::Csv => Key("attachment-csv"),
    }
}

/// What the picker of a browser offers.
pub const ACCEPT: &str = "image/jpeg,image/png,image/webp,application/pdf,text/plain,text/csv,.csv";
