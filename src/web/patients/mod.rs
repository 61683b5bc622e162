//! Patients, one and many.

pub(crate) mod api;
pub(crate) mod contributions;
pub(crate) mod event;
pub(crate) mod page;
pub(crate) mod routes;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod timeline;
#[cfg(test)]
pub(crate) mod timeline_tests;
pub(crate) mod view;
