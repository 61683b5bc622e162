//! Commands to devices: stored until the device took or refused them, they expired or were cancelled; sealed like every
//! message.

use std::time::Duration;

use diesel::prelude::*;
use serde_json::Value;

use crate::db::error::{Error, Result};
use crate::db::page::{Ask, Cursor, Page};
use crate::db::schema::{commands, devices};
use crate::db::tx::Touched;
use crate::keys::seal::Place;
use crate::keys::{Class, Subject};
use crate::{Act, Tx, View};
use domain::{CommandId, DeviceId, Instant};

/// How long a command waits for its device unless somebody says otherwise.
pub const LASTS: Duration = Duration::from_secs(7 * 86_400);
/// Commands that may wait for one device: a device that is gone is not written to without end.
pub(crate) const WAITING: i64 = 256;
/// Commands handed to a connection at once, and about how many bytes of them.
const AT_ONCE: i64 = 32;
const BYTES_AT_ONCE: usize = 256 * 1024;
/// From here on the code of a PUBACK is a refusal (MQTT 5 §3.4.2.1).
const REFUSAL: u8 = 0x80;

/// How a command stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits for its device.
    Waiting,
    /// The device has it.
    Acknowledged,
    /// The device refused it with this MQTT code.
    Refused(u8),
    /// Somebody took it back before the device had it.
    Cancelled,
    /// The device did not come in time.
    Expired,
}

impl State {
    /// The word of the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Acknowledged => "acknowledged",
            Self::Refused(_) => "refused",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

/// A command and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// The id, by which the device acknowledges and replies.
    pub id: CommandId,
    /// What to do.
    pub body: Value,
    /// Since when.
    pub created_at: Instant,
    /// When the device had it.
    pub acknowledged_at: Option<Instant>,
    /// What it replied, and when.
    pub reply: Option<(Instant, Value)>,
    /// Until when the device may come for it.
    pub expires_at: Option<Instant>,
    /// When the device refused it, and with which MQTT code.
    pub refused: Option<(Instant, u8)>,
    /// When it was taken back.
    pub cancelled_at: Option<Instant>,
}

impl Command {
    /// How it stands at `now`.
    #[must_use]
    pub fn state(&self, now: Instant) -> State {
        match (self.refused, self.acknowledged_at, self.cancelled_at, self.expires_at) {
            (Some((_, code)), ..) => State::Refused(code),
            (None, Some(_), ..) => State::Acknowledged,
            (None, None, Some(_), _) => State::Cancelled,
            (None, None, None, Some(end)) if end <= now => State::Expired,
            (None, None, None, _) => State::Waiting,
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = commands)]
struct Row {
    id: String,
    body: Vec<u8>,
    created_at: i64,
    acknowledged_at: Option<i64>,
    replied_at: Option<i64>,
    reply: Option<Vec<u8>>,
    expires_at: Option<i64>,
    refused_at: Option<i64>,
    refused_code: Option<i16>,
    cancelled_at: Option<i64>,
}

impl Row {
    fn open(self, view: &mut View<'_>) -> Result<Command> {
        let reply = match (self.replied_at, self.reply) {
            (Some(at), Some(blob)) => {
                Some((Instant::from_micros(at), view.open_json(place("reply", &self.id), &blob)?))
            }
            _ => None,
        };
        let refused_code = self.refused_code.map(|code| u8::try_from(code).unwrap_or(REFUSAL));
        Ok(Command {
            body: view.open_json(place("body", &self.id), &self.body)?,
            id: self.id.parse().map_err(|_not_an_id| Error::corrupt("commands.id").in_row(&self.id))?,
            created_at: Instant::from_micros(self.created_at),
            acknowledged_at: self.acknowledged_at.map(Instant::from_micros),
            reply,
            expires_at: self.expires_at.map(Instant::from_micros),
            refused: self.refused_at.map(Instant::from_micros).zip(refused_code),
            cancelled_at: self.cancelled_at.map(Instant::from_micros),
        })
    }
}

const fn place<'a>(column: &'a str, id: &'a str) -> Place<'a> {
    Place::new("commands", column, id)
}

diesel::define_sql_function! {
    /// The bytes of a blob.
    #[sql_name = "length"]
    fn octets(blob: diesel::sql_types::Binary) -> diesel::sql_types::Integer;
}

/// What is open at `now`: neither taken nor refused, cancelled or expired.
macro_rules! open {
    ($now:expr) => {
        commands::acknowledged_at
            .is_null()
            .and(commands::refused_at.is_null())
            .and(commands::cancelled_at.is_null())
            .and(commands::expires_at.gt($now))
    };
}

/// Leaves a command for a device, which may come for it until `expires`.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] when `WAITING` wait already; database errors.
pub fn insert(tx: &mut Tx<'_>, device: DeviceId, body: &Value, expires: Instant) -> Result<CommandId> {
    let (now, key) = (tx.now(), super::lock(tx, device)?);
    let waiting: i64 = commands::table
        .filter(commands::device_key.eq(key).and(open!(now.micros())))
        .count()
        .get_result(tx.conn)?;
    if waiting >= WAITING {
        return Err(Error::Conflict("256 commands wait for this device: cancel some, or wait until it came"));
    }
    let id = CommandId::new(now);
    let text = id.to_string();
    let sealed = tx.seal_json(Subject::Device(device), Class::Message, place("body", &text), body)?;
    diesel::insert_into(commands::table)
        .values((
            commands::id.eq(&text),
            commands::device_key.eq(key),
            commands::body.eq(sealed),
            commands::created_at.eq(now.micros()),
            commands::expires_at.eq(Some(expires.micros())),
        ))
        .execute(tx.conn)?;
    tx.audit(
        &Act::new("device.commanded")
            .about(Subject::Device(device))
            .body(serde_json::json!({ "command": id })),
    )?;
    tx.signal("device.commanded", device)?;
    tx.touch(Touched::Device(key));
    Ok(id)
}

/// What waits for a device at `now`, oldest first: the first few dozen, about a quarter of a MiB at most.
///
/// # Errors
/// Database errors.
pub fn waiting(view: &mut View<'_>, device: DeviceId, now: Instant) -> Result<Vec<Command>> {
    let key = super::key_of(view, device)?;
    let first = commands::table
        .filter(commands::device_key.eq(key).and(open!(now.micros())))
        .order((commands::created_at, commands::id))
        .limit(AT_ONCE);
    let sizes: Vec<(String, i32)> = first.select((commands::id, octets(commands::body))).load(view.conn)?;
    let mut bytes = 0;
    let fits = |(id, size): (String, i32)| {
        bytes += usize::try_from(size).unwrap_or(usize::MAX);
        (bytes <= BYTES_AT_ONCE).then_some(id)
    };
    let one = sizes.first().map(|(id, _)| id.clone());
    let mut ids: Vec<String> = sizes.into_iter().map_while(fits).collect();
    if ids.is_empty() {
        ids.extend(one);
    }
    let rows: Vec<Row> = commands::table
        .filter(commands::id.eq_any(ids))
        .order((commands::created_at, commands::id))
        .select(Row::as_select())
        .load(view.conn)?;
    rows.into_iter().map(|row| row.open(view)).collect()
}

/// A device's commands in the order in which they were given.
///
/// # Errors
/// Database errors.
pub fn page(view: &mut View<'_>, device: DeviceId, ask: &Ask) -> Result<Page<Command>> {
    let Cursor { at, id } = &ask.after;
    let key = super::key_of(view, device)?;
    let rows: Vec<Row> = commands::table
        .filter(commands::device_key.eq(key))
        .filter(commands::created_at.ge(at).and(commands::created_at.gt(at).or(commands::id.gt(id))))
        .order((commands::created_at, commands::id))
        .limit(ask.reach())
        .select(Row::as_select())
        .load(view.conn)?;
    Page::of(rows, ask, |row| Cursor { at: row.created_at, id: row.id.clone() }).try_map(|row| row.open(view))
}

/// A device's last commands, the newest first, at most `limit`.
///
/// # Errors
/// Database errors.
pub fn newest(view: &mut View<'_>, device_key: i64, limit: i64) -> Result<Vec<Command>> {
    let rows: Vec<Row> = commands::table
        .filter(commands::device_key.eq(device_key))
        .order((commands::created_at.desc(), commands::id.desc()))
        .limit(limit)
        .select(Row::as_select())
        .load(view.conn)?;
    rows.into_iter().map(|row| row.open(view)).collect()
}

/// Notes that a device has a command. Run it with [`crate::Store::keep_house`]; again changes nothing.
///
/// # Errors
/// [`Error::NotFound`] when the device was given no such command; database errors.
pub(crate) fn acknowledge(tx: &mut Tx<'_>, device: DeviceId, id: CommandId) -> Result<()> {
    let now = tx.now().micros();
    must_be_of(tx, device, id)?;
    let open = commands::table
        .find(id.to_string())
        .filter(commands::acknowledged_at.is_null().and(commands::refused_at.is_null()));
    diesel::update(open).set(commands::acknowledged_at.eq(Some(now))).execute(tx.conn)?;
    tx.signal("device.changed", device)
}

/// Keeps a device's first reply, which also acknowledges, unless it refused. Run it with [`crate::Store::keep_house`].
///
/// # Errors
/// As `acknowledge`.
pub fn reply(tx: &mut Tx<'_>, device: DeviceId, id: CommandId, reply: &Value) -> Result<()> {
    let now = tx.now().micros();
    acknowledge(tx, device, id)?;
    let text = id.to_string();
    let sealed = tx.seal_json(Subject::Device(device), Class::Message, place("reply", &text), reply)?;
    diesel::update(commands::table.find(&text).filter(commands::replied_at.is_null()))
        .set((commands::replied_at.eq(Some(now)), commands::reply.eq(Some(sealed))))
        .execute(tx.conn)?;
    Ok(())
}

/// Takes in a device's PUBACK of a command: from 0x80 on it is a refusal, which is no acknowledgement. The first
/// answer stands. Run it with [`crate::Store::keep_house`].
///
/// # Errors
/// As `acknowledge`.
pub fn answered(tx: &mut Tx<'_>, device: DeviceId, id: CommandId, code: u8) -> Result<()> {
    if code < REFUSAL {
        return acknowledge(tx, device, id);
    }
    let now = tx.now().micros();
    must_be_of(tx, device, id)?;
    let open = commands::table
        .find(id.to_string())
        .filter(commands::acknowledged_at.is_null().and(commands::refused_at.is_null()));
    diesel::update(open)
        .set((commands::refused_at.eq(Some(now)), commands::refused_code.eq(Some(i16::from(code)))))
        .execute(tx.conn)?;
    tx.signal("device.changed", device)
}

/// Takes a command back. One that is on its way may arrive all the same, and then counts as acknowledged. Cancelling
/// twice changes nothing.
///
/// # Errors
/// [`Error::NotFound`] when the device was given no such command; [`Error::Conflict`] when the device had it, or it
/// expired; database errors.
pub fn cancel(tx: &mut Tx<'_>, device: DeviceId, id: CommandId) -> Result<()> {
    must_be_of(tx, device, id)?;
    let now = tx.now();
    let row: Row = commands::table.find(id.to_string()).select(Row::as_select()).first(tx.conn)?;
    match row.open(tx)?.state(now) {
        State::Waiting => {}
        State::Cancelled => {
            tx.unchanged();
            return Ok(());
        }
        State::Acknowledged | State::Refused(_) => {
            return Err(Error::Conflict("the device has answered this command: it cannot be taken back"));
        }
        State::Expired => return Err(Error::Conflict("the command has expired: nobody will carry it out")),
    }
    let cancelled = commands::table.find(id.to_string()).filter(open!(now.micros()));
    diesel::update(cancelled).set(commands::cancelled_at.eq(Some(now.micros()))).execute(tx.conn)?;
    tx.audit(
        &Act::new("device.command_cancelled")
            .about(Subject::Device(device))
            .body(serde_json::json!({ "command": id })),
    )?;
    tx.signal("device.changed", device)
}

fn must_be_of(view: &mut View<'_>, device: DeviceId, id: CommandId) -> Result<()> {
    let found: Option<String> = commands::table
        .inner_join(devices::table.on(devices::key.eq(commands::device_key)))
        .filter(commands::id.eq(id.to_string()).and(devices::id.eq(device.to_string())))
        .select(commands::id)
        .first(view.conn)
        .optional()?;
    found.map(drop).ok_or(Error::NotFound("command"))
}
