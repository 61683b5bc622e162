//! Rule sets, as they are in force.

pub(crate) mod api;
pub(crate) mod routes;
pub(crate) mod view;
