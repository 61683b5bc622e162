//! The key that signs tokens: a file beside the key-encryption keys, outside the database and its backups.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest;

use super::kek::write_secret;
use crate::db::error::{Error, Result};
use crate::db::settings;
use crate::health::nodes;
use crate::{Conn, Store, Urgency};
use domain::Instant;
use domain::people::token::{Signer, fresh_key};

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

/// The setting that says which key signs.
const SIGNING_KEY: &str = "token.key";

/// Holds the key against the one that the nodes on this database sign with: what one signs, each must believe. A node
/// alone may have a new one, and ends by it what the old one signed.
///
/// # Errors
/// [`Error::Keys`] where other nodes than that of `home` serve with another key; database errors.
pub fn agree(store: &Store, signer: &Signer, home: &str, now: Instant) -> Result<()> {
    let public = signer.jwks().to_string();
    let ours = hex::encode(digest::digest(&digest::SHA256, public.as_bytes()));
    store.keep_house(Urgency::Urgent, "start", now, |tx| {
        let theirs = settings::get(tx, SIGNING_KEY)?;
        if theirs.as_ref() == Some(&ours) {
            return Ok(());
        }
        let others = match &mut *tx.conn {
            Conn::Pg(conn) if theirs.is_some() => nodes::others(conn, home)?,
            _ => String::new(),
        };
        if !others.is_empty() {
            return Err(Error::Keys(format!(
                "{FILE} is not the key that other nodes on this database sign with: {others}. What one signs the other would \
                 refuse, devices and people alike: copy theirs into this node's keys directory"
            )));
        }
        settings::save(tx, SIGNING_KEY, &ours)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Url;
    use crate::testing::stores;
    use domain::Clock;

    #[test]
    fn a_key_that_other_nodes_do_not_sign_with_is_refused_while_they_serve() {
        for store in stores() {
            let signer = || Signer::new(&fresh_key().unwrap()).unwrap();
            let (first, other, now) = (signer(), signer(), Clock::System.now());
            agree(&store, &first, "one:/data", now).unwrap();
            agree(&store, &first, "two:/data", now).unwrap();
            let node = nodes::Node { id: "a".into(), home: "one:/data".into(), number: None };
            store
                .keep_house(Urgency::Urgent, "test", now, |tx| {
                    nodes::begin(tx, &node, nodes::Clocks::agree(now))
                })
                .unwrap();
            let refused = agree(&store, &other, "two:/data", now).err().map(|error| error.to_string());
            if let Url::Postgres(_) = store.url() {
                assert!(refused.unwrap().contains("0 (one:/data)"));
            }
            agree(&store, &other, "one:/data", now).unwrap();
        }
    }

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
