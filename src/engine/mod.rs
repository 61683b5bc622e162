//! The engine: modules without input that may run twice, called in short cycles.

pub mod seal;

use crate::domain::Instant;
use crate::store;

/// What a cycle of a module did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many things were done.
    pub did: usize,
    /// Whether there is more to do at once.
    pub more: bool,
}

/// A part of the engine.
pub trait Module {
    /// Its name, as the log of the program and the metrics show it.
    fn name(&self) -> &'static str;

    /// One short cycle.
    ///
    /// # Errors
    /// What the store says; the cycle is tried again.
    fn run(&mut self, now: Instant) -> store::Result<Progress>;
}
