//! The channels against servers that we did not write. What needs installed ones runs when `ZELO_TEST_FOREIGN=1`, which
//! `tests/run` sets.

mod hook;
mod mail;
mod post;
