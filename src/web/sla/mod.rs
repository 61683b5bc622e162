//! Service levels, and the clocks of one alert.

pub(crate) mod api;
pub(crate) mod page;
pub(crate) mod routes;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod view;
