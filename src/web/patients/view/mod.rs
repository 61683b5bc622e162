//! What the pages of this capability show.

pub(crate) mod list;
pub(crate) mod patient;
pub(crate) mod timeline;
