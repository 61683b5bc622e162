//! Signals to open pages and to other nodes after a commit, and how far long work is.

pub(crate) mod listen;
pub(crate) mod names;
pub mod pace;
pub mod signals;
