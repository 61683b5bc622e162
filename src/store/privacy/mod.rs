//! Who looked at whom, under which name, what was taken away, and what is stored of people at all.

pub mod accesses;
pub mod exports;
pub mod pseudonyms;
pub mod registry;
pub mod replay;
pub mod reveals;
pub mod timeline;
pub mod withdrawals;
