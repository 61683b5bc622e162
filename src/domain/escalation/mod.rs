//! A policy that is run until a named person answers. Pure: what a run does next follows from its state, an
//! instant and who can be found; the store keeps the state, the engine asks when it is due.

mod bounds;
mod dry_run;
mod policy;
mod run;
#[cfg(test)]
mod tests;

pub use bounds::Beyond;
pub use dry_run::{Difference, DryRun, Happened, StepTally, dry_run};
pub use policy::{Faulty, Policy, Step, Target, seeds};
pub use run::{Did, Found, Pace, Refused, Run, State};
