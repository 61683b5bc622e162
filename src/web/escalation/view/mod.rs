//! What the pages of this capability show.

pub(crate) mod policies;
pub(crate) mod policy;
pub(crate) mod progress;
