//! The people's edge: pages and API over what the store knows. A page is a pure function from a view model,
//! already authorised, to HTML; a handler fetches, a page speaks.

pub mod assets;
pub mod code;
pub mod format;
pub mod guard;
pub mod l10n;
pub mod pages;
pub mod problem;
pub mod shell;

pub use code::Code;
pub use l10n::{Key, Lang, Words};
pub use shell::{Section, Shell, Theme, Viewer};
