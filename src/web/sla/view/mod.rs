//! What the pages of this capability show.

pub(crate) mod clocks;
pub(crate) mod level;
