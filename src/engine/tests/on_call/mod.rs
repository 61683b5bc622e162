//! Who takes over when somebody is away or their turn ends.

pub(in crate::tests) mod absences;
pub(in crate::tests) mod handed_on;
