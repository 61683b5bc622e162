//! Files that are attached to something: how one comes in, how it is handed out, and how a list of them is shown. Whoever
//! owns what they are attached to has the routes, and says who may.

pub(crate) mod api;
pub(crate) mod download;
pub(crate) mod memory;
pub(crate) mod upload;
pub(crate) mod view;
