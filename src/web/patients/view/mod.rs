//! What the pages of this capability show.

pub mod list;
pub mod patient;
pub mod timeline;
