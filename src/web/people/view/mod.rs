//! What the pages of this capability show.

pub(crate) mod account;
pub(crate) mod login;
pub(crate) mod password;
pub(crate) mod users;
