//! When a team works.

pub(crate) mod api;
pub(crate) mod form;
pub(crate) mod page;
pub(crate) mod routes;
pub(crate) mod view;
