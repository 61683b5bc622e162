//! This capability over the API.

pub(crate) mod policies;
pub(crate) mod progress;
