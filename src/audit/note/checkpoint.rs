//! A checkpoint (c2sp.org/tlog-checkpoint): origin, size and root in three lines, and no line more.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{NoteError, Signer, Vkey, decimal, open};
use crate::merkle::{self, Hash};

/// What a log says of itself at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name, equal to the name of its key.
    pub origin: String,
    /// Leaves in the tree.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// The origin of an organisation's log for one year: `zelo.<org>/audit/<year>`.
///
/// # Errors
/// When `org` holds anything but lower-case letters, digits, dots and hyphens.
pub fn origin(org: &str, year: i32) -> Result<String, NoteError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    if org.is_empty() || !org.chars().all(plain) {
        return Err(NoteError::Key("an organisation's name is lower-case letters, digits, `.` and `-`"));
    }
    Ok(format!("zelo.{org}/audit/{year}"))
}

/// The origin of the same organisation's log for another year.
///
/// # Errors
/// When `name` is not an [`origin`].
pub fn in_year(name: &str, year: i32) -> Result<String, NoteError> {
    let (log, _) = name.rsplit_once('/').ok_or(NoteError::Key("a log's name ends in its year"))?;
    Ok(format!("{log}/{year}"))
}

/// The log that a note says it is of, unverified: to find the key to open it with.
#[must_use]
pub fn claimed_origin(note: &str) -> &str {
    note.split_once('\n').map_or(note, |(origin, _)| origin)
}

impl Checkpoint {
    /// The log before its first leaf.
    #[must_use]
    pub fn empty(origin: &str) -> Self {
        Self { origin: origin.to_owned(), size: 0, root: merkle::empty() }
    }

    /// The signed note.
    #[must_use]
    pub fn sign(&self, signer: &Signer) -> String {
        signer.sign(&self.to_string())
    }

    /// Reads a signed checkpoint and trusts it only when `key` signed it and it names that key's log.
    ///
    /// # Errors
    /// [`NoteError`] when it is malformed, unsigned, forged, or of another log.
    pub fn open(note: &str, key: &Vkey) -> Result<Self, NoteError> {
        let checkpoint = Self::parse(open(note, std::slice::from_ref(key))?)?;
        if checkpoint.origin == key.name() {
            Ok(checkpoint)
        } else {
            Err(NoteError::Checkpoint("it is of another log than its key"))
        }
    }

    fn parse(text: &str) -> Result<Self, NoteError> {
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(NoteError::Checkpoint("fewer than three lines"));
        };
        if lines.next() != Some("") || lines.next().is_some() {
            return Err(NoteError::Checkpoint("more than three lines: extensions are not allowed here"));
        }
        let size = decimal(size).ok_or(NoteError::Checkpoint("the size is not a decimal number"))?;
        let root = STANDARD.decode(root).ok().and_then(|bytes| bytes.try_into().ok());
        let root = root.ok_or(NoteError::Checkpoint("the root is not 32 bytes in base64"))?;
        Ok(Self { origin: origin.to_owned(), size, root })
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, STANDARD.encode(self.root))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer() -> Signer {
        Signer::from_seed(&origin("clinic", 2026).unwrap(), &[7; 32]).unwrap()
    }

    #[test]
    fn a_signed_checkpoint_reads_back_as_written() {
        let signer = signer();
        let checkpoint = Checkpoint { origin: signer.vkey().name().into(), size: 70_000, root: [9; 32] };
        let note = checkpoint.sign(&signer);
        assert!(note.starts_with("zelo.clinic/audit/2026\n70000\n"), "{note}");
        assert_eq!(Checkpoint::open(&note, signer.vkey()), Ok(checkpoint));
    }

    #[test]
    fn no_single_flipped_bit_leaves_a_checkpoint_valid() {
        let signer = signer();
        let note = Checkpoint::empty(signer.vkey().name()).sign(&signer);
        for place in 0..note.len() * 8 {
            let mut bytes = note.clone().into_bytes();
            bytes[place / 8] ^= 1 << (place % 8);
            let opened = String::from_utf8(bytes).map(|text| Checkpoint::open(&text, signer.vkey()));
            assert!(!matches!(opened, Ok(Ok(_))), "bit {place}");
        }
    }

    #[test]
    fn a_fourth_line_a_leading_zero_and_another_origin_are_refused_even_when_signed() {
        let signer = signer();
        let root = STANDARD.encode([1; 32]);
        let name = signer.vkey().name();
        for text in [
            format!("{name}\n1\n{root}\nextension\n"),
            format!("{name}\n01\n{root}\n"),
            format!("{name}\n+1\n{root}\n"),
            format!("{name}\n1\n"),
            format!("zelo.other/audit/2026\n1\n{root}\n"),
        ] {
            let opened = Checkpoint::open(&signer.sign(&text), signer.vkey());
            assert!(matches!(opened, Err(NoteError::Checkpoint(_))), "{text} {opened:?}");
        }
    }

    #[test]
    fn the_log_of_another_year_has_another_name_another_key_id_and_the_same_key() {
        let signer = signer();
        let next = in_year(signer.vkey().name(), 2027).unwrap();
        assert_eq!(next, "zelo.clinic/audit/2027");
        let renamed = signer.named(&next).unwrap();
        assert!(renamed.vkey().same_key(signer.vkey()) && renamed.vkey() != signer.vkey());
        let note = Checkpoint::empty(&next).sign(&renamed);
        assert_eq!(claimed_origin(&note), next);
        assert!(Checkpoint::open(&note, renamed.vkey()).is_ok());
        assert!(Checkpoint::open(&note, signer.vkey()).is_err());
        assert!(in_year("no year", 2027).is_err());
    }

    #[test]
    fn an_organisation_with_a_space_or_a_plus_has_no_origin() {
        assert!(origin("a b", 2026).is_err() && origin("a+b", 2026).is_err() && origin("", 2026).is_err());
    }
}
