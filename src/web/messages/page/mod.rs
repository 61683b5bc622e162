//! The pages of this capability for one viewer now, and what their forms do.

pub(crate) mod pager;
pub(crate) mod trial;
pub(crate) mod webhooks;
