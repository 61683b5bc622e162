//! Fresh readings as rows.

pub(in crate::readings) mod backend;
pub(in crate::readings) mod lock;
pub(in crate::readings) mod measured;
pub(in crate::readings) mod postgres;
pub(in crate::readings) mod row;
pub(in crate::readings) mod sqlite;
#[cfg(test)]
pub(in crate::readings) mod tests;
pub(in crate::readings) mod unstamped;
