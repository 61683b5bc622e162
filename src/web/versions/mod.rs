//! Versioned settings: one person proposes a version, another puts it in force.

pub(crate) mod api;
pub(crate) mod page;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod view;
