//! What the pages of this capability show.

pub(crate) mod alert;
pub(crate) mod many;
pub(crate) mod queue;
