//! Wraps data keys again under the newest epoch of the key-encryption key, some at a time, so that an older epoch can
//! be retired. What they sealed stays as it is: only the wrapping of the keys changes.

use diesel::prelude::*;

use super::seal::Broken;
use crate::db::error::{Error, Result};
use crate::db::schema::{kek_epochs, subject_keys};
use crate::{Act, Tx, View};

/// Keys that one transaction wraps again.
pub(crate) const BATCH: i64 = 200;

/// Wraps up to `BATCH` keys again; says how many. 0: the newest epoch wraps every key that lives.
///
/// # Errors
/// The file of a key's epoch is not here; a row was altered; database errors.
pub fn rewrap(tx: &mut Tx<'_>) -> Result<usize> {
    let newest = tx.keys.keks().newest();
    let rows: Vec<(i64, String, i16, i64, Vec<u8>)> = subject_keys::table
        .filter(subject_keys::epoch.lt(i64::from(newest)).and(subject_keys::destroyed_at.is_null()))
        .order((subject_keys::epoch, subject_keys::id))
        .limit(BATCH)
        .select((
            subject_keys::id,
            subject_keys::subject,
            subject_keys::class,
            subject_keys::epoch,
            subject_keys::wrapped,
        ))
        .load(tx.conn)?;
    let mut done = 0;
    for (id, subject, class, epoch, wrapped) in rows {
        let old = u32::try_from(epoch).map_err(|_range| Error::corrupt("subject_keys.epoch").in_row(id))?;
        let dek = match tx.keys.keks().unwrap(old, &subject, class, &wrapped) {
            Ok(dek) => dek,
            // One altered row holds up no other; its epoch is not retired before somebody has looked.
            Err(error @ Error::Sealed(Broken::Altered, _)) => {
                tracing::error!(row = id, epoch, %error, "subject_keys: this key cannot be unwrapped, the others go on");
                continue;
            }
            Err(error) => return Err(error.of_key(id)),
        };
        let (newer, wrapped) = tx.keys.keks().wrap(&subject, class, &dek)?;
        // A key that was destroyed meanwhile stays destroyed.
        let row = subject_keys::table.find(id);
        let row = row.filter(subject_keys::epoch.eq(epoch).and(subject_keys::destroyed_at.is_null()));
        done += diesel::update(row)
            .set((subject_keys::epoch.eq(i64::from(newer)), subject_keys::wrapped.eq(wrapped)))
            .execute(tx.conn)?;
    }
    if done > 0 {
        tx.audit(&Act::new("key.rotated").body(serde_json::json!({ "epoch": newest, "rewrapped": done })))?;
    }
    Ok(done)
}

/// How many living keys an epoch wraps.
///
/// # Errors
/// Database errors.
pub(crate) fn wrapped_by(view: &mut View<'_>, epoch: u32) -> Result<i64> {
    let living = subject_keys::epoch.eq(i64::from(epoch)).and(subject_keys::destroyed_at.is_null());
    Ok(subject_keys::table.filter(living).count().get_result(view.conn)?)
}

/// Retires an epoch that wraps no key any more: its file is no longer asked for.
///
/// # Errors
/// [`Error::Conflict`] while it wraps keys, or is the newest; [`Error::NotFound`]; database errors.
pub fn retire(tx: &mut Tx<'_>, epoch: u32) -> Result<()> {
    if epoch == tx.keys.keks().newest() {
        return Err(Error::Conflict("the newest epoch wraps new keys: make the next one first"));
    }
    if wrapped_by(tx, epoch)? > 0 {
        return Err(Error::Conflict("the epoch still wraps keys: run `zelo keys rewrap` first"));
    }
    let row = kek_epochs::table.find(i64::from(epoch));
    let set = kek_epochs::retired_at.eq(Some(tx.now().micros()));
    if diesel::update(row).set(set).execute(tx.conn)? == 0 {
        return Err(Error::NotFound("epoch"));
    }
    tx.audit(&Act::new("key.rotated").body(serde_json::json!({ "epoch": epoch, "retired": true })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::kek::Keks;
    use crate::testing::{NOW, stores};
    use crate::{Actor, Class, Place, Store, Subject};

    #[test]
    fn keys_are_wrapped_again_in_bounded_batches_and_only_then_is_their_epoch_retired() {
        for store in stores() {
            let keys = store.dir().join("keys");
            let place = Place::new("t", "c", "r");
            let who: Vec<Subject> = (0..450).map(|_| Subject::User(domain::UserId::new(NOW))).collect();
            let sealed = store
                .keep_house(crate::Urgency::Patient, "test", NOW, |tx| {
                    for one in &who {
                        tx.key_or_new(*one, Class::Clinical)?;
                    }
                    tx.seal(who[0], Class::Clinical, place, b"72")
                })
                .unwrap();
            Keks::generate(&keys, 2).unwrap();
            let newer = Store::open(store.url(), Keks::load(&keys).unwrap()).unwrap();
            let early = newer.write(Actor::Operator, NOW, |tx| retire(tx, 1)).unwrap_err();
            assert!(matches!(early, Error::Conflict(_)), "{early}");
            let mut total = 0;
            loop {
                let done = newer.write(Actor::Operator, NOW, |tx| {
                    tx.unchanged();
                    rewrap(tx)
                });
                let done = done.unwrap();
                assert!(done <= 200);
                total += done;
                if done == 0 {
                    break;
                }
            }
            assert!(total >= 450, "{total}");
            assert_eq!(newer.read(|view| wrapped_by(view, 1)).unwrap(), 0);
            newer.write(Actor::Operator, NOW, |tx| retire(tx, 1)).unwrap();
            assert!(newer.write(Actor::Operator, NOW, |tx| retire(tx, 2)).is_err());
            std::fs::remove_file(keys.join("kek-1.key")).unwrap();
            let without = Store::open(store.url(), Keks::load(&keys).unwrap()).unwrap();
            assert_eq!(without.read(|view| view.open(place, &sealed)).unwrap(), b"72");
        }
    }
}
