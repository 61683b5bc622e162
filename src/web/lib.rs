//! The people's edge: pages and API over what the store knows. A page is a pure function from a view model,
//! already authorised, to HTML; a handler fetches, a page speaks.

pub(crate) mod alerts;
pub(crate) mod assets;
pub(crate) mod attachments;
pub(crate) mod audit;
pub(crate) mod calendars;
pub(crate) mod consents;
pub(crate) mod devices;
pub(crate) mod escalation;
pub(crate) mod health;
pub(crate) mod http;
pub(crate) mod kpis;
pub(crate) mod messages;
pub mod on_call;
pub(crate) mod pages;
pub(crate) mod patients;
pub(crate) mod people;
pub(crate) mod privacy;
pub(crate) mod readings;
pub mod routes;
pub(crate) mod rules;
#[cfg(test)]
pub(crate) mod sample;
pub(crate) mod sla;
pub(crate) mod state;
pub(crate) mod templates;
#[cfg(test)]
mod tests;
pub(crate) mod text;
pub(crate) mod versions;

pub use crate::http::code::Code;
pub use crate::http::connections::Limits;
pub use crate::http::serve::{Options, Running, serve};
pub use crate::pages::shell::{Section, Shell, Theme, Viewer};
pub use crate::text::l10n::{Key, Lang, Words};
pub use state::{Edge, EngineView, Module, NoEdge, NoEngine, Parts, Resting, Rests, State};
