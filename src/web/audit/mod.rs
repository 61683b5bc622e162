//! The log, for those who read it.

pub mod api;
pub mod kind;
pub(crate) mod page;
pub(crate) mod routes;
pub mod verifications;
pub mod view;
