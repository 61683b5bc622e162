//! Alerts in the browser and over the API: the queue, one alert, many at once.

pub(crate) mod api;
pub(crate) mod cases;
pub(crate) mod files;
pub(crate) mod page;
pub(crate) mod routes;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod timeline;
pub(crate) mod view;
