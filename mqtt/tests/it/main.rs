//! The gateway from outside: an in-memory backend behind it, foreign clients and raw sockets
//! before it. A test waits for packets and events, never for time to pass.

mod clients;
mod commands;
mod connect;
mod ends;
mod faults;
mod house;
mod outcomes;
mod raw;
mod tls;
