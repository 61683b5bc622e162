//! Lapses: what was planned and is not done. They are found by comparing rows with the clock, without relying on
//! whoever should have done it. A lapse stands until the thing is done.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde::{Deserialize, Serialize};

use crate::db::conn::literally;
use crate::db::error::{Error, Result};
use crate::db::schema::{alerts, escalations, lapses, messages, sla_timers};
use crate::db::settings;
use crate::db::tx::act::Act;
use crate::db::tx::{Tx, View};
use crate::messages::PAGE_LASTS;
use domain::messages::Channel;
use domain::{Instant, Level};

/// Something that is late, stuck or set aside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lapse {
    /// What: `late_step`, `late_timer`, `late_message`, `late_program`, `stuck_message`, `unescalated_red`,
    /// `set_aside`.
    pub kind: String,
    /// The row's id; for `late_program` the webhook's id: one lapse for all calls that a program keeps waiting.
    pub subject: String,
    /// When it was due.
    pub expected_at: Instant,
}

/// A lapse that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What.
    pub lapse: Lapse,
    /// Since when it is known.
    pub noticed_at: Instant,
    /// How many wait: the calls of a program, one of anything else.
    pub count: usize,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = BigInt)]
    expected_at: i64,
}

/// A program that keeps calls waiting.
const PROGRAM: &str = "late_program";

/// The most lapses of a kind in one look: the first ones tell of a flood.
const MOST: i64 = 200;

/// Every plan of the store that is overdue by `late`.
///
/// # Errors
/// Database errors.
pub fn look(view: &mut View<'_>, late: Instant) -> Result<Vec<Lapse>> {
    let kinds = [
        ("late_step", "id", "next_at", "escalations", "next_at <= $1 AND spoiled IS NULL"),
        ("late_timer", "id", "next_at", "sla_timers", "next_at <= $1 AND spoiled IS NULL"),
        (
            "late_message",
            "CAST(id AS TEXT)",
            "due_at",
            "messages",
            // A late message about a lapse is no lapse of its own: it would breed itself.
            "state = 'due' AND attempt = 0 AND due_at <= $1 AND spoiled IS NULL \
             AND channel <> 'webhook' AND template NOT IN ('lapse', 'lapses_overnight')",
        ),
        (
            PROGRAM,
            "recipient",
            "due_at",
            "messages",
            "state = 'due' AND attempt = 0 AND due_at <= $1 AND spoiled IS NULL AND channel = 'webhook' \
             AND template NOT IN ('lapse', 'lapses_overnight')",
        ),
        (
            PROGRAM,
            "recipient",
            "created_at",
            "messages",
            "state = 'due' AND attempt > 0 AND created_at <= $1 AND spoiled IS NULL AND kind = 'alert' \
             AND channel = 'webhook' AND not_after <= created_at + $2",
        ),
        (
            "late_message",
            "CAST(id AS TEXT)",
            "created_at",
            "messages",
            // A call that was postponed is late from when it was planned; one that its receiver asked for again is not.
            "state = 'due' AND attempt > 0 AND created_at <= $1 AND spoiled IS NULL AND kind = 'alert' \
             AND channel <> 'webhook' AND not_after <= created_at + $2",
        ),
        (
            "stuck_message",
            "CAST(id AS TEXT)",
            "sending_until",
            "messages",
            "state = 'sending' AND sending_until <= $1 AND template NOT IN ('lapse', 'lapses_overnight')",
        ),
        (
            "unescalated_red",
            "id",
            "raised_at",
            "alerts",
            "state = 'open' AND state <> 'resolved' AND level = 2 AND (retrospective = FALSE OR ended_at IS NULL) AND updated_at <= $1 \
             AND NOT EXISTS (SELECT 1 FROM escalations e WHERE e.kind = 'alert' AND e.subject = alerts.id \
             AND e.state <> 'done')",
        ),
        ("set_aside", "id", "updated_at", "escalations", "spoiled IS NOT NULL AND updated_at <= $1"),
        ("set_aside", "CAST(id AS TEXT)", "due_at", "messages", "spoiled IS NOT NULL AND due_at <= $1"),
        ("set_aside", "id", "started_at", "sla_timers", "spoiled IS NOT NULL AND started_at <= $1"),
    ];
    let lasts = PAGE_LASTS.as_micros();
    let mut out = Vec::new();
    for (kind, subject, expected_at, table, when) in kinds {
        let late = late.micros();
        let sql = format!(
            "SELECT '{kind}' AS kind, {subject} AS subject, {expected_at} AS expected_at FROM {table} \
             WHERE {} ORDER BY {expected_at} LIMIT {MOST}",
            when.replace("$1", &late.to_string()).replace("$2", &lasts.to_string())
        );
        let found: Vec<Found> = diesel::sql_query(sql).load(view.conn)?;
        out.extend(found.into_iter().map(|found| Lapse {
            kind: found.kind,
            subject: found.subject,
            expected_at: Instant::from_micros(found.expected_at),
        }));
    }
    Ok(one_a_program(out))
}

/// The calls that a program keeps waiting are one lapse, dated by the oldest of them.
fn one_a_program(mut all: Vec<Lapse>) -> Vec<Lapse> {
    let (mut programs, mut out) = (BTreeSet::new(), Vec::with_capacity(all.len()));
    all.sort_by_key(|lapse| lapse.expected_at);
    for lapse in all {
        if lapse.kind != PROGRAM || programs.insert(lapse.subject.clone()) {
            out.push(lapse);
        }
    }
    out
}

/// The lapses that stand, the oldest first.
///
/// # Errors
/// Database errors.
pub fn standing(view: &mut View<'_>) -> Result<Vec<Standing>> {
    let rows: Vec<(String, String, i64, i64)> = lapses::table
        .filter(lapses::over_at.is_null())
        .order(lapses::noticed_at)
        .limit(1_000)
        .select((lapses::kind, lapses::subject, lapses::expected_at, lapses::noticed_at))
        .load(view.conn)?;
    let programs = rows.iter().filter(|(kind, ..)| kind == PROGRAM).map(|(_, subject, ..)| subject.clone());
    let mut waiting: BTreeMap<String, usize> = BTreeMap::new();
    for (program, ..) in waiting_for(view, &programs.collect::<Vec<String>>())? {
        *waiting.entry(program).or_default() += 1;
    }
    let read = |(kind, subject, expected_at, noticed_at): (String, String, i64, i64)| Standing {
        count: waiting.get(&subject).copied().unwrap_or(1),
        lapse: Lapse { kind, subject, expected_at: Instant::from_micros(expected_at) },
        noticed_at: Instant::from_micros(noticed_at),
    };
    Ok(rows.into_iter().map(read).collect())
}

/// What one look raised.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Raised {
    /// The new lapses.
    pub fresh: Vec<Lapse>,
    /// Whether to send a message now: of one of these kinds none was sent within the last hour.
    pub untold: bool,
    /// The channels that the late messages among them should have used.
    pub ways: BTreeSet<Channel>,
}

/// The shortest interval between messages about one kind of lapse, whether it stands meanwhile or comes and goes.
const TOLD_FOR: Duration = Duration::from_secs(3_600);

/// Lapses that nobody was told of when they were found, because the readers were off duty: a message about them is
/// owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    /// How many.
    pub count: usize,
    /// When the first of them was due.
    pub since: Instant,
}

/// The setting that stores what is owed.
const OWED: &str = "engine.owed";

/// Records what was found: new lapses with an audit entry each; those no longer found are over. While nobody reads
/// (`closed`), a message about lapses that concern no open red is owed instead of sent; see [`pay`].
///
/// # Errors
/// Database errors.
pub fn settle(tx: &mut Tx<'_>, found: &[Lapse], closed: bool) -> Result<Raised> {
    let now = tx.now();
    let known: BTreeSet<Lapse> = standing(tx)?.into_iter().map(|standing| standing.lapse).collect();
    // A program's lapse stands until no call waits for it, whichever call is the oldest.
    let stands = |lapse: &Lapse| {
        let same = |known: &&Lapse| known.kind == PROGRAM && known.subject == lapse.subject;
        known.iter().find(same).filter(|_| lapse.kind == PROGRAM).unwrap_or(lapse).clone()
    };
    let found: BTreeSet<Lapse> = found.iter().map(stands).collect();
    for gone in known.difference(&found) {
        diesel::update(row(gone)).set(lapses::over_at.eq(now.micros())).execute(tx.conn)?;
    }
    let fresh: Vec<Lapse> = found.difference(&known).cloned().collect();
    let kinds: BTreeSet<&str> = fresh.iter().map(|lapse| lapse.kind.as_str()).collect();
    let mut untold = false;
    for kind in kinds {
        let of_kind: Vec<&Lapse> = fresh.iter().filter(|lapse| lapse.kind == kind).collect();
        if closed && reds_among(tx, &of_kind)? == 0 {
            owe(tx, &of_kind)?;
        } else {
            untold |= may_announce(tx, kind)?;
        }
    }
    let ways = ways(tx, &fresh)?;
    for lapse in &fresh {
        // The lapse may have stood before and be back.
        let again = diesel::update(row(lapse)).set(lapses::over_at.eq(None::<i64>)).execute(tx.conn)?;
        if again == 0 {
            diesel::insert_into(lapses::table)
                .values((
                    lapses::kind.eq(&lapse.kind),
                    lapses::subject.eq(&lapse.subject),
                    lapses::expected_at.eq(lapse.expected_at.micros()),
                    lapses::noticed_at.eq(now.micros()),
                ))
                .execute(tx.conn)?;
        }
        let body = serde_json::json!({
            "kind": lapse.kind, "subject": lapse.subject, "expected_at": lapse.expected_at,
        });
        tx.audit(&Act::new("engine.lapse").body(body))?;
    }
    if !fresh.is_empty() {
        tx.signal("config.changed", "engine")?;
    }
    Ok(Raised { fresh, untold, ways })
}

fn owe(tx: &mut Tx<'_>, lapses: &[&Lapse]) -> Result<()> {
    let Some(since) = lapses.iter().map(|lapse| lapse.expected_at).min() else { return Ok(()) };
    let before = owed(tx)?;
    let owed = Owed {
        count: lapses.len() + before.map_or(0, |owed| owed.count),
        since: before.map_or(since, |owed| owed.since.min(since)),
    };
    let text = serde_json::to_string(&owed).map_err(|_shape| Error::corrupt("what is owed, to store"))?;
    settings::save(tx, OWED, &text)
}

fn owed(view: &mut View<'_>) -> Result<Option<Owed>> {
    let text = settings::get(view, OWED)?.filter(|text| !text.is_empty());
    text.map(|text| {
        serde_json::from_str(&text).map_err(|_shape| Error::corrupt("settings.value").in_row(OWED))
    })
    .transpose()
}

/// Takes the owed message, to be sent now; `None`: none is owed.
///
/// # Errors
/// Database errors.
pub fn pay(tx: &mut Tx<'_>) -> Result<Option<Owed>> {
    let owed = owed(tx)?;
    if owed.is_some() {
        settings::save(tx, OWED, "")?;
    }
    Ok(owed)
}

/// Whether a message about a kind of lapse is due, and records that it is sent.
fn may_announce(tx: &mut Tx<'_>, kind: &str) -> Result<bool> {
    let (name, now) = (format!("engine.told.{kind}"), tx.now());
    let told = settings::get(tx, &name)?.and_then(|at| at.parse().ok()).map(Instant::from_micros);
    // A message dated in the future was sent on a wrong clock.
    if told.is_some_and(|at| at <= now && now.since(at) < TOLD_FOR) {
        return Ok(false);
    }
    settings::save(tx, &name, &now.micros().to_string())?;
    Ok(true)
}

/// The channels of the messages among these.
fn ways(view: &mut View<'_>, fresh: &[Lapse]) -> Result<BTreeSet<Channel>> {
    let about = fresh.iter().filter(|lapse| lapse.kind.ends_with("_message"));
    let ids: Vec<i64> = about.filter_map(|lapse| lapse.subject.parse().ok()).collect();
    let names: Vec<String> = messages::table
        .filter(messages::id.eq_any(ids))
        .select(messages::channel)
        .distinct()
        .load(view.conn)?;
    let program = fresh.iter().any(|lapse| lapse.kind == PROGRAM).then_some(Channel::Webhook);
    Ok(names.iter().filter_map(|name| Channel::from_name(name)).chain(program).collect())
}

/// Whether a lapse of a kind stands.
///
/// # Errors
/// Database errors.
pub fn stands(view: &mut View<'_>, kind: &str) -> Result<bool> {
    let standing = lapses::table.filter(lapses::over_at.is_null().and(lapses::kind.eq(kind)));
    Ok(standing.select(lapses::subject).first::<String>(view.conn).optional()?.is_some())
}

/// How many of these are about a red alert that is not resolved.
///
/// # Errors
/// Database errors.
pub fn of_red(view: &mut View<'_>, standing: &[Standing]) -> Result<usize> {
    reds_among(view, &standing.iter().map(|one| &one.lapse).collect::<Vec<_>>())
}

fn reds_among(view: &mut View<'_>, lapses: &[&Lapse]) -> Result<usize> {
    let of = |kinds: &[&str]| -> Vec<String> {
        let about = lapses.iter().filter(|one| kinds.contains(&one.kind.as_str()));
        about.map(|one| one.subject.clone()).collect()
    };
    let rows = of(&["late_step", "late_timer", "set_aside"]);
    let numbers: Vec<i64> = of(&["late_message", "stuck_message", "set_aside"])
        .iter()
        .filter_map(|subject| subject.parse().ok())
        .collect();
    let mut cases: Vec<String> = of(&["unescalated_red"]);
    cases.extend(
        escalations::table
            .filter(escalations::id.eq_any(&rows).and(escalations::kind.eq("alert")))
            .select(escalations::subject)
            .load::<String>(view.conn)?,
    );
    cases.extend(
        sla_timers::table
            .filter(sla_timers::id.eq_any(&rows).and(sla_timers::kind.eq("alert")))
            .select(sla_timers::subject)
            .load::<String>(view.conn)?,
    );
    cases.extend(
        messages::table
            .filter(messages::id.eq_any(&numbers).and(messages::kind.eq("alert")))
            .select(messages::subject)
            .load::<String>(view.conn)?,
    );
    let waiting = waiting_for(view, &of(&[PROGRAM]))?;
    cases.extend(waiting.into_iter().filter(|(_, kind, _)| kind == "alert").map(|(.., case)| case));
    let distinct: BTreeSet<String> = cases.iter().cloned().collect();
    let red: Vec<String> = alerts::table
        .filter(alerts::id.eq_any(distinct).and(alerts::state.ne("resolved")))
        .filter(alerts::level.eq(Level::Red.code()))
        .select(alerts::id)
        .load(view.conn)?;
    Ok(cases.iter().filter(|case| red.contains(case)).count())
}

/// What waits for these programs: for which, and the kind and the id of what it is about.
fn waiting_for(view: &mut View<'_>, programs: &[String]) -> Result<Vec<(String, String, String)>> {
    if programs.is_empty() {
        return Ok(Vec::new());
    }
    let theirs = messages::recipient.eq_any(programs).and(messages::channel.eq(Channel::Webhook.name()));
    Ok(messages::table
        .filter(literally("messages.state = 'due'"))
        .filter(theirs)
        .select((messages::recipient, messages::kind, messages::subject))
        .load(view.conn)?)
}

fn row(lapse: &Lapse) -> diesel::dsl::Find<lapses::table, (String, String, i64)> {
    lapses::table.find((lapse.kind.clone(), lapse.subject.clone(), lapse.expected_at.micros()))
}
