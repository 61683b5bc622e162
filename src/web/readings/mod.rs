//! Readings, as series and as rows.

pub(crate) mod api;
pub(crate) mod page;
pub(crate) mod routes;
pub(crate) mod timeline;
pub(crate) mod view;
