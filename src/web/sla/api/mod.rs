//! This capability over the API.

pub(crate) mod clocks;
pub(crate) mod levels;
