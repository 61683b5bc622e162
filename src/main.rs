//! The one binary: hand the arguments over, give the exit code back.

use std::process::ExitCode;

fn main() -> ExitCode {
    zelo::cli::main(std::env::args_os())
}
