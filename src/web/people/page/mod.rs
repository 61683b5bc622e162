//! The pages of this capability for one viewer now, and what their forms do.

pub(crate) mod account;
pub(crate) mod names;
pub(crate) mod password;
pub(crate) mod sign_in;
pub(crate) mod ties;
pub(crate) mod users;
