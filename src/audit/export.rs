//! Writes a log in the layout of C2SP tlog-tiles, for people who trust neither us nor our program: bundles and
//! tiles first, how to verify them with foreign tools, and the checkpoint last.

use std::fs;
use std::io;

use super::bundle;
use super::note::{Checkpoint, NoteError, Signer};
use super::tile::{
    Bundle, Dir, FULL, Piece, Place, Row, TileReader, Unreadable, bundle_prefix, places, tiles,
};

/// What an auditor runs, and the glue that the commands name: the very files that our tests run.
const GUIDE: &str = include_str!("VERIFY.md");
const GLUE: [(&str, &str); 3] = [
    ("verify.go", include_str!("../../tests/foreign/audit/verify.go")),
    ("verify.mjs", include_str!("../../tests/foreign/audit/verify.mjs")),
    ("package.json", include_str!("../../tests/foreign/audit/package.json")),
];

/// Why the export is not whole.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The log cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The checkpoint is not signed by this key.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// A tile or bundle is missing or short.
    #[error("the audit log has no whole {0}: run `zelo audit verify`")]
    Missing(String),
    /// The file system refuses.
    #[error("cannot write the export: {0}")]
    Io(#[from] io::Error),
}

/// Writes the log of `checkpoint` into `dir`, which is made when it does not exist, and signs the list of all that is
/// in it then.
///
/// # Errors
/// [`ExportError`]; without a signed list of its files the directory is no export.
pub fn export<R: TileReader + ?Sized>(
    dir: &Dir,
    reader: &R,
    checkpoint: &str,
    signer: &Signer,
) -> Result<Checkpoint, ExportError> {
    let key = signer.vkey();
    let head = Checkpoint::open(checkpoint, key)?;
    fs::create_dir_all(&dir.0)?;
    for place in places(Row::Entries, head.size).chain(tiles(head.size)) {
        let bytes = reader.read(place)?.and_then(|bytes| exactly(place, &bytes));
        let bytes = bytes.ok_or_else(|| ExportError::Missing(place.to_string()))?;
        dir.write(&Piece { place, bytes })?;
    }
    dir.put("vkey.txt", format!("{key}\n").as_bytes())?;
    dir.put("VERIFY.md", GUIDE.as_bytes())?;
    GLUE.iter().try_for_each(|(name, text)| dir.put(name, text.as_bytes()))?;
    dir.put("checkpoint", checkpoint.as_bytes())?;
    bundle::seal(dir, signer)?;
    Ok(head)
}

/// The first `place.width` items of a piece that may be wider.
fn exactly(place: Place, bytes: &[u8]) -> Option<Vec<u8>> {
    match place.row {
        Row::Entries => bundle_prefix(bytes, place.width).map(<[u8]>::to_vec),
        Row::Level(_) => bytes.get(..usize::from(place.width) * 32).map(<[u8]>::to_vec),
    }
}

/// One entry out of the stored bundles; `None` when the log has no such entry.
///
/// # Errors
/// [`Unreadable`] when storage fails.
pub fn entry<R: TileReader + ?Sized>(
    reader: &R,
    index: u64,
    size: u64,
) -> Result<Option<Vec<u8>>, Unreadable> {
    let full = u64::from(FULL);
    let Some(place) = places(Row::Entries, size).nth(usize::try_from(index / full).unwrap_or(usize::MAX))
    else {
        return Ok(None);
    };
    let within = usize::try_from(index % full).unwrap_or(usize::MAX);
    Ok(reader.read(place)?.and_then(|bytes| {
        (within < usize::from(place.width))
            .then(|| Bundle::new(&bytes).nth(within).map(<[u8]>::to_vec))
            .flatten()
    }))
}
