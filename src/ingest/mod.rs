//! From a message to a transaction: what a payload says in domain words ([`normal`], held to [`bounds`]).

pub mod bounds;
pub mod normal;
