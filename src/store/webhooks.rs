//! Other programs that are called: where, and the secret both sides sign with, sealed.

use diesel::prelude::*;

use super::act::Act;
use super::error::{Error, Result};
use super::keys::{Class, Subject};
use super::schema::webhooks;
use super::seal::Place;
use super::tx::{Tx, View};
use crate::domain::Instant;
use crate::domain::id::uuid_at;

/// A program that is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// Where it listens.
    pub url: String,
    /// Since when.
    pub created_at: Instant,
    /// Until when; `None`: it is called.
    pub disabled_at: Option<Instant>,
}

/// Adds a program to be called. Gives its id.
///
/// # Errors
/// Database errors.
pub fn insert(tx: &mut Tx<'_>, url: &str, secret: &str) -> Result<String> {
    let now = tx.now();
    let id = uuid_at(now).to_string();
    let seal = |tx: &mut Tx<'_>, column, text: &str| {
        tx.seal(Subject::System, Class::Identity, Place::new("webhooks", column, &id), text.as_bytes())
    };
    let (sealed_url, sealed_secret) = (seal(tx, "url", url)?, seal(tx, "secret", secret)?);
    diesel::insert_into(webhooks::table)
        .values((
            webhooks::id.eq(&id),
            webhooks::url.eq(sealed_url),
            webhooks::secret.eq(sealed_secret),
            webhooks::created_at.eq(now.micros()),
        ))
        .execute(tx.conn)?;
    tx.audit(&Act::new("admin.config").body(serde_json::json!({ "webhook": id, "did": "added" })))?;
    Ok(id)
}

/// No more calls.
///
/// # Errors
/// [`Error::NotFound`].
pub fn disable(tx: &mut Tx<'_>, id: &str) -> Result<()> {
    let now = tx.now().micros();
    let row = webhooks::table.filter(webhooks::id.eq(id).and(webhooks::disabled_at.is_null()));
    if diesel::update(row).set(webhooks::disabled_at.eq(now)).execute(tx.conn)? == 0 {
        return Err(Error::NotFound("webhook"));
    }
    tx.audit(&Act::new("admin.config").body(serde_json::json!({ "webhook": id, "did": "disabled" })))
}

/// Where a program that is called listens, and its secret; `None`: it is not called any more.
///
/// # Errors
/// Database errors; the key is gone.
pub fn address(view: &mut View<'_>, id: &str) -> Result<Option<(String, String)>> {
    let row: Option<(Vec<u8>, Vec<u8>)> = webhooks::table
        .filter(webhooks::id.eq(id).and(webhooks::disabled_at.is_null()))
        .select((webhooks::url, webhooks::secret))
        .first(view.conn)
        .optional()?;
    let Some((url, secret)) = row else { return Ok(None) };
    Ok(Some((text(view, "url", id, &url)?, text(view, "secret", id, &secret)?)))
}

/// Every program, the newest last.
///
/// # Errors
/// As [`address`].
pub fn all(view: &mut View<'_>) -> Result<Vec<Webhook>> {
    let rows: Vec<(String, Vec<u8>, i64, Option<i64>)> = webhooks::table
        .order(webhooks::id)
        .select((webhooks::id, webhooks::url, webhooks::created_at, webhooks::disabled_at))
        .load(view.conn)?;
    let mut all = Vec::new();
    for (id, url, created_at, disabled_at) in rows {
        let url = text(view, "url", &id, &url)?;
        let disabled_at = disabled_at.map(Instant::from_micros);
        all.push(Webhook { id, url, created_at: Instant::from_micros(created_at), disabled_at });
    }
    Ok(all)
}

fn text(view: &mut View<'_>, column: &str, id: &str, blob: &[u8]) -> Result<String> {
    let plain = view.open(Place::new("webhooks", column, id), blob)?;
    String::from_utf8(plain).map_err(|_shape| Error::Corrupt("webhooks"))
}
