//! Commands to devices: kept until acknowledged, sealed like every message.

use diesel::prelude::*;
use serde_json::Value;

use super::error::{Error, Result};
use super::keys::{Class, Subject};
use super::page::{Ask, Cursor, Page};
use super::schema::{commands, devices};
use super::seal::Place;
use super::tx::Touched;
use super::{Act, Tx, View};
use crate::domain::{CommandId, DeviceId, Instant};

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
    /// What it said, and when.
    pub reply: Option<(Instant, Value)>,
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
}

impl Row {
    fn open(self, view: &mut View<'_>) -> Result<Command> {
        let reply = match (self.replied_at, self.reply) {
            (Some(at), Some(blob)) => {
                Some((Instant::from_micros(at), view.open_json(place("reply", &self.id), &blob)?))
            }
            _ => None,
        };
        Ok(Command {
            body: view.open_json(place("body", &self.id), &self.body)?,
            id: self.id.parse().map_err(|_not_an_id| Error::Corrupt("commands.id"))?,
            created_at: Instant::from_micros(self.created_at),
            acknowledged_at: self.acknowledged_at.map(Instant::from_micros),
            reply,
        })
    }
}

const fn place<'a>(column: &'a str, id: &'a str) -> Place<'a> {
    Place::new("commands", column, id)
}

/// Leaves a command for a device.
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub fn insert(tx: &mut Tx<'_>, device: DeviceId, body: &Value) -> Result<CommandId> {
    let (now, key) = (tx.now(), super::devices::key_of(tx, device)?);
    let id = CommandId::new(now);
    let text = id.to_string();
    let sealed = tx.seal_json(Subject::Device(device), Class::Message, place("body", &text), body)?;
    diesel::insert_into(commands::table)
        .values((
            commands::id.eq(&text),
            commands::device_key.eq(key),
            commands::body.eq(sealed),
            commands::created_at.eq(now.micros()),
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

/// What a device has not acknowledged, oldest first.
///
/// # Errors
/// Database errors.
pub fn waiting(view: &mut View<'_>, device: DeviceId) -> Result<Vec<Command>> {
    let key = super::devices::key_of(view, device)?;
    let rows: Vec<Row> = commands::table
        .filter(commands::device_key.eq(key).and(commands::acknowledged_at.is_null()))
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
    let key = super::devices::key_of(view, device)?;
    let rows: Vec<Row> = commands::table
        .filter(commands::device_key.eq(key))
        .filter(commands::created_at.gt(at).or(commands::created_at.eq(at).and(commands::id.gt(id))))
        .order((commands::created_at, commands::id))
        .limit(ask.reach())
        .select(Row::as_select())
        .load(view.conn)?;
    Page::of(rows, ask, |row| Cursor { at: row.created_at, id: row.id.clone() }).try_map(|row| row.open(view))
}

/// Notes that a device has a command. Run it with [`super::Store::keep_house`]; again changes nothing.
///
/// # Errors
/// [`Error::NotFound`] when the device was given no such command; database errors.
pub fn acknowledge(tx: &mut Tx<'_>, device: DeviceId, id: CommandId) -> Result<()> {
    let now = tx.now().micros();
    must_be_of(tx, device, id)?;
    let open = commands::table.find(id.to_string()).filter(commands::acknowledged_at.is_null());
    diesel::update(open).set(commands::acknowledged_at.eq(Some(now))).execute(tx.conn)?;
    tx.signal("device.changed", device)
}

/// Keeps a device's first reply, which also acknowledges. Run it with [`super::Store::keep_house`].
///
/// # Errors
/// As [`acknowledge`].
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

fn must_be_of(view: &mut View<'_>, device: DeviceId, id: CommandId) -> Result<()> {
    let found: Option<String> = commands::table
        .inner_join(devices::table.on(devices::key.eq(commands::device_key)))
        .filter(commands::id.eq(id.to_string()).and(devices::id.eq(device.to_string())))
        .select(commands::id)
        .first(view.conn)
        .optional()?;
    found.map(drop).ok_or(Error::NotFound("command"))
}
