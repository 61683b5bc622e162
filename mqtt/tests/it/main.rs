//! The gateway from outside, an in-memory backend behind it, foreign clients and raw sockets before it; and the wire
//! formats (`payload`). A test waits for packets and events; time passes only where time is what is tested.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that is surprised should stop at once"
)]

mod clients;
mod commands;
mod connect;
mod ends;
mod faults;
mod house;
mod musts;
mod outcomes;
mod payload;
mod raw;
mod tls;
