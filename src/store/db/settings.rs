//! Settings that the database itself holds, by name: the organisation, this installation's id.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::conn::on;
use super::error::{Error, Result};
use super::schema::settings;
use crate::{Act, Tx, View};
use domain::time::civil::Zone;

/// Whose a database is: a demo's, a simulation's, or one that serves.
pub const KIND: &str = "kind";

/// The organisation's name, as pages and terms show it.
pub const ORGANISATION: &str = "organisation";
/// In which zone its days begin and end (IANA), for figures.
pub const ZONE: &str = "zone";
/// This installation's id (UUID), made once.
pub const INSTANCE: &str = "instance";

/// Who the data protection officer is, as the portal shows them.
const OFFICER: &str = "dpo";

/// The data protection officer (LGPD art. 41): who they are and how they are reached is public.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Officer {
    /// Their name.
    pub name: String,
    /// How they are reached: an e-mail address, and what else there is.
    pub contact: String,
}

/// The data protection officer; `None` where nobody has said who it is.
///
/// # Errors
/// Database errors.
pub fn officer(view: &mut View<'_>) -> Result<Option<Officer>> {
    let kept = get(view, OFFICER)?;
    let read = |kept: String| serde_json::from_str(&kept);
    kept.map(read).transpose().map_err(|_shape| Error::corrupt("settings.value").in_row(OFFICER))
}

/// Says who the data protection officer is; the act is `admin.config`.
///
/// # Errors
/// Database errors.
pub fn set_officer(tx: &mut Tx<'_>, officer: &Officer) -> Result<()> {
    let kept = serde_json::to_string(officer).map_err(|_shape| Error::corrupt("an officer to store"))?;
    set(tx, OFFICER, &kept)
}

/// The organisation's zone: São Paulo until somebody says another. What cannot be read counts as not said, since facts
/// are dated by it in the transaction of an alert.
///
/// # Errors
/// Database errors.
pub fn zone(view: &mut View<'_>) -> Result<Zone> {
    Ok(get(view, ZONE)?.and_then(|name| Zone::parse(&name).ok()).unwrap_or(Zone::SAO_PAULO))
}

/// The value of a setting.
///
/// # Errors
/// Database errors.
pub fn get(view: &mut View<'_>, name: &str) -> Result<Option<String>> {
    Ok(settings::table.find(name).select(settings::value).get_result(view.conn).optional()?)
}

/// Sets a setting; the act is `admin.config`.
///
/// # Errors
/// Database errors.
pub fn set(tx: &mut Tx<'_>, name: &str, value: &str) -> Result<()> {
    save(tx, name, value)?;
    tx.audit(&Act::new("admin.config").body(serde_json::json!({ "setting": name, "value": value })))
}

/// Forgets a setting, as in a database from before there was one.
#[cfg(any(test, feature = "testing"))]
pub fn forget(tx: &mut Tx<'_>, name: &str) -> Result<()> {
    diesel::delete(settings::table.find(name)).execute(tx.conn)?;
    tx.unchanged();
    Ok(())
}

/// Keeps a mark of the program's own, such as how far it read: nobody's act, and no entry of the log.
///
/// # Errors
/// Database errors.
pub fn save(tx: &mut Tx<'_>, name: &str, value: &str) -> Result<()> {
    let row = (settings::name.eq(name), settings::value.eq(value));
    on!(&mut *tx.conn, |conn| diesel::insert_into(settings::table)
        .values(row)
        .on_conflict(settings::name)
        .do_update()
        .set(settings::value.eq(value))
        .execute(conn))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Actor;
    use crate::testing::{NOW, stores};

    #[test]
    fn the_last_value_set_is_the_one_that_holds() {
        for store in stores() {
            for value in ["a", "b"] {
                store.write(Actor::Operator, NOW, |tx| set(tx, "colour", value)).unwrap();
            }
            assert_eq!(store.read(|view| get(view, "colour")).unwrap().as_deref(), Some("b"));
            assert_eq!(store.read(|view| get(view, "shape")).unwrap(), None);
        }
    }
}
