//! Every visible word and how numbers and instants are written.

pub mod format;
pub mod l10n;
