//! Schedules ahead: gaps that are coming, turns that begin.

pub mod coverage;
pub mod handover;
