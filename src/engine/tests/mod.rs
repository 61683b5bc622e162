//! What the engine promises, under driven time and on every backend at hand.

mod alerts;
mod devices;
pub(crate) mod escalation;
pub(crate) mod health;
mod jobs;
pub(crate) mod messages;
pub(crate) mod on_call;
mod people;
mod readings;
mod sla;
mod ward;
