//! This capability over the API.

pub(crate) mod absences;
pub(crate) mod changes;
pub(crate) mod feeds;
pub(crate) mod schedules;
pub(crate) mod swaps;
pub(crate) mod teams;
