//! Nodes and clocks.

pub(in crate::tests) mod clock;
pub(in crate::tests) mod nodes;
