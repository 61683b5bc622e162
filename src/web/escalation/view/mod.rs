//! What the pages of this capability show.

pub mod policies;
pub mod policy;
pub mod progress;
