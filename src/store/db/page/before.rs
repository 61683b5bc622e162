//! A place in a list that is read back in time, the newest first.

/// What comes after this place is older, or of the same instant with a smaller id. A list that is read so along an index
/// on (instant, id) costs as much on its last page as on its first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// Microseconds.
    pub at: i64,
    /// Everything of the instant whose id is smaller comes after this place; empty: nothing of it does.
    pub id: String,
}

impl Before {
    /// Ahead of the newest.
    #[must_use]
    pub const fn newest() -> Self {
        Self { at: i64::MAX, id: String::new() }
    }

    /// The id of a table whose rows are numbered.
    pub(crate) fn number(&self) -> i64 {
        self.id.parse().unwrap_or(i64::MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_id_leaves_out_the_whole_instant_in_tables_with_numbers_too() {
        assert_eq!(Before::newest().number(), i64::MIN);
        assert_eq!(Before { at: 0, id: "00000000000000000042".to_owned() }.number(), 42);
    }
}
