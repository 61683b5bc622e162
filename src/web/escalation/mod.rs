//! Policies, and how far the escalation of one alert has come.

pub(crate) mod api;
pub(crate) mod form;
pub(crate) mod page;
pub(crate) mod rehearsal;
pub(crate) mod routes;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod timeline;
pub(crate) mod view;
