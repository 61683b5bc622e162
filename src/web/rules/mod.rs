//! Rule sets, as they are in force.

pub mod api;
pub(crate) mod routes;
pub mod view;
