//! The pages of this capability for one viewer now, and what their forms do.

pub(crate) mod alert;
pub(crate) mod attachments;
pub(crate) mod finding;
pub(crate) mod many;
pub(crate) mod queue;
