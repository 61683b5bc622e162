//! What figures are computed from.

pub mod facts;
mod reading;
#[cfg(test)]
mod tests;
