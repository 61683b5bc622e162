//! Schedules, turns, swaps, absences, teams.

pub mod api;
pub mod ical;
pub(crate) mod page;
pub(crate) mod routes;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
pub(crate) mod tests;
pub mod view;
