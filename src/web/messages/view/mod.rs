//! What the pages of this capability show.

pub mod pager;
pub mod webhooks;
