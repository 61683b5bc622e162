//! What figures are computed from, for whoever runs the operation.

pub(crate) mod api;
pub(crate) mod routes;
#[cfg(test)]
mod tests;
