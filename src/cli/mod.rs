//! The command line.

pub mod demo;
pub mod error;
pub mod home;
pub mod out;
