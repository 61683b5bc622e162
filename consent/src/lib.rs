//! What is allowed.
/// d
#[derive(Debug, thiserror::Error)]
#[error("denied")]
pub struct Denied;
/// r
#[derive(Debug, thiserror::Error)]
#[error("rejected")]
pub struct Rejected;
