//! What the pages of this capability show.

pub mod clocks;
pub mod level;
