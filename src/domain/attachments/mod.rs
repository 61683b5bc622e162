//! Files that people attach to something of a patient's: which kinds there may be, how large, and what they are called.
//! What a file is, its bytes say; its name and declared type are only compared with them.

pub mod media;
pub mod name;

pub use media::{MediaType, NotAFile};
pub use name::FileName;

use crate::AlertId;

/// The most bytes of one file.
pub const MOST_BYTES: usize = 10 * 1024 * 1024;
/// The most files of one subject that are not removed.
pub const MOST_FILES: usize = 20;
/// The most bytes of all of them.
pub(crate) const MOST_TOTAL: u64 = 50 * 1024 * 1024;

/// What a file is attached to: it belongs to a patient, and the capability that it is of says who may attach and see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttachedTo {
    /// An alert's case.
    Alert(AlertId),
}

impl AttachedTo {
    /// The stored kind.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Alert(_) => "alert",
        }
    }

    /// The stored id.
    #[must_use]
    pub fn id(self) -> String {
        match self {
            Self::Alert(id) => id.to_string(),
        }
    }

    /// From what is stored.
    #[must_use]
    pub fn read(kind: &str, id: &str) -> Option<Self> {
        match kind {
            "alert" => id.parse().ok().map(Self::Alert),
            _ => None,
        }
    }
}

/// A subject takes no further file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// There are as many as there may be.
    #[error("it has 20 files: remove one first")]
    Files,
    /// Together they would be too large.
    #[error("its files would be larger than 50 MiB together: remove one first")]
    Bytes,
}

/// Whether a subject takes one more file beside those that it has.
///
/// # Errors
/// [`Full`].
pub fn admit(stored: &[u64], size: u64) -> Result<(), Full> {
    if stored.len() >= MOST_FILES {
        return Err(Full::Files);
    }
    let total = stored.iter().fold(size, |total, one| total.saturating_add(*one));
    if total > MOST_TOTAL { Err(Full::Bytes) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Instant;

    #[test]
    fn a_subject_takes_twenty_files_and_fifty_mebibytes() {
        let most = 10 * 1024 * 1024;
        assert_eq!(admit(&[1; 19], 1), Ok(()));
        assert_eq!(admit(&[1; 20], 1), Err(Full::Files));
        assert_eq!(admit(&[most; 4], most), Ok(()));
        assert_eq!(admit(&[most; 5], 1), Err(Full::Bytes));
        assert_eq!(admit(&[u64::MAX, u64::MAX], 1), Err(Full::Bytes));
    }

    #[test]
    fn what_a_file_is_attached_to_is_read_as_it_was_stored() {
        let to = AttachedTo::Alert(AlertId::new(Instant::from_secs(7)));
        assert_eq!(AttachedTo::read(to.kind(), &to.id()), Some(to));
        assert_eq!(AttachedTo::read("ticket", &to.id()), None);
        assert_eq!(AttachedTo::read("alert", "7"), None);
    }

    proptest! {
        #[test]
        fn whoever_is_admitted_leaves_the_subject_within_its_bounds(
            stored in prop::collection::vec(0_u64..=MOST_TOTAL, 0..30),
            size in 0_u64..=MOST_TOTAL,
        ) {
            if admit(&stored, size).is_ok() {
                prop_assert!(stored.len() < MOST_FILES);
                prop_assert!(stored.iter().sum::<u64>() + size <= MOST_TOTAL);
            }
        }
    }
}
