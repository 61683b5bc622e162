//! Where an unreadable value is stored: table, column and the row's id, never what stands there.

use std::borrow::Cow;
use std::fmt;

use super::error::{Error, Result};
use crate::keys::seal::Place;

/// The longest id shown; a UUID has 36 characters, a hash 64, the row of a reading fewer than 100.
const LONGEST: usize = 120;

/// Shown as `alerts.level, row 0199…`, or as `alerts.level` where no row is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAt {
    column: Cow<'static, str>,
    row: Option<Box<str>>,
}

impl StoredAt {
    /// A value by its `table.column`, or in words where it is of no table.
    pub(super) const fn new(column: &'static str) -> Self {
        Self { column: Cow::Borrowed(column), row: None }
    }

    fn of(place: Place<'_>) -> Self {
        let column = format!("{}.{}", place.table, place.column);
        Self { column: column.into(), row: None }.or_row(place.row)
    }

    fn or_row(self, row: impl fmt::Display) -> Self {
        let row = self.row.or_else(|| shown(&row.to_string()));
        Self { row, ..self }
    }
}

/// The id as it may be shown. A column of ids that somebody wrote to by hand may hold any text, and the place of some
/// sealed values has a part that callers choose: neither is shown unless it looks like an id.
fn shown(row: &str) -> Option<Box<str>> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.');
    (!row.is_empty() && row.len() <= LONGEST && row.chars().all(plain)).then(|| row.into())
}

impl fmt::Display for StoredAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.column)?;
        match &self.row {
            Some(row) => write!(f, ", row {row}"),
            None => Ok(()),
        }
    }
}

impl Error {
    /// A stored value that is not what the program writes, by its `table.column`; or a value that cannot be stored, in
    /// words. Whoever reads a whole row adds its id ([`Error::in_row`]).
    #[must_use]
    pub const fn corrupt(column: &'static str) -> Self {
        Self::Corrupt(StoredAt::new(column))
    }

    /// A sealed value, opened, that is not what the program seals there.
    pub(crate) fn corrupt_at(place: Place<'_>) -> Self {
        Self::Corrupt(StoredAt::of(place))
    }

    /// Names the row by its id, in an error about a stored value that names none yet. Other errors stay as they are.
    #[must_use]
    pub fn in_row(self, row: impl fmt::Display) -> Self {
        match self {
            Self::Corrupt(at) => Self::Corrupt(at.or_row(row)),
            Self::Sealed(why, Some(at)) => Self::Sealed(why, Some(at.or_row(row))),
            other => other,
        }
    }

    /// Names the place of a sealed value, in an error that names none yet.
    pub(crate) fn at(self, place: Place<'_>) -> Self {
        match self {
            Self::Sealed(why, None) => Self::Sealed(why, Some(StoredAt::of(place))),
            other => other,
        }
    }
}

/// The errors of whoever turns a stored row into a value of the domain.
pub(crate) trait InRow {
    /// [`Error::in_row`].
    #[must_use]
    fn in_row(self, row: impl fmt::Display) -> Self;
}

impl<T> InRow for Result<T> {
    fn in_row(self, row: impl fmt::Display) -> Self {
        self.map_err(|error| error.in_row(row))
    }
}
