//! What a patient allowed, and the terms it was asked with.

pub(crate) mod api;
pub(crate) mod page;
pub(crate) mod routes;
pub(crate) mod timeline;
pub(crate) mod view;
