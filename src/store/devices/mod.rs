//! Wearables: what is written on them is sealed; their tokens are rows, so that revoking one is an update.

pub mod bindings;
pub mod commands;
pub(crate) mod counts;
pub mod moves;
pub mod roster;
pub mod status;
pub mod timeline;
pub mod unbound;
mod wearer;

use diesel::prelude::*;

use super::db::conn::Conn;
use super::db::error::{Error, Result};
use super::db::page::{Ask, Cursor, Page};
use super::db::schema::{self, device_tokens, devices};
use super::db::tx::Touched;
use super::keys::seal::Place;
use super::keys::{Class, Subject};
use super::patients::audience::Audience;
use super::privacy::withdrawals::{self, Withdrawal};
use super::{Act, Tx, View};
use domain::{DeviceId, DeviceIdentity, Instant, TokenId};
pub use wearer::Wearer;

/// Tokens of one device that hold at once: the old one until the new one is in place.
pub(crate) const TOKENS: usize = 2;

/// A device as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// The number that telemetry carries.
    pub key: i64,
    /// The id outside, which is its MQTT user name.
    pub id: DeviceId,
    /// What is written on it.
    pub identity: DeviceIdentity,
    /// Since when it is known.
    pub created_at: Instant,
    /// Since when it may not connect.
    pub disabled_at: Option<Instant>,
    /// When it first connected.
    pub first_seen_at: Option<Instant>,
    /// When it last connected or disconnected.
    pub last_seen_at: Option<Instant>,
    /// Whether it is connected.
    pub online: bool,
    /// For If-Match.
    pub version: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = devices)]
struct Row {
    key: i64,
    id: String,
    identity: Vec<u8>,
    created_at: i64,
    disabled_at: Option<i64>,
    first_seen_at: Option<i64>,
    last_seen_at: Option<i64>,
    online: bool,
    version: i64,
}

impl Row {
    fn open(self, view: &mut View<'_>) -> Result<Device> {
        Ok(Device {
            key: self.key,
            identity: view.open_json(place("identity", &self.id), &self.identity)?,
            id: self.id.parse().map_err(|_not_an_id| Error::corrupt("devices.id").in_row(self.key))?,
            created_at: Instant::from_micros(self.created_at),
            disabled_at: self.disabled_at.map(Instant::from_micros),
            first_seen_at: self.first_seen_at.map(Instant::from_micros),
            last_seen_at: self.last_seen_at.map(Instant::from_micros),
            online: self.online,
            version: self.version,
        })
    }
}

const fn place<'a>(column: &'a str, id: &'a str) -> Place<'a> {
    Place::new("devices", column, id)
}

/// Enrols a device.
///
/// # Errors
/// Database errors.
pub fn insert(tx: &mut Tx<'_>, identity: &DeviceIdentity) -> Result<Device> {
    let id = DeviceId::new(tx.now());
    let text = id.to_string();
    let sealed = tx.seal_json(Subject::Device(id), Class::Identity, place("identity", &text), identity)?;
    diesel::insert_into(devices::table)
        .values((
            devices::id.eq(&text),
            devices::identity.eq(sealed),
            devices::created_at.eq(tx.now().micros()),
            devices::online.eq(false),
            devices::version.eq(1_i64),
        ))
        .execute(tx.conn)?;
    tx.audit(&Act::new("device.enrolled").about(Subject::Device(id)))?;
    tx.signal("device.changed", id)?;
    get(tx, id)
}

/// A device that must exist.
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub fn get(view: &mut View<'_>, id: DeviceId) -> Result<Device> {
    let row =
        devices::table.filter(devices::id.eq(id.to_string())).select(Row::as_select()).get_result(view.conn);
    row.optional()?.ok_or(Error::NotFound("device"))?.open(view)
}

/// Bound devices in use that are not connected and were last seen before `since`, or never.
///
/// # Errors
/// Database errors.
pub fn silent(view: &mut View<'_>, since: Instant) -> Result<Vec<DeviceId>> {
    let bound = schema::bindings::table
        .filter(schema::bindings::to_at.is_null())
        .select(schema::bindings::device_key);
    let ids: Vec<String> = devices::table
        .filter(devices::key.eq_any(bound).and(devices::disabled_at.is_null()))
        .filter(devices::online.eq(false))
        .filter(devices::last_seen_at.is_null().or(devices::last_seen_at.lt(since.micros())))
        .select(devices::id)
        .load(view.conn)?;
    ids.iter().map(|id| parsed(id)).collect()
}

/// Devices that are marked as connected although they may not connect any more.
///
/// # Errors
/// Database errors.
pub fn disabled_online(view: &mut View<'_>) -> Result<Vec<DeviceId>> {
    let ids: Vec<String> = devices::table
        .filter(devices::online.eq(true).and(devices::disabled_at.is_not_null()))
        .select(devices::id)
        .load(view.conn)?;
    ids.iter().map(|id| parsed(id)).collect()
}

/// Tokens that ended although a device that is marked as connected may have come with one.
///
/// # Errors
/// Database errors.
pub fn ended_tokens_online(view: &mut View<'_>) -> Result<Vec<(DeviceId, TokenId)>> {
    let rows: Vec<(String, String)> = device_tokens::table
        .inner_join(devices::table.on(devices::key.eq(device_tokens::device_key)))
        .filter(devices::online.eq(true).and(device_tokens::revoked_at.is_not_null()))
        .select((devices::id, device_tokens::id))
        .load(view.conn)?;
    let read = |(device, token): (String, String)| Ok((parsed(&device)?, parsed_token(&token)?));
    rows.into_iter().map(read).collect()
}

/// The number that stands for a device. Outside of `store` an [`Audience`] gives it.
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub(crate) fn key_of(view: &mut View<'_>, id: DeviceId) -> Result<i64> {
    let row =
        devices::table.filter(devices::id.eq(id.to_string())).select(devices::key).get_result(view.conn);
    row.optional()?.ok_or(Error::NotFound("device"))
}

/// The device for which a number stands.
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub fn id_of(view: &mut View<'_>, key: i64) -> Result<DeviceId> {
    let row: Option<String> =
        devices::table.find(key).select(devices::id).get_result(view.conn).optional()?;
    let id = row.ok_or(Error::NotFound("device"))?;
    id.parse().map_err(|_not_an_id| Error::corrupt("devices.id").in_row(key))
}

fn parsed(id: &str) -> Result<DeviceId> {
    id.parse().map_err(|_not_an_id| Error::corrupt("devices.id").in_row(id))
}

fn parsed_token(id: &str) -> Result<TokenId> {
    id.parse().map_err(|_not_an_id| Error::corrupt("device_tokens.id").in_row(id))
}

/// The rows of the devices of an audience.
fn rows(audience: &Audience) -> devices::BoxedQuery<'static, <Conn as Connection>::Backend> {
    let rows = devices::table.into_boxed();
    match audience.wearing() {
        Some(wearing) => rows.filter(wearing),
        None => rows,
    }
}

/// The devices of an audience in the order in which they came.
///
/// # Errors
/// Database errors.
pub fn page(view: &mut View<'_>, audience: &Audience, ask: &Ask) -> Result<Page<Device>> {
    let Cursor { at, id } = &ask.after;
    let rows: Vec<Row> = rows(audience)
        .filter(devices::created_at.ge(at).and(devices::created_at.gt(at).or(devices::id.gt(id))))
        .order((devices::created_at, devices::id))
        .limit(ask.reach())
        .select(Row::as_select())
        .load(view.conn)?;
    Page::of(rows, ask, |row| Cursor { at: row.created_at, id: row.id.clone() }).try_map(|row| row.open(view))
}

/// How many devices an audience has, counted up to [`crate::db::page::COUNTED`].
///
/// # Errors
/// Database errors.
pub fn count(view: &mut View<'_>, audience: &Audience) -> Result<i64> {
    if audience.is_everybody() {
        return super::db::page::counted(view, "devices");
    }
    let some = rows(audience).select(devices::key).limit(super::db::page::COUNTED + 1);
    let some = some.load::<i64>(view.conn)?;
    Ok(i64::try_from(some.len()).unwrap_or(i64::MAX))
}

/// Where the page of `limit` devices of an audience that ends before `place` begins, as in
/// [`patients::page_before`](super::patients::page_before).
///
/// # Errors
/// Database errors.
pub fn page_before(
    view: &mut View<'_>,
    audience: &Audience,
    place: &Cursor,
    limit: usize,
) -> Result<Option<Cursor>> {
    let Cursor { at, id } = place;
    let before = rows(audience)
        .filter(devices::created_at.le(at).and(devices::created_at.lt(at).or(devices::id.lt(id))))
        .order((devices::created_at.desc(), devices::id.desc()))
        .limit(i64::try_from(limit).unwrap_or(0).saturating_add(1))
        .select((devices::created_at, devices::id))
        .load::<(i64, String)>(view.conn)?;
    Ok(Cursor::beginning(before, limit))
}

/// Ends a device's right to connect, and every token with it.
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub fn disable(tx: &mut Tx<'_>, id: DeviceId) -> Result<()> {
    let (now, key) = (tx.now().micros(), key_of(tx, id)?);
    diesel::update(devices::table.find(key).filter(devices::disabled_at.is_null()))
        .set((devices::disabled_at.eq(Some(now)), devices::version.eq(devices::version + 1)))
        .execute(tx.conn)?;
    let open = device_tokens::device_key.eq(key).and(device_tokens::revoked_at.is_null());
    diesel::update(device_tokens::table.filter(open))
        .set(device_tokens::revoked_at.eq(Some(now)))
        .execute(tx.conn)?;
    withdrawals::note(tx, &Withdrawal::Device { device: id, disabled: true })?;
    changed(tx, "device.disabled", id, key, &serde_json::json!({}))
}

/// Gives a disabled device its right to connect back. Its tokens stay ended: it needs a new one. Enabling twice
/// changes nothing.
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub fn enable(tx: &mut Tx<'_>, id: DeviceId) -> Result<()> {
    let key = key_of(tx, id)?;
    let enabled = diesel::update(devices::table.find(key).filter(devices::disabled_at.is_not_null()))
        .set((devices::disabled_at.eq(None::<i64>), devices::version.eq(devices::version + 1)))
        .execute(tx.conn)?;
    if enabled == 0 {
        tx.unchanged();
        return Ok(());
    }
    withdrawals::note(tx, &Withdrawal::Device { device: id, disabled: false })?;
    changed(tx, "device.enabled", id, key, &serde_json::json!({}))
}

/// Makes the row of a new token; the oldest of three stops counting.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] for a disabled device; database errors.
pub fn issue_token(tx: &mut Tx<'_>, id: DeviceId, expires: Option<Instant>) -> Result<TokenId> {
    lock(tx, id)?;
    let (now, device) = (tx.now(), get(tx, id)?);
    if device.disabled_at.is_some() {
        return Err(Error::Conflict("the device is disabled: enable it first"));
    }
    let valid: Vec<String> = device_tokens::table
        .filter(device_tokens::device_key.eq(device.key).and(device_tokens::revoked_at.is_null()))
        .filter(device_tokens::expires_at.is_null().or(device_tokens::expires_at.gt(now.micros())))
        .order((device_tokens::issued_at.desc(), device_tokens::id.desc()))
        .select(device_tokens::id)
        .load(tx.conn)?;
    let outdated: Vec<&String> = valid.iter().skip(TOKENS - 1).collect();
    diesel::update(device_tokens::table.filter(device_tokens::id.eq_any(&outdated)))
        .set(device_tokens::revoked_at.eq(Some(now.micros())))
        .execute(tx.conn)?;
    for token in &outdated {
        let token = parsed_token(token)?;
        withdrawals::note(tx, &Withdrawal::Token { device: id, token })?;
    }
    let token = TokenId::new(now);
    diesel::insert_into(device_tokens::table)
        .values((
            device_tokens::id.eq(token.to_string()),
            device_tokens::device_key.eq(device.key),
            device_tokens::issued_at.eq(now.micros()),
            device_tokens::expires_at.eq(expires.map(Instant::micros)),
        ))
        .execute(tx.conn)?;
    let body = serde_json::json!({ "issued": token, "revoked": outdated });
    changed(tx, "device.token", id, device.key, &body)?;
    Ok(token)
}

/// Revokes one token: no new session opens with it, and the one that came with it ends.
///
/// # Errors
/// [`Error::NotFound`] when the device has no such token; database errors.
pub fn revoke_token(tx: &mut Tx<'_>, id: DeviceId, token: TokenId) -> Result<()> {
    let (now, key) = (tx.now().micros(), key_of(tx, id)?);
    let target = device_tokens::table.find(token.to_string()).filter(device_tokens::device_key.eq(key));
    let found: Option<Option<i64>> =
        target.clone().select(device_tokens::revoked_at).first(tx.conn).optional()?;
    if found.ok_or(Error::NotFound("token"))?.is_some() {
        tx.unchanged();
        return Ok(());
    }
    diesel::update(target).set(device_tokens::revoked_at.eq(Some(now))).execute(tx.conn)?;
    withdrawals::note(tx, &Withdrawal::Token { device: id, token })?;
    changed(tx, "device.token", id, key, &serde_json::json!({ "revoked": [token] }))
}

/// A token's row: what is known of a token without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Its id.
    pub id: String,
    /// Made.
    pub issued_at: Instant,
    /// Ends by itself.
    pub expires_at: Option<Instant>,
    /// Ended by somebody.
    pub revoked_at: Option<Instant>,
}

/// A device's tokens, the newest first, at most `limit`.
///
/// # Errors
/// Database errors.
pub fn tokens(view: &mut View<'_>, key: i64, limit: i64) -> Result<Vec<TokenRow>> {
    let rows: Vec<(String, i64, Option<i64>, Option<i64>)> = device_tokens::table
        .filter(device_tokens::device_key.eq(key))
        .order((device_tokens::issued_at.desc(), device_tokens::id.desc()))
        .limit(limit)
        .select((
            device_tokens::id,
            device_tokens::issued_at,
            device_tokens::expires_at,
            device_tokens::revoked_at,
        ))
        .load(view.conn)?;
    let row = |(id, issued_at, expires_at, revoked_at): (String, i64, Option<i64>, Option<i64>)| TokenRow {
        id,
        issued_at: Instant::from_micros(issued_at),
        expires_at: expires_at.map(Instant::from_micros),
        revoked_at: revoked_at.map(Instant::from_micros),
    };
    Ok(rows.into_iter().map(row).collect())
}

/// Whether a token that is well signed still counts.
///
/// # Errors
/// Database errors.
pub fn token_is_valid(view: &mut View<'_>, id: DeviceId, token: TokenId, now: Instant) -> Result<bool> {
    let found: Option<String> = device_tokens::table
        .inner_join(devices::table.on(devices::key.eq(device_tokens::device_key)))
        .filter(device_tokens::id.eq(token.to_string()).and(devices::id.eq(id.to_string())))
        .filter(device_tokens::revoked_at.is_null().and(devices::disabled_at.is_null()))
        .filter(device_tokens::expires_at.is_null().or(device_tokens::expires_at.gt(now.micros())))
        .select(device_tokens::id)
        .first(view.conn)
        .optional()?;
    Ok(found.is_some())
}

/// Notes that a device connected to a node; says whether for the first time. Run it with [`super::Store::keep_house`].
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub fn connected(tx: &mut Tx<'_>, id: DeviceId, node: u8) -> Result<bool> {
    let (now, key) = (tx.now().micros(), key_of(tx, id)?);
    let first = diesel::update(devices::table.find(key).filter(devices::first_seen_at.is_null()))
        .set(devices::first_seen_at.eq(Some(now)))
        .execute(tx.conn)?;
    diesel::update(devices::table.find(key))
        .set((
            devices::online.eq(true),
            devices::node.eq(Some(i16::from(node))),
            devices::last_seen_at.eq(Some(now)),
        ))
        .execute(tx.conn)?;
    tx.signal("device.changed", id)?;
    Ok(first == 1)
}

/// Notes that a device disconnected from a node; nothing when it is at another by now. Run it with
/// [`super::Store::keep_house`].
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub fn disconnected(tx: &mut Tx<'_>, id: DeviceId, node: u8) -> Result<()> {
    let key = key_of(tx, id)?;
    let here = devices::table.filter(devices::key.eq(key).and(devices::node.eq(i16::from(node))));
    let changed = diesel::update(here)
        .set((devices::online.eq(false), devices::last_seen_at.eq(Some(tx.now().micros()))))
        .execute(tx.conn)?;
    if changed == 1 { tx.signal("device.changed", id) } else { Ok(()) }
}

/// After a start, no device is connected until it says so. Run it with [`super::Store::keep_house`].
///
/// # Errors
/// Database errors.
pub fn all_offline(tx: &mut Tx<'_>) -> Result<usize> {
    let online = devices::table.filter(devices::online.eq(true));
    Ok(diesel::update(online).set(devices::online.eq(false)).execute(tx.conn)?)
}

/// The device's number, its row held on PostgreSQL: of two changes at once the second sees the first.
pub(crate) fn lock(tx: &mut Tx<'_>, id: DeviceId) -> Result<i64> {
    let row = devices::table.filter(devices::id.eq(id.to_string()));
    let key: Option<i64> = match &mut *tx.conn {
        Conn::Pg(conn) => row.for_no_key_update().select(devices::key).get_result(conn).optional()?,
        Conn::Sqlite(conn) => row.select(devices::key).get_result(conn).optional()?,
    };
    key.ok_or(Error::NotFound("device"))
}

fn changed(
    tx: &mut Tx<'_>,
    kind: &'static str,
    id: DeviceId,
    key: i64,
    body: &serde_json::Value,
) -> Result<()> {
    tx.audit(&Act::new(kind).about(Subject::Device(id)).body(body.clone()))?;
    tx.signal("device.changed", id)?;
    tx.touch(Touched::Device(key));
    Ok(())
}
