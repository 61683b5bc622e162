//! The key that signs tokens: a file beside the key-encryption keys, outside the database and its backups.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::error::{Error, Result};
use super::kek::write_secret;
use crate::domain::token::{Signer, fresh_key};

/// The file's name in the keys directory.
pub const FILE: &str = "token.key";

/// Makes the key file, mode 0600; refuses to overwrite one.
///
/// # Errors
/// The directory cannot be written, or the file is there already.
pub fn generate(dir: &Path) -> Result<()> {
    let pkcs8 = fresh_key().map_err(|refused| Error::Keys(refused.to_string()))?;
    write_secret(&dir.join(FILE), STANDARD.encode(pkcs8).as_bytes())
}

/// Reads the key file.
///
/// # Errors
/// No such file, or not a key: names it and says what to do.
pub fn load(dir: &Path) -> Result<Signer> {
    let path = dir.join(FILE);
    let text = std::fs::read_to_string(&path).map_err(|source| Error::Io {
        what: format!("the signing key {} cannot be read: run `zelo init` first", path.display()),
        source,
    })?;
    let broken =
        || Error::Keys(format!("{} is not an Ed25519 key in PKCS#8 form, as base64", path.display()));
    let pkcs8 = STANDARD.decode(text.trim()).map_err(|_not_base64| broken())?;
    Signer::new(&pkcs8).map_err(|_refused| broken())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_file_signs_is_private_and_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        assert!(load(dir.path()).unwrap_err().to_string().contains("run `zelo init`"));
        generate(dir.path()).unwrap();
        let first = load(dir.path()).unwrap().jwks();
        assert!(generate(dir.path()).is_err());
        assert_eq!(load(dir.path()).unwrap().jwks(), first);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::write(dir.path().join(FILE), "xx").unwrap();
        assert!(matches!(load(dir.path()), Err(Error::Keys(_))));
    }
}
