//! SLA clocks, one row for each clock: started when an alert opens, stopped when it is answered or done, worked off
//! by the engine when a warning or a breach is due. A clock keeps the versions of the settings that were in force when
//! it started.

mod due;
mod facts;
mod follow;
mod levels;
mod pause;
mod replan;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

use std::time::Duration;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

pub use due::{Did, Done, any_due, work};
pub(crate) use follow::follow;
pub use pause::{pause, resume};
pub use replan::replan;

use super::db::conn;
use super::db::error::InRow;
use super::db::error::{Error, Result};
use super::db::schema::sla_timers::dsl as t;
use super::db::turn::locks::Lock;
use super::db::tx::{Tx, View};
use super::versions::{self, Version};
use domain::calendars::Calendar;
use domain::escalation::Pace;
use domain::id::uuid_at;
use domain::sla::{self, Metric, ServiceLevel, Standing, Timer};
use domain::{AlertId, Instant, Level, UserId};

/// What the clocks are about.
pub const ALERT: &str = "alert";
/// How long a clock may be paused over the life of its case, all pauses together; a pause that nobody ends is over
/// then.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(7 * 24 * 3_600);
/// The same for a red.
pub(crate) const LONGEST_PAUSE_OF_RED: Duration = Duration::from_secs(24 * 3_600);

/// Why a clock stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// A named person answered.
    Answered,
    /// The case is done.
    Resolved,
    /// It can no longer be met or breached: the case ended by itself or lost its legal basis.
    Withdrawn,
}

/// An earlier clock of the same service level, which was started again: the answer was taken back, or the case opened again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cycle {
    /// The clock.
    pub timer: Timer,
    /// Why it stopped.
    pub ended: Option<Ended>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    level: Level,
    service_level_version: u32,
    timer: Timer,
    #[serde(default)]
    past: Vec<Cycle>,
    warned_at: Option<Instant>,
    breached_at: Option<Instant>,
    ended: Option<Ended>,
    /// Who paused it last.
    #[serde(default)]
    paused_by: Option<UserId>,
}

/// The clock of one service level of one case, with its calendar.
#[derive(Debug, Clone)]
pub struct SlaClock {
    /// The row's id.
    pub id: String,
    /// The alert's id.
    pub subject: String,
    /// The service level, by its lasting id.
    pub service_level: String,
    /// What ends the clock.
    pub metric: Metric,
    /// The calendar, by its lasting id.
    pub calendar_name: String,
    /// The version that was in force when the clock started.
    pub calendar_version: u32,
    /// The calendar in that version.
    pub calendar: Calendar,
    /// The policy that begins when the time is over.
    pub on_breach: Option<String>,
    /// Why the engine set the row aside, if it did.
    pub spoiled: Option<String>,
    fence: i64,
    record: Record,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = super::db::schema::sla_timers)]
struct Row {
    id: String,
    subject: String,
    service_level: String,
    metric: String,
    calendar: String,
    calendar_version: i64,
    on_breach: Option<String>,
    record: String,
    fence: i64,
    spoiled: Option<String>,
}

impl Row {
    fn read(self, view: &mut View<'_>) -> Result<SlaClock> {
        let id = self.id.clone();
        self.parse(view).in_row(id)
    }

    fn parse(self, view: &mut View<'_>) -> Result<SlaClock> {
        let version = u32::try_from(self.calendar_version)
            .map_err(|_range| Error::corrupt("sla_timers.calendar_version"))?;
        let calendar: Version<Calendar> = versions::get(view, &self.calendar, version)?;
        Ok(SlaClock {
            metric: Metric::from_name(&self.metric).ok_or(Error::corrupt("sla_timers.metric"))?,
            record: serde_json::from_str(&self.record)
                .map_err(|_shape| Error::corrupt("sla_timers.record"))?,
            calendar: calendar.body,
            calendar_version: version,
            id: self.id,
            subject: self.subject,
            service_level: self.service_level,
            calendar_name: self.calendar,
            on_breach: self.on_breach,
            spoiled: self.spoiled,
            fence: self.fence,
        })
    }
}

impl SlaClock {
    /// A clock that starts now.
    fn started(
        subject: String,
        given: &Version<ServiceLevel>,
        calendar: Version<Calendar>,
        now: Instant,
    ) -> Self {
        Self {
            id: uuid_at(now).to_string(),
            subject,
            service_level: given.name.clone(),
            metric: given.body.metric,
            calendar_name: calendar.name,
            calendar_version: calendar.version,
            calendar: calendar.body,
            on_breach: given.body.on_breach.clone(),
            spoiled: None,
            fence: 0,
            record: Record {
                level: given.body.level,
                service_level_version: given.version,
                timer: Timer::started(given.body.target, now),
                past: Vec::new(),
                warned_at: None,
                breached_at: None,
                ended: None,
                paused_by: None,
            },
        }
    }

    /// The worst level of the alerts that the service level covers.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.record.level
    }

    /// The version of the service level.
    #[must_use]
    pub const fn service_level_version(&self) -> u32 {
        self.record.service_level_version
    }

    /// Its clock.
    #[must_use]
    pub const fn timer(&self) -> &Timer {
        &self.record.timer
    }

    /// Clocks that ran before this one, oldest first.
    #[must_use]
    pub fn past(&self) -> &[Cycle] {
        &self.record.past
    }

    /// When somebody was warned.
    #[must_use]
    pub const fn warned_at(&self) -> Option<Instant> {
        self.record.warned_at
    }

    /// When the breach was recorded.
    #[must_use]
    pub const fn breached_at(&self) -> Option<Instant> {
        self.record.breached_at
    }

    /// Why its clock stopped.
    #[must_use]
    pub const fn ended(&self) -> Option<Ended> {
        self.record.ended
    }

    /// When the time is over; `None` while it is paused.
    #[must_use]
    pub fn due_at(&self) -> Option<Instant> {
        self.record.timer.due(&self.calendar)
    }

    /// Where it stands at an instant.
    #[must_use]
    pub(crate) fn standing(&self, now: Instant) -> Standing {
        self.record.timer.standing(&self.calendar, now)
    }

    /// Its standing, in the word of the store and the API: a standing, or `withdrawn` for a clock that stopped in time
    /// without anybody's doing.
    #[must_use]
    pub fn word(&self, now: Instant) -> &'static str {
        match (self.standing(now), self.record.ended) {
            (Standing::Met, Some(Ended::Withdrawn)) => "withdrawn",
            (standing, _) => standing.name(),
        }
    }

    /// How much longer it may be paused, after the pauses of its earlier clocks; an open pause is not counted.
    #[must_use]
    pub(crate) fn pause_left(&self) -> Duration {
        let most = if self.level() == Level::Red { LONGEST_PAUSE_OF_RED } else { LONGEST_PAUSE };
        let timers = self.record.past.iter().map(|cycle| &cycle.timer).chain([&self.record.timer]);
        let pauses = timers.flat_map(|timer| &timer.pauses);
        let used: Duration = pauses.filter_map(|pause| Some(pause.to?.since(pause.from))).sum();
        most.saturating_sub(used)
    }

    /// When the engine acts on it by itself.
    fn next_at(&self, now: Instant) -> Option<Instant> {
        self.acts(now).into_iter().map(|(at, _)| at).min()
    }

    /// What the engine does with it at an instant. Once it is breached, the warning is skipped.
    fn due(&self, now: Instant) -> Option<Did> {
        self.acts(now).into_iter().find(|(at, _)| *at <= now).map(|(_, did)| did)
    }

    /// What lies ahead, the gravest first.
    fn acts(&self, now: Instant) -> Vec<(Instant, Did)> {
        let timer = &self.record.timer;
        if timer.stopped_at.is_some() {
            return Vec::new();
        }
        // Below red nobody is warned outside the calendar's hours, whatever the clock counts by: what comes late, after
        // an outage, waits until the calendar opens.
        let announced = |says: Option<Instant>| match self.level() {
            Level::Red => timer.announced_at(&self.calendar, says?),
            _ => self.calendar.opens(says?.max(now)),
        };
        let unannounced = self.record.breached_at.is_none();
        let breach = announced(timer.due(&self.calendar)).filter(|_| unannounced);
        let warn = announced(timer.warn_at(&self.calendar))
            .filter(|_| unannounced && self.record.warned_at.is_none());
        let pause = timer.pauses.last().filter(|pause| pause.to.is_none());
        let resume = pause.map(|pause| pause.from.plus(self.pause_left()));
        let all = [(breach, Did::Breached), (resume, Did::Resumed), (warn, Did::Warned)];
        all.into_iter().filter_map(|(at, did)| Some((at?, did))).collect()
    }
}

/// The clocks of an alert, in the order in which they started.
///
/// # Errors
/// Database errors.
pub fn of_alert(view: &mut View<'_>, id: AlertId) -> Result<Vec<SlaClock>> {
    let rows = t::sla_timers
        .filter(t::kind.eq(ALERT).and(t::subject.eq(id.to_string())))
        .order((t::started_at.asc(), t::service_level.asc()))
        .select(Row::as_select())
        .load(view.conn)?;
    rows.into_iter().map(|row: Row| row.read(view)).collect()
}

/// The pace of the policy that a breach starts: by the worst level among the alert's clocks, and by the calendar of
/// the one that was breached last.
///
/// # Errors
/// Database errors.
pub fn pace(view: &mut View<'_>, id: AlertId) -> Result<Pace> {
    let clocks = of_alert(view, id)?;
    let level = clocks.iter().map(SlaClock::level).max();
    let broken = clocks.iter().max_by_key(|clock| clock.record.breached_at);
    Ok(level.zip(broken).map_or(Pace::Relentless, |(level, broken)| Pace::of(level, &broken.calendar)))
}

/// Counts clocks by standing.
///
/// # Errors
/// Database errors.
pub fn counts(view: &mut View<'_>) -> Result<Vec<(String, i64)>> {
    Ok(t::sla_timers
        .group_by(t::standing)
        .select((t::standing, diesel::dsl::count_star()))
        .order(t::standing)
        .load(view.conn)?)
}

/// Seeds the default calendars and service levels that are missing.
///
/// # Errors
/// Database errors.
pub fn seed(tx: &mut Tx<'_>) -> Result<()> {
    for (name, calendar) in sla::calendars() {
        versions::seed(tx, name, &calendar)?;
    }
    for (name, level) in sla::seeds() {
        versions::seed(tx, name, &level)?;
    }
    Ok(())
}

/// The clocks of a case, locked until the transaction ends.
fn locked(tx: &mut Tx<'_>, alert: AlertId) -> Result<Vec<SlaClock>> {
    tx.lock(Lock::Clocks(alert));
    let subject = alert.to_string();
    let query = t::sla_timers
        .filter(t::kind.eq(ALERT).and(t::subject.eq(subject)).and(t::spoiled.is_null()))
        .order((t::started_at.asc(), t::service_level.asc()));
    let rows = conn::held!(tx, Row, query);
    let mut clocks = Vec::with_capacity(rows.len());
    for row in rows {
        let id = row.id.clone();
        match row.read(tx) {
            Ok(clock) => clocks.push(clock),
            // An unreadable clock must not keep a person from answering.
            Err(error) if error.is_the_rows() => due::spoil(tx, &id, &error)?,
            Err(error) => return Err(error),
        }
    }
    Ok(clocks)
}

/// The service levels of a case that have clocks, by name, those set aside too.
fn names(view: &mut View<'_>, subject: &str) -> Result<Vec<String>> {
    let there = t::sla_timers.filter(t::kind.eq(ALERT).and(t::subject.eq(subject)));
    Ok(there.select(t::service_level).load(view.conn)?)
}

fn insert(tx: &mut Tx<'_>, clock: &SlaClock) -> Result<()> {
    let now = tx.now();
    diesel::insert_into(t::sla_timers)
        .values((
            (
                t::id.eq(&clock.id),
                t::kind.eq(ALERT),
                t::subject.eq(&clock.subject),
                t::service_level.eq(&clock.service_level),
                t::metric.eq(clock.metric.name()),
                t::calendar.eq(&clock.calendar_name),
                t::calendar_version.eq(i64::from(clock.calendar_version)),
                t::on_breach.eq(&clock.on_breach),
                t::started_at.eq(clock.record.timer.started_at.micros()),
                t::fence.eq(clock.fence),
            ),
            changing(clock, now)?,
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Writes a changed clock, unless somebody changed it since it was read.
fn save(tx: &mut Tx<'_>, clock: &mut SlaClock) -> Result<()> {
    let now = tx.now();
    let there = t::sla_timers.filter(t::id.eq(&clock.id).and(t::fence.eq(clock.fence)));
    let changed = diesel::update(there)
        .set((t::fence.eq(clock.fence.saturating_add(1)), changing(clock, now)?))
        .execute(tx.conn)?;
    clock.fence = clock.fence.saturating_add(1);
    if changed == 0 { Err(Error::GivenUp) } else { Ok(()) }
}

type Changing = (
    diesel::dsl::Eq<t::record, String>,
    diesel::dsl::Eq<t::standing, &'static str>,
    diesel::dsl::Eq<t::due_at, Option<i64>>,
    diesel::dsl::Eq<t::next_at, Option<i64>>,
);

fn changing(clock: &SlaClock, now: Instant) -> Result<Changing> {
    let record = serde_json::to_string(&clock.record).map_err(|_shape| Error::corrupt("a clock to store"))?;
    Ok((
        t::record.eq(record),
        t::standing.eq(clock.word(now)),
        t::due_at.eq(clock.due_at().map(Instant::micros)),
        t::next_at.eq(clock.next_at(now).map(Instant::micros)),
    ))
}
