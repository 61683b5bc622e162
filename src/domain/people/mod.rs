//! Who people are: identity, access, passwords, tokens.

pub mod access;
pub mod identity;
pub mod password;
pub mod person;
pub mod token;
