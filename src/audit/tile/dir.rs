//! The exported layout on disk: one file per tile and bundle, under the paths of C2SP tlog-tiles.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::{FULL, Piece, Place, TileReader, Unreadable};

/// A directory that holds `checkpoint`, `tile/…` and `vkey.txt`.
#[derive(Debug, Clone)]
pub struct Dir(pub PathBuf);

impl Dir {
    /// The text of a file at the top of the layout. What is not UTF-8 in it is replaced, so that an altered file
    /// fails by its signature and not as an unreadable one.
    ///
    /// # Errors
    /// [`Unreadable`] when it is missing.
    pub fn text(&self, name: &str) -> Result<String, Unreadable> {
        let bytes = fs::read(self.0.join(name)).map_err(|source| unreadable(name, source))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The bytes of a file; `None` when there is none that can be read.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.0.join(name)).ok()
    }

    /// The directories in `name`, by their names in order; none when there is no such directory.
    ///
    /// # Errors
    /// [`Unreadable`] when it cannot be read.
    pub fn within(&self, name: &str) -> Result<Vec<Self>, Unreadable> {
        let listed = match fs::read_dir(self.0.join(name)) {
            Ok(listed) => listed,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(name, error)),
        };
        let paths = listed.map(|item| item.map(|item| item.path())).collect::<io::Result<Vec<_>>>();
        let mut paths = paths.map_err(|error| unreadable(name, error))?;
        paths.retain(|path| path.is_dir());
        paths.sort();
        Ok(paths.into_iter().map(Self).collect())
    }

    /// Writes one tile or bundle.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn write(&self, piece: &Piece) -> io::Result<()> {
        let path = self.0.join(piece.place.to_string());
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        replace(&path, &piece.bytes)
    }

    /// Writes a file at the top of the layout, whole or not at all.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        replace(&self.0.join(name), bytes)
    }
}

impl TileReader for Dir {
    fn read(&self, place: Place) -> Result<Option<Vec<u8>>, Unreadable> {
        let whole = Place { width: FULL, ..place };
        match read(&self.0, place)? {
            None if place != whole => read(&self.0, whole),
            found => Ok(found),
        }
    }
}

fn read(root: &Path, place: Place) -> Result<Option<Vec<u8>>, Unreadable> {
    let path = place.to_string();
    match fs::read(root.join(&path)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(&path, error)),
    }
}

fn unreadable(path: &str, source: io::Error) -> Unreadable {
    Unreadable { path: path.to_owned(), source: source.into() }
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("draft");
    fs::write(&draft, bytes)?;
    fs::rename(draft, path)
}
