//! This capability over the API.

pub mod policies;
pub mod progress;
