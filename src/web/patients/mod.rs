//! Patients, one and many.

pub mod api;
pub mod contributions;
pub mod event;
pub(crate) mod page;
pub(crate) mod routes;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod timeline;
#[cfg(test)]
pub(crate) mod timeline_tests;
pub mod view;
