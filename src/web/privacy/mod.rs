//! Who saw whose data, under which name, and what a patient may take along.

pub(crate) mod about;
pub(crate) mod api;
pub(crate) mod display;
pub(crate) mod page;
pub(crate) mod pseudonyms;
pub(crate) mod routes;
#[cfg(test)]
pub(crate) mod sample;
pub(crate) mod shown;
pub(crate) mod sight;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod timeline;
pub(crate) mod view;
