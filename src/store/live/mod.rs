//! Signals to open pages and to other nodes after a commit.

pub(crate) mod listen;
pub(crate) mod names;
pub mod signals;
