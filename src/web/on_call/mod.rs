//! Schedules, turns, swaps, absences, teams.

pub(crate) mod api;
pub mod ical;
pub(crate) mod page;
pub(crate) mod routes;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod view;
