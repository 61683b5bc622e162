//! One entry's proof in a file that any C2SP tool reads: `c2sp.org/tlog-proof@v1`, index, path and checkpoint.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::entry::EntryError;
use super::merkle::{self, Hash, ProofError};
use super::note::{Checkpoint, NoteError, Vkey, decimal};
use super::tile::nodes::TileError;
use super::tile::{TileNodes, TileReader};

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Why a proof does not hold.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The checkpoint or its signature.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The path.
    #[error(transparent)]
    Path(#[from] ProofError),
    /// The entry.
    #[error(transparent)]
    Entry(#[from] EntryError),
}

/// Why no proof can be made.
#[derive(Debug, thiserror::Error)]
pub enum Unproven {
    /// The log has no such entry.
    #[error("the log has {size} entries: there is no entry {index}")]
    NoEntry {
        /// Asked for.
        index: u64,
        /// The log's size.
        size: u64,
    },
    /// The tiles are not whole.
    #[error(transparent)]
    Tiles(#[from] TileError),
    /// The checkpoint is not ours.
    #[error(transparent)]
    Note(#[from] NoteError),
}

/// The path of one entry to a signed checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafProof {
    /// Opaque to every verifier, and vouched for by none.
    pub extra: Option<Vec<u8>>,
    /// The entry's index.
    pub index: u64,
    /// Sibling hashes, the leaf's first.
    pub path: Vec<Hash>,
    /// The signed checkpoint, verbatim.
    pub checkpoint: String,
}

impl LeafProof {
    /// Proves entry `index` under `checkpoint` from the stored tiles.
    ///
    /// # Errors
    /// [`Unproven`] when the entry, a tile or our signature is missing.
    pub fn of<R: TileReader + ?Sized>(
        reader: &R,
        checkpoint: &str,
        key: &Vkey,
        index: u64,
    ) -> Result<Self, Unproven> {
        let size = Checkpoint::open(checkpoint, key)?.size;
        if index >= size {
            return Err(Unproven::NoEntry { index, size });
        }
        let path = merkle::inclusion(&mut TileNodes::new(reader, size), index, size)?;
        Ok(Self { extra: None, index, path, checkpoint: checkpoint.to_owned() })
    }

    /// Checks that `entry` is where this proof says, and returns the checkpoint that vouches for it.
    ///
    /// # Errors
    /// [`Broken`] when the signature or the path does not hold.
    pub fn verify(&self, entry: &[u8], key: &Vkey) -> Result<Checkpoint, Broken> {
        let head = Checkpoint::open(&self.checkpoint, key)?;
        merkle::verify_inclusion(&merkle::leaf(entry), self.index, head.size, &self.path, &head.root)?;
        Ok(head)
    }
}

/// The hashes that prove the log of `old` entries a prefix of the log of `new`, from the stored tiles.
///
/// # Errors
/// [`TileError`] when a tile is missing.
pub fn consistency<R: TileReader + ?Sized>(reader: &R, old: u64, new: u64) -> Result<Vec<Hash>, TileError> {
    merkle::consistency(&mut TileNodes::new(reader, new), old, new)
}

impl fmt::Display for LeafProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.path.iter().try_for_each(|hash| writeln!(f, "{}", STANDARD.encode(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for LeafProof {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        const NOT: NoteError = NoteError::Malformed("not a c2sp.org/tlog-proof@v1");
        let (head, checkpoint) = text.split_once("\n\n").ok_or(NOT)?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(NOT);
        }
        let extra = lines.peek().and_then(|line| line.strip_prefix("extra ")).map(|b| STANDARD.decode(b));
        let extra = extra.transpose().map_err(|_bad| NOT)?;
        if extra.is_some() {
            lines.next();
        }
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(decimal).ok_or(NOT)?;
        let hash = |line| STANDARD.decode(line).ok().and_then(|bytes| bytes.try_into().ok());
        let path = lines.map(hash).collect::<Option<Vec<Hash>>>().ok_or(NOT)?;
        Ok(Self { extra, index, path, checkpoint: checkpoint.to_owned() })
    }
}
