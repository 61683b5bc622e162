//! Alerts that the engine brings to people again.

pub mod late_reds;
pub(crate) mod worn;
