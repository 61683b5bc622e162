//! Channels to people: what a provider is asked, how often, and when to leave it alone.

pub mod breaker;
pub mod lint;
pub mod retry;
pub mod webhook;
