//! Zelo: the retention platform of a Brazilian healthtech. This crate composes the layers, each a
//! crate of its own: see `docs/ARCHITECTURE.md`.

pub mod app;
pub mod cli;
pub mod config;
pub mod observe;
