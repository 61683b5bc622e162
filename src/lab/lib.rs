//! The house under measure: what shows it (`demo`), what drives a month of it in a minute (`simulate`), and what holds it
//! against its budgets (`bench`). Nothing that a patient's day depends on is here.

pub mod bench;
pub mod demo;
pub mod error;
pub mod house;
pub mod simulate;
