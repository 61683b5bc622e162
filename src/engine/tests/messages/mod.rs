//! What leaves the house and what comes back.

pub(in crate::tests) mod bounces;
pub(in crate::tests) mod faults;
pub(in crate::tests) mod mail;
pub(in crate::tests) mod night;
pub(in crate::tests) mod outbox;
pub(in crate::tests) mod webhooks;
