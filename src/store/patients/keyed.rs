//! What rows refer to by number and everything else by id.

/// Something by the number that stands for it in rows, and by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keyed<Id> {
    /// The number.
    pub key: i64,
    /// The id.
    pub id: Id,
}
