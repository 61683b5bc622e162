//! The pages of this capability for one viewer now, and what their forms do.

pub(crate) mod absence;
pub(crate) mod needs;
pub(crate) mod people;
pub(crate) mod rotations;
pub(crate) mod schedule;
pub(crate) mod schedules;
pub(crate) mod swaps;
pub(crate) mod teams;
pub(crate) mod windows;
