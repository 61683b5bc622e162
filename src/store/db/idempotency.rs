//! Answers to creating calls, kept sealed for a day so that a repeated call gets the same answer
//! (draft-ietf-httpapi-idempotency-key-header).

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::Text;
use ring::digest;

use super::error::{Error, Result};
use super::prune::oldest;
use super::schema::idempotent_answers as answers;
use crate::keys::seal::{Broken, Place};
use crate::keys::{Class, Subject};
use crate::{Conn, Tx, View};

/// How long an answer is kept.
pub(crate) const KEPT: Duration = Duration::from_secs(24 * 3_600);

/// One call, as its repetition would look.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Who calls ([`crate::Actor::name`]).
    pub actor: &'a str,
    /// Method and path.
    pub route: &'a str,
    /// The `Idempotency-Key`.
    pub key: &'a str,
    /// The body's bytes.
    pub body: &'a [u8],
}

impl Call<'_> {
    fn row(&self) -> String {
        format!("{}\n{}\n{}", self.actor, self.route, self.key)
    }

    /// Keyed, since callers put into a key whatever they like.
    fn index(&self, view: &mut View<'_>) -> Result<String> {
        Ok(hex::encode(view.blind("idempotent_answers.key", self.key)?))
    }

    /// Keyed, since a body can be guessed.
    fn fingerprint(&self, view: &mut View<'_>) -> Result<Vec<u8>> {
        let hash = digest::digest(&digest::SHA256, self.body);
        view.blind("idempotent_answers.request", &hex::encode(hash))
    }
}

/// A kept answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body's bytes.
    pub body: Vec<u8>,
}

/// The answer this call got before, if any.
///
/// # Errors
/// `E_IDEMPOTENCY` when the key came with another body; database errors.
pub fn find(view: &mut View<'_>, call: &Call<'_>) -> Result<Option<Answer>> {
    let index = call.index(view)?;
    let row: Option<(Vec<u8>, i16, Vec<u8>)> = answers::table
        .find((call.actor, call.route, &index))
        .select((answers::request, answers::status, answers::answer))
        .get_result(view.conn)
        .optional()?;
    let Some((request, status, sealed)) = row else { return Ok(None) };
    if request != call.fingerprint(view)? {
        return Err(Error::Refused {
            code: "E_IDEMPOTENCY",
            what: "the Idempotency-Key was used with another body: use a fresh key for another request",
        });
    }
    let place = call.row();
    match view.open(Place::new("idempotent_answers", "answer", &place), &sealed) {
        Ok(body) => {
            let status = u16::try_from(status)
                .map_err(|_range| Error::corrupt("idempotent_answers.status").in_row(&index))?;
            Ok(Some(Answer { status, body }))
        }
        Err(Error::Sealed(Broken::KeyDestroyed, _)) => Err(Error::NotFound("record")),
        // The place holds the key as the caller chose it, which is not shown; the row's own key is keyed.
        Err(other) => Err(other.in_row(index)),
    }
}

/// Begins to carry out a call: the same call elsewhere, at any node, waits until this transaction ends. Returns the
/// answer stored meanwhile, if any. Ask first, before any other lock.
///
/// # Errors
/// As [`find`]; the wait for a call under way has an end, and then it may be tried again.
pub fn begin(tx: &mut Tx<'_>, call: &Call<'_>) -> Result<Option<Answer>> {
    let row = format!("{}\n{}\n{}", call.actor, call.route, call.index(tx)?);
    // On SQLite there is one writer.
    if let Conn::Pg(conn) = &mut *tx.conn {
        let lock =
            "SELECT pg_advisory_xact_lock(hashtext('zelo.answers ' || current_schema()), hashtext($1))";
        diesel::sql_query(lock).bind::<Text, _>(row).execute(conn)?;
    }
    find(tx, call)
}

/// Keeps the answer of the call that this transaction carries out, under the key of whom it concerns.
///
/// # Errors
/// Database errors.
pub fn insert(tx: &mut Tx<'_>, call: &Call<'_>, about: Subject, answer: &Answer) -> Result<()> {
    let place = call.row();
    let place = Place::new("idempotent_answers", "answer", &place);
    let sealed = tx.seal(about, Class::Identity, place, &answer.body)?;
    let (request, index) = (call.fingerprint(tx)?, call.index(tx)?);
    diesel::insert_into(answers::table)
        .values((
            answers::actor.eq(call.actor),
            answers::route.eq(call.route),
            answers::idempotency_key.eq(index),
            answers::request.eq(request),
            answers::status.eq(i16::try_from(answer.status).map_err(|_range| Error::corrupt("a status"))?),
            answers::answer.eq(sealed),
            answers::at.eq(tx.now().micros()),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Forgets answers older than a day.
///
/// # Errors
/// Database errors.
pub fn prune(tx: &mut Tx<'_>) -> Result<usize> {
    let before = tx.now().minus(KEPT).micros();
    Ok(oldest!(tx, answers, answers::at.lt(before), answers::at))
}
