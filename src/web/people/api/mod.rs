//! This capability over the API.

pub(crate) mod tokens;
pub(crate) mod users;
