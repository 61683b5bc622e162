//! This capability over the API.

pub mod tokens;
pub mod users;
