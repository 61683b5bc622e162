//! Requests and answers: connections, guards, bodies, refusals.

pub(crate) mod address;
pub mod api;
pub(crate) mod body;
pub(crate) mod call;
pub mod code;
pub mod connections;
pub mod fault;
pub mod guard;
pub mod jobs;
pub mod live;
pub mod openapi;
pub mod outlet;
pub mod problem;
pub mod route;
pub(crate) mod secure;
pub mod serve;
pub(crate) mod streams;
