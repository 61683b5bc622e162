//! The last check before a message leaves: which of its messages are still wanted and still permitted. The message goes
//! to the provider right after this transaction commits, and the attempt counts from here: however long other messages
//! took before, nobody takes it for an attempt that never reported.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::time::Duration;

use consent::Verdict;
use diesel::prelude::*;

use super::about::{Cleared, is_house};
use super::attempts::{note, one, write};
use super::{About, Ground, Row, Stored, Topic};
use crate::consents::permits;
use crate::db::conn::held;
use crate::db::error::Result;
use crate::db::schema::messages;
use crate::db::turn;
use crate::db::turn::locks::Lock;
use crate::db::tx::Tx;
use crate::db::tx::act::Act;
use crate::health::lapses;
use crate::messages::webhooks;
use crate::{on_call, patients};
use domain::messages::{Channel, State};
use domain::time::civil::Window;
use domain::{Instant, PatientId};

/// Why a message must not leave: the code, and the ground that was denied.
type Stays = (&'static str, Option<Ground>);

/// The messages of a message that may leave now, in the order of planning. Consents are locked in the order of patients.
/// Messages whose rows somebody holds are skipped, not waited for: two messages could wait for each other, and a message
/// that is being changed is most likely being cancelled.
///
/// # Errors
/// Database errors.
pub fn hand_over(tx: &mut Tx<'_>, claimed: &[Stored]) -> Result<Vec<Cleared>> {
    turn::share(tx)?;
    let whose: BTreeSet<PatientId> =
        claimed.iter().filter_map(|one| one.ground).map(|ground| ground.patient()).collect();
    let keys: Vec<i64> = whose.iter().map(|patient| patients::key_of(tx, *patient)).collect::<Result<_>>()?;
    // Consents before messages: the order of locks.
    permits::lock(tx, &keys)?;
    let mut may: BTreeMap<i64, (&Stored, Option<Verdict>)> = BTreeMap::new();
    for one in claimed {
        if let Ok(permit) = may_leave(tx, one)? {
            may.insert(one.id, (one, permit));
        }
    }
    tx.lock(Lock::Message);
    let ids: Vec<i64> = may.keys().copied().collect();
    let wanted = messages::table
        .filter(messages::id.eq_any(ids).and(messages::state.eq(State::Sending.name())))
        .filter(messages::not_after.gt(tx.now().micros()))
        .order(messages::id);
    let rows = held!(tx, Row, wanted, skip_locked);
    let mut cleared = Vec::with_capacity(rows.len());
    for row in rows {
        let mut stored = row.open()?;
        let Some((claimed, permit)) = may.remove(&stored.id) else { continue };
        if stored.is_under_way(claimed) {
            stored.way.leaves(tx.now());
            write(tx, &stored, None)?;
            if stored.channel == Channel::Webhook && stored.sequence.is_none() {
                stored.sequence = Some(webhooks::count(tx, &stored.recipient)?);
                let row = messages::table.find(stored.id);
                diesel::update(row).set(messages::sequence.eq(stored.sequence)).execute(tx.conn)?;
            }
            cleared.push(Cleared::new(stored, permit));
        }
    }
    Ok(cleared)
}

/// Ends a claimed message that was left out of its message, because of a revocation, an answer, or the end of the case
/// since it was claimed. Returns the code of the reason; `None`: there is none, and the message is left until its
/// attempt is overdue.
///
/// # Errors
/// Database errors.
pub fn suppress(tx: &mut Tx<'_>, claimed: &Stored) -> Result<Option<&'static str>> {
    turn::share(tx)?;
    let stays = may_leave(tx, claimed)?.err();
    let Some(mut stored) = one(tx, claimed.id)?.filter(|stored| stored.is_under_way(claimed)) else {
        return Ok(Some(stays.map_or("not_wanted", |(code, _)| code)));
    };
    let out_of_date = stored.way.not_after <= tx.now();
    let Some((code, denied)) = stays.or(out_of_date.then_some(("not_wanted", None))) else { return Ok(None) };
    (stored.way.state, stored.way.sending_until) = (State::Cancelled, None);
    write(tx, &stored, None)?;
    suppressed(tx, &stored, code, denied)?;
    Ok(Some(code))
}

/// Records in the message's history and in the audit log that it did not leave, and why.
pub(super) fn suppressed(
    tx: &mut Tx<'_>,
    stored: &Stored,
    code: &'static str,
    denied: Option<Ground>,
) -> Result<()> {
    note(tx, stored.id, State::Cancelled.name(), Some(code))?;
    let body = serde_json::json!({
        "message": stored.id, "channel": stored.channel.name(), "recipient": stored.recipient,
        "case": stored.subject, "code": code,
    });
    let act = Act::new("message.suppressed").code(code).body(body);
    tx.audit(&match denied {
        Some(ground) => act.patient(ground.patient()).purpose(ground.purpose().as_str()).decided(false),
        None => act,
    })
}

/// Withdraws messages about the program's own affairs that are no longer true: messages that wait are not sent, and the
/// dashboard stops showing them. It locks these messages last and cannot deadlock with the outbox, which skips rows
/// that are held.
///
/// # Errors
/// Database errors.
pub(crate) fn unsay(tx: &mut Tx<'_>, about: &About<'_>, recipient: &str) -> Result<()> {
    let shown = [State::Accepted, State::Sent, State::Delivered].map(State::name);
    let shown = messages::channel.eq(Channel::InApp.name()).and(messages::state.eq_any(shown));
    let rows = messages::table
        .filter(messages::kind.eq(about.kind).and(messages::subject.eq(about.subject)))
        .filter(messages::recipient.eq(recipient))
        .filter(messages::state.eq(State::Due.name()).or(shown))
        .order(messages::id);
    for row in held!(tx, Row, rows) {
        let gone = messages::table.find(row.id);
        diesel::update(gone).set(messages::state.eq(State::Cancelled.name())).execute(tx.conn)?;
        // The auditor reports rows that cannot be read.
        let Ok(stored) = row.open() else { continue };
        if stored.channel != Channel::InApp {
            suppressed(tx, &stored, "superseded", None)?;
        }
    }
    Ok(())
}

/// The permit under which a message may leave; messages about the program itself need none.
fn may_leave(tx: &mut Tx<'_>, claimed: &Stored) -> Result<std::result::Result<Option<Verdict>, Stays>> {
    if claimed.is_call() && went_away(tx, claimed)? {
        return Ok(Err(("absent", None)));
    }
    Ok(match claimed.ground {
        Some(ground) => match permits::ask_for(tx, ground.patient(), ground.purpose())? {
            Ok(permit) => Ok(Some(permit)),
            Err(denied) => Err((denied.root().0.as_str(), Some(ground))),
        },
        // A report of a lapse is out of date once the lapse is over. The overnight report is not: it tells of lapses
        // that may be over.
        None if claimed.kind == Topic::Engine.name()
            && claimed.template != "lapses_overnight"
            && !lapses::stands(tx, &claimed.subject)? =>
        {
            Err(("not_wanted", None))
        }
        None if HAND_OVERS.contains(&claimed.template.as_str()) && !turn_stands(tx, claimed)? => {
            Err(("not_wanted", None))
        }
        None if is_house(&claimed.kind) => Ok(None),
        None => Err(("no_ground", None)),
    })
}

/// Whether the person called by a message went away while it waited: whoever stands in, or comes next, is called
/// instead. A person who was already away when the call was planned was called because nobody else was there, and stays
/// called.
fn went_away(tx: &mut Tx<'_>, claimed: &Stored) -> Result<bool> {
    match (claimed.channel, claimed.recipient.parse()) {
        (Channel::Email, Ok(user)) => {
            let now = tx.now();
            on_call::absences::left_since(tx, user, claimed.created_at, now)
        }
        _ => Ok(false),
    }
}

/// The templates that tell a person of their shift.
const HAND_OVERS: [&str; 3] = ["handover", "handover_alone", "handover_several"];

/// Whether a message about a person's shift is still true: the schedule may have changed while it waited. A message about
/// several shifts is true while one of them is.
fn turn_stands(tx: &mut Tx<'_>, claimed: &Stored) -> Result<bool> {
    let from = claimed.variables.get("from").and_then(|from| Instant::parse(from.as_str()?));
    let (Ok(user), Some(from)) = (claimed.recipient.parse(), from) else { return Ok(true) };
    let from = from.max(tx.now());
    let at = Window { from, to: from.plus(Duration::from_secs(1)) };
    let several = claimed.variables.get("schedules").and_then(|ids| ids.as_array());
    let several = several.into_iter().flatten().filter_map(|id| id.as_str());
    for schedule in iter::once(claimed.subject.as_str()).chain(several) {
        if on_call::shifts(tx, schedule, at)?.iter().any(|shift| shift.user == user) {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Stored {
    /// Whether this is still the attempt that was claimed.
    fn is_under_way(&self, claimed: &Self) -> bool {
        self.way.state == State::Sending && self.way.attempt == claimed.way.attempt
    }
}
