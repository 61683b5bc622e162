//! Users and sessions from the outside.

pub(crate) mod account;
pub(crate) mod names;
pub(crate) mod power;
pub(crate) mod sign_in;
