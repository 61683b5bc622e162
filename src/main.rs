//! The one binary: parse the command line and hand over.

fn main() {}
