//! The command line.

pub mod bench;
pub mod demo;
pub mod error;
pub mod home;
pub mod out;
