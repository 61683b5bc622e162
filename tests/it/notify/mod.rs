//! The channels against servers that we did not write. Runs when `ZELO_TEST_FOREIGN=1`, which `tests/run` sets after it
//! installed them.

mod escalation;
mod hook;
mod mail;
pub(crate) mod post;
