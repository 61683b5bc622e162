//! The people's edge: pages and API over what the store knows. A page is a pure function from a view model,
//! already authorised, to HTML; a handler fetches, a page speaks.

pub mod api;
pub mod assets;
pub mod auth;
pub mod cases;
mod checks;
pub mod code;
mod confirm;
pub mod connections;
mod device_word;
pub mod fault;
pub mod format;
pub mod guard;
pub mod ical;
pub mod l10n;
pub mod live;
pub mod metrics;
pub mod openapi;
pub mod outlet;
pub mod pages;
pub mod probes;
pub mod problem;
pub mod pseudonyms;
pub mod pulse;
mod reach;
pub mod rehearsal;
pub mod routes;
mod secure;
pub mod serve;
pub mod shell;
mod shown;
pub mod sight;
pub mod sign_in;
pub mod state;
mod streams;
#[cfg(test)]
mod tests;

pub use code::Code;
pub use connections::Limits;
pub use l10n::{Key, Lang, Words};
pub use serve::{Options, Running, serve};
pub use shell::{Section, Shell, Theme, Viewer};
pub use state::{Edge, EngineView, Module, NoEdge, NoEngine, Parts, Resting, Rests, State};
