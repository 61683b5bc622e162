//! Zelo: the retention platform of a Brazilian healthtech. The rooms, in the order that a reading walks
//! through them: see `docs/ARCHITECTURE.md`.

pub mod app;
pub mod cli;
pub mod config;
pub mod observe;
