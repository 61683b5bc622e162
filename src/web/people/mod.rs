//! Users, their own accounts, signing in.

pub(crate) mod api;
pub(crate) mod auth;
pub(crate) mod checks;
pub(crate) mod confirm;
pub(crate) mod page;
pub(crate) mod routes;
pub(crate) mod sign_in;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod view;
