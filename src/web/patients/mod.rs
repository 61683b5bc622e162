//! Patients, one and many.

pub mod api;
pub(crate) mod page;
pub(crate) mod routes;
#[cfg(test)]
pub(crate) mod tests;
pub mod view;
