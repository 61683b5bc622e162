//! Messages on their way to people: the outbox, what comes back, who cannot be reached.

pub mod bounces;
pub(crate) mod notice;
pub mod outbox;
pub mod reach;
