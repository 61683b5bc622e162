//! This capability over the API.

pub(crate) mod accesses;
pub(crate) mod organisation;
pub(crate) mod own_data;
pub(crate) mod reveals;
