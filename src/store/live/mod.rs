//! Signals to open pages and to other nodes after a commit.

pub(crate) mod listen;
pub mod signals;
