//! Whether the node is well, for people and for machines.

pub(crate) mod api;
pub(crate) mod metrics;
pub(crate) mod page;
pub(crate) mod probes;
pub(crate) mod pulse;
pub(crate) mod readiness;
pub(crate) mod routes;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod view;
