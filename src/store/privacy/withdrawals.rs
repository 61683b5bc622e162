//! Everything that took power away: a person was blocked, a token ended, a consent was revoked, a key was destroyed.
//! Each is a row written in the transaction of its act, so that a restore from an older snapshot revives nobody's
//! access.

use consent::Purpose;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::db::error::{Error, Result};
use crate::db::schema::withdrawals;
use crate::db::settings;
use crate::{Act, Tx, View};
use domain::id::uuid_at;
use domain::{DeviceId, Instant, PatientId, Role, TokenId, UserId};

/// The setting that stands from a restore until somebody acknowledges it.
pub(super) const UNACKNOWLEDGED: &str = "restore.unacknowledged";
/// The setting that keeps the last head that the newest restore knew to be lost.
pub(super) const LOST: &str = "restore.lost";

/// Who or what lost which power.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what")]
pub enum Withdrawal {
    /// A consent was revoked.
    #[serde(rename = "consent")]
    Consent {
        /// Whose.
        patient: PatientId,
        /// What for.
        purpose: Purpose,
    },
    /// A sign-in was blocked, or allowed again: the latest row for a person holds.
    #[serde(rename = "user")]
    User {
        /// Who.
        user: UserId,
        /// Whether they are blocked now.
        disabled: bool,
    },
    /// Somebody works in another role.
    #[serde(rename = "role")]
    Role {
        /// Who.
        user: UserId,
        /// The role that they have now.
        role: Role,
    },
    /// An older password or second factor counts no more.
    #[serde(rename = "credentials")]
    Credentials {
        /// Whose.
        user: UserId,
    },
    /// A device was disabled with all its tokens, or enabled again: the latest row holds, and the tokens stay ended.
    #[serde(rename = "device")]
    Device {
        /// Which.
        device: DeviceId,
        /// Whether it is disabled now.
        disabled: bool,
    },
    /// A device's token was ended.
    #[serde(rename = "token")]
    Token {
        /// Whose.
        device: DeviceId,
        /// Which.
        token: TokenId,
    },
    /// A device no longer measures its patient.
    #[serde(rename = "binding")]
    Binding {
        /// Which.
        device: DeviceId,
        /// Whose it was; absent in files of before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        patient: Option<PatientId>,
        /// From when on. `at` is when it was withdrawn.
        #[serde(rename = "until")]
        at: Instant,
    },
    /// A webhook is no longer called.
    #[serde(rename = "webhook")]
    Webhook {
        /// Which.
        webhook: String,
    },
    /// The address of a calendar was closed.
    #[serde(rename = "feed")]
    Feed {
        /// Of which schedule.
        schedule: String,
        /// Whose.
        user: UserId,
    },
    /// A key was destroyed, and with it all that it sealed: an erasure.
    #[serde(rename = "key")]
    Key {
        /// Whose, by its stored name.
        subject: String,
        /// Of which class, by its stored number.
        class: i16,
    },
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// Its place among the rows of its database.
    pub seq: i64,
    /// Its own id, the same wherever it is written down.
    pub id: String,
    /// When.
    pub at: Instant,
    /// What.
    #[serde(flatten)]
    pub what: Withdrawal,
}

/// Records a withdrawal in the transaction of its act.
///
/// # Errors
/// Database errors.
pub(crate) fn note(tx: &mut Tx<'_>, what: &Withdrawal) -> Result<()> {
    let json = serde_json::to_string(what).map_err(|_shape| Error::corrupt("a withdrawal"))?;
    let now = tx.now();
    diesel::insert_into(withdrawals::table)
        .values((
            withdrawals::id.eq(uuid_at(now).to_string()),
            withdrawals::at.eq(now.micros()),
            withdrawals::what.eq(json),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// The rows behind place `seq`, at most `limit`, in their order.
///
/// # Errors
/// Database errors; a row that cannot be read.
pub fn after(view: &mut View<'_>, seq: i64, limit: usize) -> Result<Vec<Withdrawn>> {
    let rows: Vec<(i64, String, i64, String)> = withdrawals::table
        .filter(withdrawals::seq.gt(seq))
        .order(withdrawals::seq)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .load(view.conn)?;
    let read = |(seq, id, at, what): (i64, String, i64, String)| {
        let what =
            serde_json::from_str(&what).map_err(|_shape| Error::corrupt("withdrawals.what").in_row(&id))?;
        Ok(Withdrawn { seq, id, at: Instant::from_micros(at), what })
    };
    rows.into_iter().map(read).collect()
}

/// What a restore knew of the time after its snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Believed {
    /// Nothing: it was made without `revocations.log`.
    #[default]
    Nothing,
    /// Lines that nobody sealed, or the rest of a file; whoever restored vouches for them.
    Unproven,
    /// A file that proved itself whole.
    Proven,
}

/// The log entry of a restore.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Restored {
    /// When the snapshot was taken; none when the database was put back by hand.
    pub taken_at: Option<Instant>,
    /// The log's last signed head that is known of, as a checkpoint: what was signed since is lost.
    pub lost: Option<String>,
    /// What was known of the time since.
    pub revocations: Believed,
    /// The head that came back.
    pub came_back: Option<String>,
    /// Withdrawals that were applied again.
    pub replayed: usize,
    /// Withdrawals about things that the snapshot does not contain.
    pub beyond: usize,
}

/// The last head of the log that the newest restore knew to be lost, as a checkpoint: a file that ends before it was
/// replayed with the one that was restored by.
///
/// # Errors
/// Database errors.
pub fn lost(view: &mut View<'_>) -> Result<Option<String>> {
    Ok(settings::get(view, LOST)?.filter(|note| !note.is_empty()))
}

/// When the database was restored, if nobody has acknowledged it.
///
/// # Errors
/// Database errors.
pub fn unacknowledged(view: &mut View<'_>) -> Result<Option<String>> {
    Ok(settings::get(view, UNACKNOWLEDGED)?.filter(|at| !at.is_empty()))
}

/// A named person acknowledges what the restore lost, and why it was made.
///
/// # Errors
/// [`Error::Conflict`] when nothing waits for it; database errors.
pub fn acknowledge(tx: &mut Tx<'_>, name: &str, reason: &str) -> Result<()> {
    let at = unacknowledged(tx)?.ok_or(Error::Conflict("no restore waits to be acknowledged"))?;
    settings::save(tx, UNACKNOWLEDGED, "")?;
    let body = serde_json::json!({ "restored_at": at, "by": name, "reason": reason });
    tx.audit(&Act::new("backup.acknowledged").body(body))
}
