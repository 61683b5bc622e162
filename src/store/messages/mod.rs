//! Messages to people and programs: planned in the transaction that needs them, claimed by one node at a time, moved
//! forward by what providers answer. A key is sent once, however often it is planned.

mod about;
mod attempts;
mod cancel;
mod facts;
mod hand_over;
pub mod reader;
pub mod seen;
mod templates;
pub mod timeline;
mod trial;
pub mod webhooks;

use std::collections::BTreeSet;

use diesel::prelude::*;
use serde_json::Value;

use super::db::conn::{held, insert_all, literally, on};
use super::db::error::InRow;
use super::db::error::{Error, Result};
use super::db::schema::{message_events, messages};
use super::db::tx::act::Act;
use super::db::tx::{Tx, View};
use super::versions;
use domain::messages::{Channel, Class, Message, State};
use domain::{Instant, UserId};

pub use about::{ALERT, About, Cleared, Ground, Topic};
pub(crate) use attempts::by_key;
pub use attempts::{
    Answer, Waiting, any_due, any_overdue, attempted, attempted_together, claim, claim_cases, of_several,
    overdue, receipt, replay, reported, waiting,
};
pub use cancel::{cancel, let_go};
pub(crate) use hand_over::unsay;
pub use hand_over::{hand_over, suppress};
pub use trial::{TRIAL, TRIAL_LINK, next_trial, trials, try_out};

/// How long a page is worth sending; an answer cancels it earlier.
pub const PAGE_LASTS: std::time::Duration = std::time::Duration::from_secs(24 * 3_600);

/// The templates of a call.
const PAGES: [&str; 3] = ["page", "page_repeat", "nobody_reached"];

/// A message to be planned.
#[derive(Debug, Clone)]
pub struct New<'a> {
    /// The key: a message with a key that is there already is not planned again. As in
    /// `esc:{run}:{fence}:{user}:{channel}`.
    pub key: String,
    /// What it is for.
    pub class: Class,
    /// By which way.
    pub channel: Channel,
    /// A user's id, or a webhook's.
    pub recipient: String,
    /// What it says, by the template's lasting id.
    pub template: &'a str,
    /// What the template's variables stand for. Nothing personal: it is stored in clear.
    pub variables: Value,
    /// What it is about, and on what ground it goes out.
    pub about: About<'a>,
    /// When it is due.
    pub due_at: Instant,
    /// Not sent after this instant.
    pub not_after: Instant,
}

/// A message as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Counts up in the order of planning: the cursor of a replay.
    pub id: i64,
    /// See [`New::key`].
    pub key: String,
    /// Its way so far.
    pub way: Message,
    /// By which way.
    pub channel: Channel,
    /// A user's id, or a webhook's.
    pub recipient: String,
    /// The template.
    pub template: String,
    /// The template's version when it was planned; 0: there was none.
    pub template_version: u32,
    /// What the template's variables stand for.
    pub variables: Value,
    /// The kind of case it is about.
    pub kind: String,
    /// The case's id.
    pub subject: String,
    /// On what ground it was planned; `None`: it is about the house itself.
    pub ground: Option<Ground>,
    /// When it was planned.
    pub created_at: Instant,
    /// When a provider took it.
    pub accepted_at: Option<Instant>,
    /// For a webhook: the number of this call to its program, once it first left.
    pub sequence: Option<i64>,
}

impl Stored {
    /// Whether it calls somebody, as the next step of an escalation.
    #[must_use]
    pub fn is_call(&self) -> bool {
        PAGES.contains(&self.template.as_str())
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = messages)]
struct Row {
    id: i64,
    key: String,
    class: String,
    channel: String,
    recipient: String,
    template: String,
    template_version: i64,
    variables: String,
    kind: String,
    subject: String,
    state: String,
    created_at: i64,
    due_at: i64,
    not_after: i64,
    attempt: i64,
    sending_until: Option<i64>,
    accepted_at: Option<i64>,
    patient_id: Option<String>,
    purpose: Option<String>,
    sequence: Option<i64>,
}

impl Row {
    fn open(self) -> Result<Stored> {
        let id = self.id;
        self.parse().in_row(id)
    }

    fn parse(self) -> Result<Stored> {
        let corrupt = |what| move || Error::corrupt(what);
        let class = serde_json::from_value(Value::String(self.class));
        let ground = match (self.patient_id, self.purpose) {
            (Some(patient), Some(purpose)) => Some(Ground::stored(
                patient.parse().map_err(|_not_an_id| Error::corrupt("messages.patient_id"))?,
                consent::Purpose::parse(&purpose).ok_or_else(corrupt("messages.purpose"))?,
            )),
            _ => None,
        };
        Ok(Stored {
            id: self.id,
            key: self.key,
            way: Message {
                class: class.map_err(|_shape| Error::corrupt("messages.class"))?,
                state: State::from_name(&self.state).ok_or_else(corrupt("messages.state"))?,
                due_at: Instant::from_micros(self.due_at),
                not_after: Instant::from_micros(self.not_after),
                attempt: u32::try_from(self.attempt).map_err(|_range| Error::corrupt("messages.attempt"))?,
                sending_until: self.sending_until.map(Instant::from_micros),
            },
            channel: Channel::from_name(&self.channel).ok_or_else(corrupt("messages.channel"))?,
            recipient: self.recipient,
            template: self.template,
            template_version: u32::try_from(self.template_version).unwrap_or(0),
            variables: serde_json::from_str(&self.variables)
                .map_err(|_shape| Error::corrupt("messages.variables"))?,
            kind: self.kind,
            subject: self.subject,
            ground,
            created_at: Instant::from_micros(self.created_at),
            accepted_at: self.accepted_at.map(Instant::from_micros),
            sequence: self.sequence,
        })
    }
}

#[derive(Insertable)]
#[diesel(table_name = messages)]
struct Planned<'a> {
    key: String,
    class: String,
    channel: &'static str,
    recipient: String,
    template: &'a str,
    template_version: i64,
    variables: String,
    kind: &'a str,
    subject: &'a str,
    state: &'static str,
    accepted_at: Option<i64>,
    created_at: i64,
    due_at: i64,
    not_after: i64,
    attempt: i64,
    patient_id: Option<String>,
    purpose: Option<&'static str>,
}

impl<'a> Planned<'a> {
    /// A message that is due on the dashboard counts as accepted at once: the dashboard reads from this store.
    fn of(new: New<'a>, version: i64, now: Instant) -> Result<Self> {
        let class = serde_json::to_value(new.class).map_err(|_shape| Error::corrupt("a message's class"))?;
        let there = new.channel == Channel::InApp && new.due_at <= now;
        Ok(Self {
            key: new.key,
            class: class.as_str().unwrap_or_default().to_owned(),
            channel: new.channel.name(),
            recipient: new.recipient,
            template: new.template,
            template_version: version,
            variables: new.variables.to_string(),
            kind: new.about.kind,
            subject: new.about.subject,
            state: if there { State::Accepted } else { State::Due }.name(),
            accepted_at: there.then_some(now.micros()),
            created_at: now.micros(),
            due_at: new.due_at.micros(),
            not_after: new.not_after.micros(),
            attempt: 0,
            patient_id: new.about.ground.map(|ground| ground.patient().to_string()),
            purpose: new.about.ground.map(|ground| ground.purpose().as_str()),
        })
    }

    /// Signals the recipient's page once, however many messages this commit plans.
    fn tell(&self, tx: &mut Tx<'_>) -> Result<()> {
        let already = |signal: &(&str, String)| signal.0 == "message.changed" && signal.1 == self.recipient;
        if self.accepted_at.is_none() || tx.pending.iter().any(already) {
            return Ok(());
        }
        tx.signal("message.changed", &self.recipient)
    }
}

/// Plans a message, unless one with its key is there. Returns whether it did.
///
/// # Errors
/// Database errors.
pub fn plan(tx: &mut Tx<'_>, new: &New<'_>) -> Result<bool> {
    let version = versions::newest_in_force(tx, "template", new.template)?;
    let planned = Planned::of(new.clone(), version, tx.now())?;
    let row = diesel::insert_into(messages::table).values(&planned);
    let fresh = on!(&mut *tx.conn, |c| row.on_conflict_do_nothing().execute(c))? == 1;
    if fresh {
        planned.tell(tx)?;
    }
    Ok(fresh)
}

/// Whether a person was called about a case.
///
/// # Errors
/// Database errors.
pub(crate) fn reached(view: &mut View<'_>, kind: &str, subject: &str, user: UserId) -> Result<bool> {
    let called: Option<i64> = messages::table
        .filter(messages::kind.eq(kind).and(messages::subject.eq(subject)))
        .filter(messages::recipient.eq(user.to_string()))
        .select(messages::id)
        .first(view.conn)
        .optional()?;
    Ok(called.is_some())
}

/// A person's unread pages on the dashboard that still matter, oldest first.
///
/// # Errors
/// Database errors.
pub fn unread(view: &mut View<'_>, user: UserId, limit: i64) -> Result<Vec<Stored>> {
    // Spelled like the partial index: bound values would hide it from the planner.
    let open = "messages.channel = 'in_app' AND messages.state IN ('accepted', 'sent', 'delivered')";
    let rows = messages::table
        .filter(messages::recipient.eq(user.to_string()))
        .filter(literally(open))
        .order(messages::id)
        .limit(limit)
        .select(Row::as_select())
        .load(view.conn)?;
    rows.into_iter().map(Row::open).collect()
}

/// The messages about a case, in the order of planning.
///
/// # Errors
/// Database errors.
pub fn of_case(view: &mut View<'_>, kind: &str, subject: &str) -> Result<Vec<Stored>> {
    let rows = messages::table
        .filter(messages::kind.eq(kind).and(messages::subject.eq(subject)))
        .order(messages::id)
        .select(Row::as_select())
        .load(view.conn)?;
    rows.into_iter().map(Row::open).collect()
}

/// Messages planned for a recipient on a channel after a cursor: what a receiver that was away asks for.
///
/// # Errors
/// Database errors.
pub fn after(
    view: &mut View<'_>,
    channel: Channel,
    recipient: &str,
    cursor: i64,
    limit: i64,
) -> Result<Vec<Stored>> {
    let rows = messages::table
        .filter(messages::recipient.eq(recipient).and(messages::channel.eq(channel.name())))
        .filter(messages::id.gt(cursor))
        .order(messages::id)
        .limit(limit)
        .select(Row::as_select())
        .load(view.conn)?;
    rows.into_iter().map(Row::open).collect()
}

/// The latest messages planned for a recipient on a channel, the newest first.
///
/// # Errors
/// Database errors.
pub fn newest(view: &mut View<'_>, channel: Channel, recipient: &str, limit: i64) -> Result<Vec<Stored>> {
    let rows = messages::table
        .filter(messages::recipient.eq(recipient).and(messages::channel.eq(channel.name())))
        .order(messages::id.desc())
        .limit(limit)
        .select(Row::as_select())
        .load(view.conn)?;
    rows.into_iter().map(Row::open).collect()
}

/// Counts messages by channel and state: those that wait, however old, and those planned since `since` that ended. The
/// cost grows with what waits and what is new, not with the past.
///
/// # Errors
/// Database errors.
pub fn lately(view: &mut View<'_>, since: Instant) -> Result<Vec<(String, String, i64)>> {
    let counts = (messages::channel, messages::state, diesel::dsl::count_star());
    let by = (messages::channel, messages::state);
    let mut all: Vec<(String, String, i64)> = Vec::new();
    for open in ["messages.state = 'due' AND messages.spoiled IS NULL", "messages.state = 'sending'"] {
        all.extend(messages::table.filter(literally(open)).group_by(by).select(counts).load::<(
            String,
            String,
            i64,
        )>(
            view.conn
        )?);
    }
    let over = literally("messages.state NOT IN ('due', 'sending')");
    let ended = messages::table.filter(messages::created_at.ge(since.micros()).and(over));
    all.extend(ended.group_by(by).select(counts).load::<(String, String, i64)>(view.conn)?);
    Ok(all)
}

/// How many messages were ever planned, by channel: for the end of a simulation, it walks them all.
///
/// # Errors
/// Database errors.
pub fn totals(view: &mut View<'_>) -> Result<Vec<(String, i64)>> {
    let all = messages::table.group_by(messages::channel);
    Ok(all.select((messages::channel, diesel::dsl::count_star())).load(view.conn)?)
}

/// Everything that happened to a message: when, what, and the provider's code.
///
/// # Errors
/// Database errors.
pub fn events(view: &mut View<'_>, id: i64) -> Result<Vec<(Instant, String, Option<String>)>> {
    let rows: Vec<(i64, String, Option<String>)> = message_events::table
        .filter(message_events::message_id.eq(id))
        .order(message_events::id)
        .select((message_events::at, message_events::what, message_events::code))
        .load(view.conn)?;
    Ok(rows.into_iter().map(|(at, what, code)| (Instant::from_micros(at), what, code)).collect())
}

fn record_event(tx: &mut Tx<'_>, of: &Stored, kind: &'static str, code: &str) -> Result<()> {
    let body = serde_json::json!({
        "message": of.id, "channel": of.channel.name(), "recipient": of.recipient, "template": of.template,
        "template_version": of.template_version, "attempt": of.way.attempt, "case": of.subject, "code": code,
    });
    tx.audit(&Act::new(kind).body(body))
}

/// Plans the messages of a batch of calls, each with its template's version. `again`: the cases that called before.
pub(crate) fn plan_pages(tx: &mut Tx<'_>, pages: Vec<(New<'_>, i64)>, again: &BTreeSet<&str>) -> Result<()> {
    let now = tx.now();
    let pages: Vec<Planned<'_>> =
        pages.into_iter().map(|(new, version)| Planned::of(new, version, now)).collect::<Result<_>>()?;
    supersede(tx, again, &pages)?;
    insert_all!(tx, messages::table, pages, or_skip);
    pages.iter().try_for_each(|page| page.tell(tx))
}

/// Cancels e-mails that still wait when a later one says the same: a person who was out of reach for an hour gets one
/// message a case. Works on the whole batch at once; each cancelled message is logged as suppressed.
fn supersede(tx: &mut Tx<'_>, again: &BTreeSet<&str>, pages: &[Planned<'_>]) -> Result<()> {
    let anew = pages.iter().filter(|page| page.channel == Channel::Email.name());
    let anew: Vec<&Planned<'_>> = anew.filter(|page| again.contains(page.subject)).collect();
    let Some(kind) = anew.first().map(|page| page.kind) else { return Ok(()) };
    let of = |what: fn(&Planned<'_>) -> String| anew.iter().map(|page| what(page)).collect::<BTreeSet<_>>();
    let (subjects, keys) = (of(|page| page.subject.to_owned()), of(|page| page.key.clone()));
    let paged: BTreeSet<(&str, &str)> =
        anew.iter().map(|page| (page.subject, page.recipient.as_str())).collect();
    let waits = literally("messages.state = 'due' AND messages.channel = 'email'");
    let older = messages::table
        .filter(messages::kind.eq(kind).and(messages::subject.eq_any(subjects)))
        .filter(messages::key.ne_all(keys).and(messages::template.eq_any(PAGES)).and(waits))
        .order(messages::id);
    let mut stale = Vec::new();
    for row in held!(tx, Row, older) {
        // The auditor reports rows that cannot be read.
        let Ok(stored) = row.open() else { continue };
        if paged.contains(&(stored.subject.as_str(), stored.recipient.as_str())) {
            stale.push(stored);
        }
    }
    let ids: Vec<i64> = stale.iter().map(|stored| stored.id).collect();
    let gone = messages::table.filter(messages::id.eq_any(ids));
    diesel::update(gone).set(messages::state.eq(State::Cancelled.name())).execute(tx.conn)?;
    stale.iter().try_for_each(|stored| hand_over::suppressed(tx, stored, "superseded", None))
}
