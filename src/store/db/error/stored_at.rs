//! Where an unreadable value is stored: table, column and the row's id, never what stands there.

use std::borrow::Cow;
use std::fmt;

use super::{Error, Result};
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

    /// The error without the row it names, for what is shown or recorded beyond the operator's log: the row may be a
    /// patient's, whom some viewers know by a pseudonym only.
    #[must_use]
    pub fn without_row(&self) -> String {
        let bare = |at: &StoredAt| StoredAt { row: None, ..at.clone() };
        match self {
            Self::Corrupt(at) => Self::Corrupt(bare(at)).to_string(),
            Self::Sealed(why, Some(at)) => Self::Sealed(*why, Some(bare(at))).to_string(),
            other => other.to_string(),
        }
    }

    /// Names the row of a key that cannot be used, by its id or its owner, in an error that names no place yet.
    pub(crate) fn of_key(self, row: impl fmt::Display) -> Self {
        match self {
            Self::Sealed(why, None) => {
                Self::Sealed(why, Some(StoredAt::new("subject_keys.wrapped").or_row(row)))
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::seal::Broken;

    #[test]
    fn the_first_row_named_stands_and_what_looks_like_no_id_is_not_shown() {
        let odd = || Error::corrupt("alerts.level");
        assert_eq!(odd().to_string(), "a stored value is not readable: alerts.level");
        let named = odd().in_row(7).in_row(8);
        assert_eq!(named.to_string(), "a stored value is not readable: alerts.level, row 7");
        assert_eq!(named.without_row(), odd().to_string());
        for text in ["", "Maria Silva", "João", "maria@example.org", &"1".repeat(LONGEST + 1)] {
            assert_eq!(odd().in_row(text).to_string(), odd().to_string(), "{text}");
        }
        let place = Place::new("patients", "identity", "a");
        let sealed = Error::from(Broken::NoKey);
        assert_eq!(sealed.to_string(), "a sealed value cannot be opened: its key is not here");
        let sealed = sealed.at(place).at(Place::new("t", "c", "b")).in_row("d");
        let words = "a sealed value cannot be opened (patients.identity, row a): its key is not here";
        assert_eq!(sealed.to_string(), words);
        assert_eq!(Error::NotFound("alert").in_row(7).to_string(), "no such alert");
    }
}
