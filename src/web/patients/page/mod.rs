//! The pages of this capability for one viewer now, and what their forms do.

pub(crate) mod list;
pub(crate) mod patient;
pub(crate) mod search;
pub(crate) mod timeline;
