//! Webhooks and trials from the outside.

pub(crate) mod trial;
pub(crate) mod webhook_page;
pub(crate) mod webhooks;
