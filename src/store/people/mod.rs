//! Users, their sessions and links, and what keeps strangers out.

pub(crate) mod accounts;
pub(crate) mod answering;
pub mod departures;
pub mod holds;
pub mod links;
pub mod sessions;
pub mod throttles;
pub mod users;
