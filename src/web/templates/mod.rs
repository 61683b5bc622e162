//! What messages say.

pub(crate) mod api;
pub(crate) mod page;
pub(crate) mod routes;
pub(crate) mod view;
