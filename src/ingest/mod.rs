//! From a message to a transaction: what a payload says in domain words ([`normal`], held to [`bounds`]), before anything is decided.

pub mod bounds;
pub mod normal;
