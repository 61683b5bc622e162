//! What messages say.

pub mod api;
pub(crate) mod page;
pub(crate) mod routes;
pub mod view;
