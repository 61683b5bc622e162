//! What must hold whatever happens: a revocation under load, nodes side by side, a process that is killed, and
//! bytes that must not be found.

mod ailing;
mod certificates;
mod crash;
mod nodes;
mod quiet;
mod rare;
mod revocation;
mod schedule;
mod suspended;
mod tokens;
mod upgrade;
mod writer;

use std::path::Path;
use std::process::Command;

use crate::support::node::program;

/// Runs a command of the program on a data directory; its standard output.
fn run(data: &Path, arguments: &[&str]) -> String {
    let done = Command::new(program()).args(arguments).arg("--data-dir").arg(data).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{arguments:?}: {said}");
    String::from_utf8_lossy(&done.stdout).into_owned()
}
