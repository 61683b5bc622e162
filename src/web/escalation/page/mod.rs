//! The pages of this capability for one viewer now, and what their forms do.

pub(crate) mod names;
pub(crate) mod policies;
pub(crate) mod progress;
