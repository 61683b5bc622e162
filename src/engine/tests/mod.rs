//! What the engine promises, under driven time and on every backend at hand.

mod bounces;
mod hooks;
mod kills;
mod ladder;
mod late_reds;
mod nodes;
mod post;
mod promises;
mod ward;
