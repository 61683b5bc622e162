//! What the pages of this capability show.

pub mod absence;
pub mod people;
pub mod schedule;
pub mod schedules;
pub mod teams;
