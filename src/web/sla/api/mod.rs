//! This capability over the API.

pub mod clocks;
pub mod levels;
