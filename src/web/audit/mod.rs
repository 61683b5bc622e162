//! The log, for those who read it.

pub(crate) mod api;
pub(crate) mod kind;
pub(crate) mod page;
pub(crate) mod routes;
pub(crate) mod verifications;
pub(crate) mod view;
