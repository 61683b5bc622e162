//! A ladder that is climbed until a named person answers. Pure: what a run does next follows from its state, an
//! instant and who can be found; the store keeps the state, the engine asks when it is due.

mod policy;
mod run;
#[cfg(test)]
mod tests;

pub use policy::{Faulty, Policy, Step, Target, seeds};
pub use run::{Did, Found, Refused, Run, State};
