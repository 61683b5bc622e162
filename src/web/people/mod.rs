//! Users, their own accounts, signing in.

pub mod api;
pub mod auth;
pub(crate) mod checks;
pub(crate) mod confirm;
pub(crate) mod page;
pub(crate) mod routes;
pub mod sign_in;
#[cfg(test)]
pub(crate) mod tests;
pub mod view;
