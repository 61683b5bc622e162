//! Zelo: the retention platform of a Brazilian healthtech. The rooms, in the order that a reading walks
//! through them: see `docs/ARCHITECTURE.md`.

pub mod app;
pub mod audit;
pub mod cli;
pub mod config;
pub mod domain;
pub mod engine;
pub mod ingest;
pub mod notify;
pub mod observe;
pub mod rules;
pub mod store;
pub mod supervise;
pub mod web;
