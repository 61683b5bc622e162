//! What a patient allowed, and the terms it was asked with.

pub mod api;
pub(crate) mod page;
pub(crate) mod routes;
pub mod view;
