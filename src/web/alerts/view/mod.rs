//! What the pages of this capability show.

pub mod alert;
pub mod many;
pub mod queue;
