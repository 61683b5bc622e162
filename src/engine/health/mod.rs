//! The node itself: its auditor, its clock, its number.

pub mod auditor;
pub mod clock;
pub mod seat;
