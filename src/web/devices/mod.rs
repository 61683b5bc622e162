//! Devices, their pairing, commands and changes of hands.

pub(crate) mod api;
pub(crate) mod page;
pub(crate) mod routes;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod timeline;
pub(crate) mod view;
pub(crate) mod word;
