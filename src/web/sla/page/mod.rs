//! The pages of this capability for one viewer now, and what their forms do.

pub(crate) mod clocks;
pub(crate) mod levels;
