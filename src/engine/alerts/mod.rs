//! Alerts that the engine raises again.

pub mod late_reds;
pub(crate) mod worn;
