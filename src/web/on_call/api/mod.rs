//! This capability over the API.

pub mod absences;
pub mod changes;
pub mod feeds;
pub mod schedules;
pub mod swaps;
pub mod teams;
