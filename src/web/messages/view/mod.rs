//! What the pages of this capability show.

pub(crate) mod pager;
pub(crate) mod webhooks;
