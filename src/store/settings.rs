//! Settings that the database itself holds, by name: the organisation, this installation's id.

use diesel::prelude::*;

use super::conn::on;
use super::error::Result;
use super::schema::settings;
use super::{Act, Tx, View};

/// The organisation's name, as pages and terms show it.
pub const ORGANISATION: &str = "organisation";
/// This installation's id (UUID), made once.
pub const INSTANCE: &str = "instance";

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
    keep(tx, name, value)?;
    tx.audit(&Act::new("admin.config").body(serde_json::json!({ "setting": name, "value": value })))
}

/// Keeps a mark of the program's own, such as how far it read: nobody's act, and no entry of the log.
///
/// # Errors
/// Database errors.
pub fn keep(tx: &mut Tx<'_>, name: &str, value: &str) -> Result<()> {
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
    use crate::store::Actor;
    use crate::store::testing::{NOW, stores};

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
