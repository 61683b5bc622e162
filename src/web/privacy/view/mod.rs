//! What the pages of this capability show.

pub mod accesses;
pub mod portal;
