//! What tests need to run the program from outside: a process, its API, and a way to wait for what it does.

pub(crate) mod api;
pub(crate) mod clinic;
pub(crate) mod dice;
pub(crate) mod node;
pub(crate) mod until;
pub(crate) mod wire;

/// Whether a test that needs foreign programs must say that it was skipped. `tests/run` sets the switch after it
/// installed them.
#[expect(clippy::disallowed_methods, reason = "the switch that tests/run sets")]
pub(crate) fn lacks(switch: &str) -> bool {
    let lacks = std::env::var(switch).is_err();
    if lacks {
        println!("skipped: {switch} is not set (tests/run sets it)");
    }
    lacks
}
