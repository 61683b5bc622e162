//! Escalations under driven time.

pub(in crate::tests) mod kills;
pub(in crate::tests) mod locks;
pub(in crate::tests) mod on_call;
pub(in crate::tests) mod permits;
pub(in crate::tests) mod steps;
pub(in crate::tests) mod yellow;
