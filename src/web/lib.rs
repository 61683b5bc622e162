//! The people's edge: pages and API over what the store knows. A page is a pure function from a view model,
//! already authorised, to HTML; a handler fetches, a page speaks.

pub mod alerts;
pub mod assets;
pub mod audit;
pub mod calendars;
pub mod consents;
pub mod devices;
pub mod escalation;
pub mod health;
pub mod http;
pub mod kpis;
pub mod messages;
pub mod on_call;
pub mod pages;
pub mod patients;
pub mod people;
pub mod privacy;
pub mod readings;
pub mod routes;
pub mod rules;
#[cfg(test)]
pub(crate) mod sample;
pub mod sla;
pub mod state;
pub mod templates;
#[cfg(test)]
mod tests;
pub mod text;
pub mod versions;

pub use crate::http::code::Code;
pub use crate::http::connections::Limits;
pub use crate::http::serve::{Options, Running, serve};
pub use crate::pages::shell::{Section, Shell, Theme, Viewer};
pub use crate::text::l10n::{Key, Lang, Words};
pub use state::{Edge, EngineView, Module, NoEdge, NoEngine, Parts, Resting, Rests, State};
