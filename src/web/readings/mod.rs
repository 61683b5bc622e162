//! Readings, as series and as rows.

pub mod api;
pub(crate) mod page;
pub(crate) mod routes;
pub(crate) mod timeline;
pub mod view;
