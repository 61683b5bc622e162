//! Every visible word and how numbers and instants are written.

pub(crate) mod format;
pub(crate) mod l10n;
