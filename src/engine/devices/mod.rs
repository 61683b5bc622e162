//! Devices that went quiet, and readings that follow a change of hands.

pub mod moves;
pub mod silence;
