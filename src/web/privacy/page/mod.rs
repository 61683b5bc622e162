//! The pages of this capability for one viewer now, and what their forms do.

pub(crate) mod accesses;
pub(crate) mod portal;
