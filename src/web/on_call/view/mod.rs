//! What the pages of this capability show.

pub(crate) mod absence;
pub(crate) mod people;
pub(crate) mod schedule;
pub(crate) mod schedules;
pub(crate) mod teams;
