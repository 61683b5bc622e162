//! Messages that wait for their reader, what became of others, and programs that are called.

pub(crate) mod api;
pub(crate) mod page;
pub(crate) mod reach;
pub(crate) mod routes;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod timeline;
pub(crate) mod view;
