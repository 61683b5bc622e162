//! A data directory: the database file, the keys beside it, and the lock that only one process holds.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::keys::kek::Keks;
use crate::keys::signing;

const LOCK: &str = "zelo.lock";

/// A data directory cannot be used. The words say what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk refuses.
    #[error("{0}")]
    Io(String),
    /// There is none.
    #[error("{0}")]
    Missing(String),
    /// Another process holds it.
    #[error("{0}")]
    Held(String),
    /// A restore into it broke off.
    #[error("{0}")]
    Unfinished(String),
    /// Its keys cannot be made.
    #[error(transparent)]
    Keys(#[from] crate::Error),
}

/// What became of it.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A file or directory that cannot be used.
    #[must_use]
    pub fn io(doing: &str, path: &Path, source: &std::io::Error) -> Self {
        Self::Io(format!("{doing} {}: {source}", path.display()))
    }
}

/// The file that stands while a restore is on its way.
const UNFINISHED: &str = "restore.unfinished";

/// A restore on its way.
#[derive(Debug)]
#[must_use]
pub struct Unfinished(PathBuf);

impl Unfinished {
    /// It is whole.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn done(self) -> Result<()> {
        fs::remove_file(&self.0).map_err(|source| Error::io("cannot remove", &self.0, &source))
    }
}

/// An open data directory. The lock ends with it, also when the process is killed.
#[derive(Debug)]
pub struct Home {
    dir: PathBuf,
    _lock: File,
}

impl Home {
    /// Takes a directory, made when it is not there (readable by its owner only), and its lock.
    ///
    /// # Errors
    /// [`Error::Held`] names the process that holds it; the directory cannot be used.
    pub fn take(dir: &Path) -> Result<Self> {
        make_private(dir)?;
        let path = dir.join(LOCK);
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut lock = open.map_err(|source| Error::io("cannot open the lock", &path, &source))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(locked(dir, &mut lock)),
            Err(TryLockError::Error(source)) => return Err(Error::io("cannot lock", &path, &source)),
        }
        let write = lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id()));
        write.map_err(|source| Error::io("cannot write", &path, &source))?;
        Ok(Self { dir: dir.to_owned(), _lock: lock })
    }

    /// As [`Home::take`], for a directory that must be there.
    ///
    /// # Errors
    /// [`Error::Missing`] when it is not; as [`Home::take`].
    pub fn existing(dir: &Path) -> Result<Self> {
        if dir.is_dir() {
            Self::take(dir)
        } else {
            Err(Error::Missing(format!(
                "there is no data directory {}: run `zelo init` first",
                dir.display()
            )))
        }
    }

    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The keys: to be stored elsewhere as well, and never in a backup.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.dir.join("keys")
    }

    /// Marks that a restore is on its way: until it is [`Unfinished::done`] nothing opens this directory.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn begin_restore(&self) -> Result<Unfinished> {
        let path = self.dir.join(UNFINISHED);
        write_private(&path, b"a restore began here and did not end\n")?;
        Ok(Unfinished(path))
    }

    /// Refuses a directory whose restore broke off: what was revoked since the snapshot might stand again.
    ///
    /// # Errors
    /// [`Error::Unfinished`] with the way out.
    pub fn require_restored(&self) -> Result<()> {
        if self.dir.join(UNFINISHED).exists() {
            return Err(Error::Unfinished(format!(
                "a restore into {} broke off: empty the database, remove {UNFINISHED}, and restore again",
                self.dir.display()
            )));
        }
        Ok(())
    }

    /// SQLite's file.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.dir.join("zelo.db")
    }

    /// Whether `init` was here.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        self.keys().join("kek-1.key").exists() || Keks::load(&self.keys()).is_ok()
    }

    /// Makes the key-encryption key and the key that signs tokens.
    ///
    /// # Errors
    /// They are there already, or the disk refuses.
    pub fn make_keys(&self) -> Result<()> {
        make_private(&self.keys())?;
        Keks::generate(&self.keys(), 1)?;
        Ok(signing::generate(&self.keys())?)
    }
}

fn locked(dir: &Path, lock: &mut File) -> Error {
    let mut pid = String::new();
    let _unreadable = lock.rewind().and_then(|()| lock.read_to_string(&mut pid));
    let by = match pid.trim() {
        "" => "another process".to_owned(),
        pid => format!("process {pid}"),
    };
    Error::Held(format!(
        "the data directory {} is in use by {by}: stop it first, choose another with --data-dir, or reach a running node with --url",
        dir.display()
    ))
}

/// Makes a directory that only its owner reads; one that is there stays as it is.
///
/// # Errors
/// The disk refuses.
pub fn make_private(dir: &Path) -> Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(dir).map_err(|source| Error::io("cannot make the directory", dir, &source))
}

/// Writes a file that only its owner reads, whole or not at all.
///
/// # Errors
/// The disk refuses.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let draft = path.with_extension("new");
    let fault = |source: std::io::Error| Error::io("cannot write", path, &source);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(&draft).map_err(fault)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(fault)?;
    fs::rename(&draft, path).map_err(fault)
}

/// The machine and the data directory, as one node names another.
#[must_use]
pub fn whereabouts(dir: &Path) -> String {
    let machine = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let dir = dir.canonicalize().unwrap_or_else(|_not_there| dir.to_owned());
    format!("{}:{}", machine.trim(), dir.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_taker_is_told_who_holds_it_and_gets_it_once_it_is_let_go() {
        let dir = tempfile::tempdir().unwrap();
        let first = Home::take(dir.path()).unwrap();
        let refused = Home::take(dir.path()).unwrap_err();
        assert!(matches!(refused, Error::Held(_)));
        assert!(refused.to_string().contains(&format!("process {}", std::process::id())), "{refused}");
        drop(first);
        Home::take(dir.path()).unwrap();
    }

    #[test]
    fn a_directory_that_must_be_there_is_asked_for_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let missing = Home::existing(&dir.path().join("none")).unwrap_err();
        assert!(matches!(missing, Error::Missing(_)));
        assert!(missing.to_string().contains("zelo init"), "{missing}");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_made_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let home = Home::take(&dir.path().join("data")).unwrap();
        home.make_keys().unwrap();
        assert!(home.has_keys());
        write_private(&home.dir().join("x.json"), b"{}").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            (mode(home.dir()), mode(&home.keys()), mode(&home.dir().join("x.json"))),
            (0o700, 0o700, 0o600)
        );
    }
}
