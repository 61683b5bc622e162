//! What the engine promises, under driven time and on every backend at hand.

mod away;
mod bounces;
mod departures;
mod handed;
mod handed_on;
mod hooks;
mod kills;
mod ladder;
mod late_data;
mod late_reds;
mod locks;
mod mail;
mod night;
mod nodes;
mod permits;
mod post;
mod present;
mod promises;
mod sick;
mod steps;
mod ward;
mod yellow;
