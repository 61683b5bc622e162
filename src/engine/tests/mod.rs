//! What the engine promises, under driven time and on every backend at hand.

mod bounces;
mod hooks;
mod kills;
mod ladder;
mod nodes;
mod post;
mod promises;
mod steps;
mod ward;
