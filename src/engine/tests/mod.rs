//! What the engine promises, under driven time and on every backend at hand.

mod kills;
mod ladder;
mod nodes;
mod post;
mod ward;
