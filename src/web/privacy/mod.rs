//! Who saw whose data, under which name, and what a patient may take along.

pub mod about;
pub mod api;
pub(crate) mod display;
pub(crate) mod page;
pub mod pseudonyms;
pub(crate) mod routes;
#[cfg(test)]
pub(crate) mod sample;
pub(crate) mod shown;
pub mod sight;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod timeline;
pub mod view;
