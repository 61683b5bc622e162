//! Settings kept in versions: proposed by one person, put in force by another.

pub(crate) mod api;
pub(crate) mod page;
#[cfg(test)]
pub(crate) mod tests;
pub mod view;
