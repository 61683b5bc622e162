//! Policies, and how far the escalation of one alert has come.

pub mod api;
pub mod form;
pub(crate) mod page;
pub mod rehearsal;
pub(crate) mod routes;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod timeline;
pub mod view;
