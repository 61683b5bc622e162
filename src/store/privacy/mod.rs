//! Who looked at whom, under which name, and what was taken away.

pub mod accesses;
pub mod exports;
pub mod pseudonyms;
pub mod reveals;
pub mod withdrawals;
