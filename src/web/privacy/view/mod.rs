//! What the pages of this capability show.

pub(crate) mod accesses;
pub(crate) mod portal;
