//! Whether the node is well, for people and for machines.

pub mod api;
pub mod metrics;
pub(crate) mod page;
pub mod probes;
pub mod pulse;
pub(crate) mod readiness;
pub(crate) mod routes;
#[cfg(test)]
pub(crate) mod tests;
pub mod view;
