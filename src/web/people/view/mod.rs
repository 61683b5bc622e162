//! What the pages of this capability show.

pub mod account;
pub mod login;
pub mod password;
pub mod users;
