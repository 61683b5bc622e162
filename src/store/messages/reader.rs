//! How messages to a person are written: in which language, and on whose clock.

use diesel::prelude::*;

use crate::db::conn::on;
use crate::db::error::InRow;
use crate::db::error::{Error, Result};
use crate::db::schema::letters;
use crate::{Act, Subject, Tx, View};
use domain::UserId;
use domain::templates::Lang;
use domain::time::civil::Zone;

/// Who reads a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reader {
    /// Their language.
    pub lang: Lang,
    /// The zone of the clock on their wall.
    pub zone: Zone,
}

impl Default for Reader {
    fn default() -> Self {
        Self { lang: Lang::Pt, zone: Zone::SAO_PAULO }
    }
}

/// How a person reads messages; Portuguese and São Paulo until they say.
///
/// # Errors
/// Database errors.
pub fn reader(view: &mut View<'_>, user: UserId) -> Result<Reader> {
    let row: Option<(String, String)> = letters::table
        .find(user.to_string())
        .select((letters::lang, letters::zone))
        .get_result(view.conn)
        .optional()?;
    let Some((lang, zone)) = row else { return Ok(Reader::default()) };
    Ok(Reader {
        lang: Lang::from_tag(&lang).ok_or(Error::corrupt("letters.lang")).in_row(user)?,
        zone: Zone::parse(&zone).map_err(|_no_zone| Error::corrupt("letters.zone")).in_row(user)?,
    })
}

/// Notes how a person reads messages, from the next message on.
///
/// # Errors
/// Database errors.
pub fn write_for(tx: &mut Tx<'_>, user: UserId, reader: Reader) -> Result<()> {
    let values = (letters::lang.eq(reader.lang.tag()), letters::zone.eq(reader.zone.name()));
    on!(&mut *tx.conn, |conn| diesel::insert_into(letters::table)
        .values((letters::user_id.eq(user.to_string()), values))
        .on_conflict(letters::user_id)
        .do_update()
        .set(values)
        .execute(conn))?;
    let body = serde_json::json!({ "letters": { "lang": reader.lang.tag(), "zone": reader.zone.name() } });
    tx.audit(&Act::new("admin.config").about(Subject::User(user)).body(body))
}
