//! This capability over the API.

pub mod accesses;
pub mod organisation;
pub mod own_data;
pub mod reveals;
