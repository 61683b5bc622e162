//! The life of a message from due to sent: claiming it for an attempt, recording the answer, receipts that come later,
//! and replays that a receiver asks for.

use std::collections::BTreeMap;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::webhooks;
use super::{Row, Stored, facts, record_event};
use crate::db::conn::{held, literally};
use crate::db::error::Result;
use crate::db::schema::{message_events, messages};
use crate::db::turn::locks::Lock;
use crate::db::tx::act::Act;
use crate::db::tx::{Tx, View};
use domain::Instant;
use domain::messages::{Attempt, Channel, Receipt, State};

/// How long a replayed message is worth sending.
const REPLAY_LASTS: Duration = Duration::from_secs(24 * 3_600);
/// The code of a program that wants no more calls (RFC 9110 §15.5.11).
const GONE: &str = "http_410";
/// The most messages that one replay makes due again.
pub(crate) const REPLAYED: i64 = 500;

/// Whether anything on a channel is due, to anybody or to one recipient, looked up without taking the turn to write.
///
/// # Errors
/// Database errors.
pub fn any_due(view: &mut View<'_>, channel: Channel, to: Option<&str>, now: Instant) -> Result<bool> {
    let due = messages::table
        .filter(messages::channel.eq(channel.name()).and(messages::state.eq(State::Due.name())))
        .filter(messages::due_at.le(now.micros()).and(messages::spoiled.is_null()))
        .select(messages::id);
    let first: Option<i64> = match to {
        Some(to) => due.filter(messages::recipient.eq(to)).first(view.conn).optional()?,
        None => due.first(view.conn).optional()?,
    };
    Ok(first.is_some())
}

/// Whether an attempt never reported.
///
/// # Errors
/// Database errors.
pub fn any_overdue(view: &mut View<'_>, now: Instant) -> Result<bool> {
    let first: Option<i64> = messages::table
        .filter(messages::state.eq(State::Sending.name()).and(messages::sending_until.le(now.micros())))
        .select(messages::id)
        .first(view.conn)
        .optional()?;
    Ok(first.is_some())
}

/// A recipient with something due.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Waiting {
    /// A user's id, or a webhook's.
    #[diesel(sql_type = Text)]
    pub recipient: String,
}

/// Recipients with something due on a channel, the most urgent first: pages, then anything else about a case, then the
/// rest, last the program's reports about itself. Among equals, the oldest message first.
///
/// # Errors
/// Database errors.
pub fn waiting(view: &mut View<'_>, channel: Channel, now: Instant, limit: i64) -> Result<Vec<Waiting>> {
    let sql = format!(
        "SELECT recipient FROM messages \
         WHERE channel = '{}' AND state = 'due' AND spoiled IS NULL AND due_at <= {} GROUP BY recipient \
         ORDER BY MIN(CASE WHEN template IN {PAGES} THEN 0 WHEN kind = 'alert' THEN 1 WHEN kind = 'engine' THEN 3 \
         ELSE 2 END), MIN(created_at) LIMIT {limit}",
        channel.name(),
        now.micros(),
    );
    Ok(diesel::sql_query(sql).load(view.conn)?)
}

/// The templates that call somebody, as SQL.
const PAGES: &str = "('page', 'page_repeat', 'nobody_reached')";

/// Claims a person's due messages about cases for one attempt as one mail, in the order of planning. Messages that
/// failed and wait for their next attempt go along.
///
/// # Errors
/// Database errors.
pub fn claim_cases(tx: &mut Tx<'_>, channel: Channel, to: &str, limit: i64) -> Result<Vec<Stored>> {
    let now = tx.now();
    // Spelled like the partial index: bound values would hide it from the planner.
    let of_cases = || {
        messages::table.filter(messages::recipient.eq(to).and(messages::channel.eq(channel.name()))).filter(
            literally("messages.state = 'due' AND messages.spoiled IS NULL AND messages.kind = 'alert'"),
        )
    };
    let first: Option<i64> = of_cases()
        .filter(messages::due_at.le(now.micros()))
        .select(messages::id)
        .first(tx.conn)
        .optional()?;
    if first.is_none() {
        return Ok(Vec::new());
    }
    let ripe = messages::due_at.le(now.micros()).or(messages::attempt.gt(0));
    let rows = held!(tx, Row, of_cases().filter(ripe).order(messages::id).limit(limit), skip_locked);
    take(tx, rows)
}

/// Claims due messages of a channel, to anybody or to one recipient, for an attempt each. No other node gets them until
/// their answer is overdue. Messages that are out of date end here.
///
/// # Errors
/// Database errors.
pub fn claim(tx: &mut Tx<'_>, channel: Channel, to: Option<&str>, limit: i64) -> Result<Vec<Stored>> {
    let now = tx.now();
    let due = messages::table
        .filter(messages::channel.eq(channel.name()).and(messages::due_at.le(now.micros())))
        .filter(literally("messages.state = 'due' AND messages.spoiled IS NULL"))
        .order((messages::due_at, messages::id))
        .limit(limit);
    let rows = match to {
        Some(to) => held!(tx, Row, due.filter(messages::recipient.eq(to)), skip_locked),
        None => held!(tx, Row, due, skip_locked),
    };
    take(tx, rows)
}

fn take(tx: &mut Tx<'_>, rows: Vec<Row>) -> Result<Vec<Stored>> {
    let now = tx.now();
    let mut claimed = Vec::new();
    for row in rows {
        let id = row.id;
        let Ok(mut stored) = row.open() else {
            spoil(tx, id, "the row cannot be read")?;
            continue;
        };
        stored.way.due_at = stored.way.due_at.min(now);
        let taken = stored.way.claim(now).is_some();
        write(tx, &stored, None)?;
        if taken {
            claimed.push(stored);
        } else {
            note(tx, id, "failed", Some("out_of_date"))?;
            facts::moved(tx, &stored, false, "out_of_date");
        }
    }
    Ok(claimed)
}

/// A provider's answer to an attempt.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// What became of it.
    pub attempt: Attempt,
    /// The provider's code.
    pub code: &'a str,
    /// The provider's name for it.
    pub provider_id: Option<&'a str>,
    /// The key of the message in which it left; `None`: its own.
    pub mail: Option<&'a str>,
}

impl<'a> Answer<'a> {
    /// An answer about one message, without a name for it.
    #[must_use]
    pub const fn new(attempt: Attempt, code: &'a str) -> Self {
        Self { attempt, code, provider_id: None, mail: None }
    }
}

/// Records the answer to an attempt; an answer to an older attempt changes nothing. `wait` is the time until the next
/// attempt when the provider names none.
///
/// # Errors
/// Database errors.
pub fn attempted(
    tx: &mut Tx<'_>,
    claimed: &Stored,
    answer: &Answer<'_>,
    wait: Option<Duration>,
) -> Result<()> {
    match one(tx, claimed.id)? {
        Some(stored) => answered(tx, stored, claimed, answer, wait),
        None => Ok(()),
    }
}

/// As [`attempted`], for all messages that left in one mail. Waits for no row, and returns the messages whose rows
/// somebody else holds. `wait` is called for each message.
///
/// # Errors
/// Database errors.
pub fn attempted_together<'a>(
    tx: &mut Tx<'_>,
    claimed: &'a [Stored],
    answer: &Answer<'_>,
    wait: impl Fn(&Stored) -> Option<Duration>,
) -> Result<Vec<&'a Stored>> {
    tx.lock(Lock::Message);
    let ids: Vec<i64> = claimed.iter().map(|one| one.id).collect();
    let free = messages::table.filter(messages::id.eq_any(ids)).order(messages::id);
    let mut left: BTreeMap<i64, &Stored> = claimed.iter().map(|one| (one.id, one)).collect();
    for row in held!(tx, Row, free, skip_locked) {
        let stored = row.open()?;
        let Some(claimed) = left.remove(&stored.id) else { continue };
        answered(tx, stored, claimed, answer, wait(claimed))?;
    }
    Ok(left.into_values().collect())
}

fn answered(
    tx: &mut Tx<'_>,
    mut stored: Stored,
    claimed: &Stored,
    Answer { attempt, code, provider_id, mail }: &Answer<'_>,
    wait: Option<Duration>,
) -> Result<()> {
    let (now, before) = (tx.now(), stored.way);
    stored.way.attempted(claimed.way.attempt, *attempt, now, wait);
    if stored.way == before {
        return Ok(());
    }
    let first = stored.accepted_at.is_none();
    if stored.way.state == State::Accepted {
        stored.accepted_at = Some(now);
    }
    write(tx, &stored, *provider_id)?;
    if let (State::Accepted, Some(mail)) = (stored.way.state, mail.filter(|mail| *mail != stored.key)) {
        diesel::update(messages::table.find(stored.id)).set(messages::letter.eq(mail)).execute(tx.conn)?;
    }
    note(tx, stored.id, stored.way.state.name(), Some(code))?;
    facts::moved(tx, &stored, first, code);
    if stored.channel == Channel::Webhook && *code == GONE {
        webhooks::gone(tx, &stored.recipient)?;
    } else if stored.channel == Channel::Webhook && stored.way.state == State::Failed {
        webhooks::refuses(tx, &stored.recipient)?;
    }
    let kind = match stored.way.state {
        State::Accepted => "message.sent",
        State::Failed => "message.failed",
        _ => return Ok(()),
    };
    record_event(tx, &stored, kind, code)
}

/// Ends attempts that never reported: a page is tried again, anything else ends.
///
/// # Errors
/// Database errors.
pub fn overdue(tx: &mut Tx<'_>, limit: i64) -> Result<usize> {
    let now = tx.now();
    let late = messages::table
        .filter(messages::state.eq(State::Sending.name()).and(messages::sending_until.le(now.micros())))
        .order(messages::sending_until)
        .limit(limit);
    let rows = held!(tx, Row, late, skip_locked);
    let count = rows.len();
    for row in rows {
        let id = row.id;
        let Ok(mut stored) = row.open() else {
            spoil(tx, id, "the row cannot be read")?;
            continue;
        };
        stored.way.overdue(now);
        write(tx, &stored, None)?;
        note(tx, id, stored.way.state.name(), Some("no_answer"))?;
        facts::moved(tx, &stored, false, "no_answer");
    }
    Ok(count)
}

/// Records a receipt for the message with this key; receipts only move a message forward. Returns whether it changed
/// anything.
///
/// # Errors
/// Database errors.
pub fn receipt(tx: &mut Tx<'_>, key: &str, receipt: Receipt) -> Result<bool> {
    match by_key(tx, key)? {
        Some(stored) => received(tx, stored, receipt, None),
        None => Ok(false),
    }
}

/// Separates the key of a message's first message from the hash of its messages; no message's key contains it.
const SEVERAL: char = '\n';

/// The key of a mail of several messages: that of the first, and a number that only this set has.
#[must_use]
pub fn of_several(first: &str, which: u64) -> String {
    format!("{first}{SEVERAL}{which:016x}")
}

/// Records a mailed report on the message with this key, for every message in it. Returns the first message if the
/// report is new; the same report may be read again, also by another node.
///
/// # Errors
/// Database errors.
pub fn reported(tx: &mut Tx<'_>, key: &str, receipt: Receipt) -> Result<Option<Stored>> {
    let first = key.split_once(SEVERAL).map_or(key, |(first, _which)| first);
    let Some(first) = by_key(tx, first)? else { return Ok(None) };
    let code = if receipt == Receipt::Undeliverable { "bounced" } else { "reported" };
    let heard: i64 = message_events::table
        .filter(message_events::message_id.eq(first.id).and(message_events::code.eq(code)))
        .count()
        .get_result(tx.conn)?;
    if heard > 0 {
        return Ok(None);
    }
    let beside = messages::table.filter(messages::letter.eq(key)).order(messages::id);
    let mut all = vec![first.clone()];
    for row in held!(tx, Row, beside) {
        all.push(row.open()?);
    }
    for stored in all {
        if !received(tx, stored.clone(), receipt, Some(code))? {
            note(tx, stored.id, stored.way.state.name(), Some(code))?;
        }
    }
    Ok(Some(first))
}

/// Makes messages planned for a recipient after a cursor due again, under the same keys, at most `REPLAYED` at once.
/// Messages in flight arrive regardless; cancelled ones, and those whose rows somebody holds, are not replayed. Returns
/// how many, and the cursor to go on from if there are more.
///
/// # Errors
/// Database errors.
pub fn replay(tx: &mut Tx<'_>, channel: Channel, to: &str, after: i64) -> Result<(usize, Option<i64>)> {
    let now = tx.now();
    let since = messages::table
        .filter(messages::recipient.eq(to).and(messages::channel.eq(channel.name())))
        .filter(messages::id.gt(after))
        .order(messages::id)
        .limit(REPLAYED + 1);
    let mut rows = held!(tx, Row, since, skip_locked);
    let more = i64::try_from(rows.len()).is_ok_and(|n| n > REPLAYED);
    if more {
        rows.pop();
    }
    let next = rows.last().map(|row| row.id).filter(|_| more);
    let mut count = 0;
    for row in rows {
        // The auditor reports rows that cannot be read.
        let Ok(mut stored) = row.open() else { continue };
        if stored.way.again(now, now.plus(REPLAY_LASTS)) {
            write(tx, &stored, None)?;
            note(tx, stored.id, State::Due.name(), Some("replay"))?;
            count += 1;
        }
    }
    Ok((count, next))
}

fn received(tx: &mut Tx<'_>, mut stored: Stored, receipt: Receipt, code: Option<&str>) -> Result<bool> {
    let changed = stored.way.receipt(receipt);
    if changed {
        write(tx, &stored, None)?;
        note(tx, stored.id, stored.way.state.name(), code)?;
        facts::moved(tx, &stored, false, code.unwrap_or("undeliverable"));
        if let (State::Failed, Some(code)) = (stored.way.state, code) {
            record_event(tx, &stored, "message.failed", code)?;
        }
        tx.signal("message.changed", &stored.recipient)?;
    }
    Ok(changed)
}

/// The message with a key, locked until the transaction ends.
///
/// # Errors
/// Database errors.
pub(crate) fn by_key(tx: &mut Tx<'_>, key: &str) -> Result<Option<Stored>> {
    let row = messages::table.filter(messages::key.eq(key));
    held!(tx, Row, row).into_iter().next().map(Row::open).transpose()
}

pub(super) fn one(tx: &mut Tx<'_>, id: i64) -> Result<Option<Stored>> {
    tx.lock(Lock::Message);
    let row = messages::table.filter(messages::id.eq(id));
    held!(tx, Row, row).into_iter().next().map(Row::open).transpose()
}

/// Sets aside a row that cannot be processed.
fn spoil(tx: &mut Tx<'_>, id: i64, why: &str) -> Result<()> {
    diesel::update(messages::table.find(id)).set(messages::spoiled.eq(why)).execute(tx.conn)?;
    let body = serde_json::json!({ "table": "messages", "row": id, "why": why });
    tx.audit(&Act::new("engine.quarantined").body(body))
}

pub(super) fn write(tx: &mut Tx<'_>, stored: &Stored, provider_id: Option<&str>) -> Result<()> {
    let way = stored.way;
    diesel::update(messages::table.find(stored.id))
        .set((
            messages::state.eq(way.state.name()),
            messages::due_at.eq(way.due_at.micros()),
            messages::not_after.eq(way.not_after.micros()),
            messages::attempt.eq(i64::from(way.attempt)),
            messages::sending_until.eq(way.sending_until.map(Instant::micros)),
            messages::accepted_at.eq(stored.accepted_at.map(Instant::micros)),
        ))
        .execute(tx.conn)?;
    if let Some(provider_id) = provider_id {
        diesel::update(messages::table.find(stored.id))
            .set(messages::provider_id.eq(provider_id))
            .execute(tx.conn)?;
    }
    Ok(())
}

pub(super) fn note(tx: &mut Tx<'_>, id: i64, what: &str, code: Option<&str>) -> Result<()> {
    diesel::insert_into(message_events::table)
        .values((
            message_events::message_id.eq(id),
            message_events::at.eq(tx.now().micros()),
            message_events::what.eq(what),
            message_events::code.eq(code),
        ))
        .execute(tx.conn)?;
    Ok(())
}
