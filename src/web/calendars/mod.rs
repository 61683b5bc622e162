//! When a team works.

pub mod api;
pub mod form;
pub(crate) mod page;
pub(crate) mod routes;
pub mod view;
