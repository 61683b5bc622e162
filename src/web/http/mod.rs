//! Requests and answers: connections, guards, bodies, refusals.

pub(crate) mod address;
pub(crate) mod api;
pub(crate) mod body;
pub(crate) mod call;
pub(crate) mod code;
pub(crate) mod connections;
pub(crate) mod fault;
pub(crate) mod guard;
pub(crate) mod jobs;
pub(crate) mod live;
pub(crate) mod openapi;
pub(crate) mod outlet;
pub(crate) mod problem;
pub(crate) mod route;
pub(crate) mod secure;
pub(crate) mod serve;
pub(crate) mod streams;
