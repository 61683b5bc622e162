//! The log's signing key: a seed in a file beside the key-encryption keys, never in the database, and the name
//! under which it signs, kept in the database so that another file is noticed.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use diesel::prelude::*;
use ring::rand::{SecureRandom, SystemRandom};

use super::years::{self, Year};
use crate::db::error::{Error, Result};
use crate::db::schema::settings as rows;
use crate::db::settings;
use crate::keys::kek::write_secret;
use crate::keys::seal::Broken;
use crate::{Act, Actor, Store, Tx};
use audit::note::{Signer, Vkey, origin};
use audit::years::Opened;
use domain::Instant;

/// The seed's file in the keys directory: 32 bytes in base64.
pub const FILE: &str = "audit.key";
/// The setting that holds the verifier key of this database's log, under the newest year's name.
const VKEY: &str = "audit_vkey";
/// The longest name of an organisation in an origin.
const LONGEST: usize = 40;

/// The key of this database's log.
///
/// # Errors
/// [`Error::Keys`] when the file is missing, is no key, or is the key of another log.
pub fn load(store: &Store, keys: &Path) -> Result<Signer> {
    let known = store.read(|view| settings::get(view, VKEY))?;
    let Some(known) = known else {
        return Err(Error::Keys("the audit log was never opened: start `zelo serve` once".into()));
    };
    let seed = read(keys)?.ok_or_else(|| {
        Error::Keys(format!("{FILE} is missing: put it back in the keys directory from where it is kept"))
    })?;
    fitting(&known, &seed)
}

/// As [`load`]; opens the log first when it never was, and makes its key.
///
/// # Errors
/// As [`load`]; the file cannot be written; database errors.
pub fn open(store: &Store, keys: &Path, now: Instant) -> Result<Signer> {
    let (known, opened, organisation) = store.read(|view| {
        let organisation = settings::get(view, settings::ORGANISATION)?;
        Ok((settings::get(view, VKEY)?, years::newest(view)?.is_some(), organisation))
    })?;
    if known.is_some() {
        return load(store, keys);
    }
    if opened {
        return Err(Error::Keys(
            "the audit log was opened, but its verifier key is not in the settings: restore the database"
                .into(),
        ));
    }
    // A file without a log is left by a start that broke off: it signed nothing yet.
    let seed = match read(keys)? {
        Some(seed) => seed,
        None => generate(keys)?,
    };
    let year = years::year_of(now);
    let plain = i32::try_from(year).unwrap_or(1970);
    let name = origin(&slug(&organisation.unwrap_or_default()), plain).map_err(super::broken)?;
    let signer = Signer::from_seed(&name, &seed).map_err(super::broken)?;
    store.write(Actor::System("seal"), now, |tx| {
        let vkey = signer.vkey().to_string();
        let row = (rows::name.eq(VKEY), rows::value.eq(&vkey));
        diesel::insert_into(rows::table).values(row).execute(tx.conn)?;
        years::insert(tx, &Year { year, vkey: signer.vkey().clone(), first: 0 })?;
        tx.audit(&opened_act(&Opened { previous: None, vkey })?)
    })?;
    Ok(signer)
}

/// The entry that opens a year.
pub(super) fn opened_act(body: &Opened) -> Result<Act<'static>> {
    let body = serde_json::to_value(body).map_err(|_shape| Error::corrupt("the opening of a log"))?;
    Ok(Act::new("log.opened").public(body))
}

/// From now on the log is verified with `vkey`: the same key under the name of the new year.
pub(super) fn renamed(tx: &mut Tx<'_>, vkey: &Vkey) -> Result<()> {
    let row = diesel::update(rows::table.filter(rows::name.eq(VKEY)));
    row.set(rows::value.eq(vkey.to_string())).execute(tx.conn)?;
    Ok(())
}

fn fitting(known: &str, seed: &[u8; 32]) -> Result<Signer> {
    let vkey: Vkey = known.parse().map_err(|_not_a_key| Error::corrupt("settings.value").in_row(VKEY))?;
    let signer = Signer::from_seed(vkey.name(), seed).map_err(super::broken)?;
    if *signer.vkey() == vkey {
        return Ok(signer);
    }
    Err(Error::Keys(format!(
        "{FILE} is not the key of this database's audit log: put the right file in the keys directory"
    )))
}

pub(super) fn read(keys: &Path) -> Result<Option<[u8; 32]>> {
    let path = keys.join(FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(Error::Io {
                what: format!("the key file {} cannot be read", path.display()),
                source,
            });
        }
    };
    let seed = STANDARD.decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
    seed.map(Some).ok_or_else(|| {
        Error::Keys(format!("{} is not a key file: it must hold 32 bytes in base64", path.display()))
    })
}

pub(super) fn generate(keys: &Path) -> Result<[u8; 32]> {
    let mut seed = [0; 32];
    SystemRandom::new().fill(&mut seed).map_err(|_unspecified| Broken::NoRandomness)?;
    write_secret(&keys.join(FILE), STANDARD.encode(seed).as_bytes())?;
    Ok(seed)
}

/// An organisation's name with what an origin allows: `Clínica São João` is `clinica-sao-joao`.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for letter in name.chars().flat_map(char::to_lowercase) {
        match plain(letter) {
            Some(letter) => slug.push(letter),
            None if slug.is_empty() || slug.ends_with('-') => {}
            None => slug.push('-'),
        }
        if slug.len() == LONGEST {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "org".to_owned() } else { slug.to_owned() }
}

const fn plain(letter: char) -> Option<char> {
    Some(match letter {
        'a'..='z' | '0'..='9' => letter,
        'à'..='å' => 'a',
        'ç' => 'c',
        'è'..='ë' => 'e',
        'ì'..='ï' => 'i',
        'ñ' => 'n',
        'ò'..='ö' => 'o',
        'ù'..='ü' => 'u',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, stores};

    #[test]
    fn an_organisation_becomes_a_name_that_an_origin_takes() {
        for (name, expected) in [
            ("Clínica São João", "clinica-sao-joao"),
            ("  ACME -- 2  ", "acme-2"),
            ("病院", "org"),
            ("", "org"),
        ] {
            assert_eq!(slug(name), expected);
        }
        assert!(origin(&slug(&"é ".repeat(200)), 2026).is_ok());
    }

    #[test]
    fn the_key_is_made_once_kept_private_and_another_or_none_is_refused() {
        for store in stores() {
            let keys = store.dir().join("keys");
            assert!(load(&store, &keys).is_err());
            let signer = open(&store, &keys, NOW).unwrap();
            assert!(signer.vkey().name().ends_with("/audit/2026"), "{}", signer.vkey());
            assert_eq!(open(&store, &keys, NOW).unwrap().vkey(), signer.vkey());
            assert_eq!(load(&store, &keys).unwrap().vkey(), signer.vkey());
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                assert_eq!(fs::metadata(keys.join(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
            }
            fs::rename(keys.join(FILE), keys.join("away")).unwrap();
            assert!(open(&store, &keys, NOW).unwrap_err().to_string().contains("missing"));
            generate(&keys).unwrap();
            assert!(open(&store, &keys, NOW).unwrap_err().to_string().contains("not the key"));
        }
    }
}
