//! Alerts as they are stored.

use std::collections::{BTreeMap, BTreeSet};

use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use crate::db::conn::{literally, on};
use crate::db::error::InRow;
use crate::db::error::{Error, Result};
use crate::db::schema::alerts;
use crate::db::tx::View;
use crate::keys::seal::Place;
use domain::alerts::AlertCase;
use domain::{AlertId, Instant, Signal, UserId};
use rules::{Episode, Finding};

/// An alert as it is stored.
#[derive(Debug, Clone)]
pub struct StoredAlert {
    /// The patient's surrogate key.
    pub patient_key: i64,
    /// The signal its rule looks at.
    pub signal: Signal,
    /// What people did with the case, and the judgement.
    pub case: AlertCase,
    /// The episode as judged.
    pub episode: Episode,
    /// Found too late to page.
    pub retrospective: bool,
    /// When the program first recorded it.
    pub raised_at: Instant,
    /// Grows with each change (ETag).
    pub version: i64,
    pub(super) finding: Option<Vec<u8>>,
}

#[derive(Queryable)]
pub(super) struct Row {
    id: String,
    patient_key: i64,
    signal: i16,
    retrospective: bool,
    raised_at: i64,
    episode: String,
    case_record: String,
    finding: Option<Vec<u8>>,
    version: i64,
}

pub(super) type Columns = (
    alerts::id,
    alerts::patient_key,
    alerts::signal,
    alerts::retrospective,
    alerts::raised_at,
    alerts::episode,
    alerts::case_record,
    alerts::finding,
    alerts::version,
);

pub(super) const COLUMNS: Columns = (
    alerts::id,
    alerts::patient_key,
    alerts::signal,
    alerts::retrospective,
    alerts::raised_at,
    alerts::episode,
    alerts::case_record,
    alerts::finding,
    alerts::version,
);

impl Row {
    pub(super) fn read(self) -> Result<StoredAlert> {
        let id = self.id.clone();
        self.parse().in_row(id)
    }

    fn parse(self) -> Result<StoredAlert> {
        let json = |column| move |_shape| Error::corrupt(column);
        Ok(StoredAlert {
            patient_key: self.patient_key,
            signal: Signal::from_code(self.signal).ok_or(Error::corrupt("alerts.signal"))?,
            case: serde_json::from_str(&self.case_record).map_err(json("alerts.case_record"))?,
            episode: serde_json::from_str(&self.episode).map_err(json("alerts.episode"))?,
            retrospective: self.retrospective,
            raised_at: Instant::from_micros(self.raised_at),
            version: self.version,
            finding: self.finding,
        })
    }
}

impl StoredAlert {
    /// The alert's id.
    #[must_use]
    pub const fn id(&self) -> AlertId {
        self.case.id
    }

    /// Whether a revocation hid its finding.
    #[must_use]
    pub const fn is_hidden(&self) -> bool {
        self.finding.is_none() && self.case.moved_at.is_none()
    }

    /// Its finding, for whoever may see readings; `None` when a revocation hid it or it is another's.
    ///
    /// # Errors
    /// The key was destroyed; the bytes are broken.
    pub fn finding(
        &self,
        view: &mut View<'_>,
        _permit: &consent::Permit<consent::AlertEvaluate>,
    ) -> Result<Option<Finding>> {
        let Some(blob) = &self.finding else { return Ok(None) };
        let id = self.id().to_string();
        view.open_json(Place::new("alerts", "finding", &id), blob).map(Some)
    }
}

/// The SQL condition for an alert that is not resolved.
pub(crate) fn unresolved() -> SqlLiteral<Bool> {
    literally("alerts.state <> 'resolved'")
}

/// One alert.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get(view: &mut View<'_>, id: AlertId) -> Result<StoredAlert> {
    let row = alerts::table.find(id.to_string()).select(COLUMNS).first::<Row>(view.conn).optional()?;
    row.ok_or(Error::NotFound("alert"))?.read()
}

/// For each of these alerts, the people who may not hold it again before somebody else has. Alerts for which there is
/// nobody like that, or that are gone, are absent.
///
/// # Errors
/// Database errors.
pub fn worn_out(view: &mut View<'_>, ids: &[AlertId]) -> Result<BTreeMap<AlertId, BTreeSet<UserId>>> {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let query = alerts::table.filter(alerts::id.eq_any(ids)).select(COLUMNS);
    let rows: Vec<Row> = on!(&mut *view.conn, |c| query.load(c))?;
    let read = rows.into_iter().map(|row| row.read().map(|alert| (alert.id(), alert.case.worn_out())));
    let mut worn = read.collect::<Result<BTreeMap<_, _>>>()?;
    worn.retain(|_, hands| !hands.is_empty());
    Ok(worn)
}

/// The open episode of every rule of a patient.
///
/// # Errors
/// Database errors.
pub fn open_of(view: &mut View<'_>, patient_key: i64) -> Result<Vec<StoredAlert>> {
    let rows = alerts::table
        .filter(alerts::patient_key.eq(patient_key).and(alerts::ended_at.is_null()))
        .select(COLUMNS)
        .load::<Row>(view.conn)?;
    rows.into_iter().map(Row::read).collect()
}

/// The episodes of one rule of a patient that were in force at or after `from`, without retracted ones and those whose
/// readings belong to another patient.
///
/// # Errors
/// Database errors.
pub fn episodes(
    view: &mut View<'_>,
    patient_key: i64,
    rule: &str,
    from: Instant,
) -> Result<Vec<StoredAlert>> {
    let of = || {
        alerts::table
            .filter(alerts::patient_key.eq(patient_key).and(alerts::rule.eq(rule.to_owned())))
            .filter(alerts::outcome.is_null().or(alerts::outcome.ne_all(vec!["retracted", "duplicate"])))
            .select(COLUMNS)
    };
    // Two queries: joined by OR, the database walks every episode that the patient ever had.
    let mut rows = of().filter(alerts::ended_at.ge(from.micros())).load::<Row>(view.conn)?;
    rows.extend(of().filter(alerts::ended_at.is_null()).load::<Row>(view.conn)?);
    let mut all = rows.into_iter().map(Row::read).collect::<Result<Vec<_>>>()?;
    all.retain(|alert| alert.case.moved_at.is_none());
    all.sort_by_key(|alert| (alert.episode.started_at, alert.id()));
    Ok(all)
}

/// How many unresolved alerts there are, by level.
///
/// # Errors
/// Database errors.
pub fn counts(view: &mut View<'_>) -> Result<Vec<(i16, i64)>> {
    Ok(alerts::table
        .filter(unresolved())
        .group_by(alerts::level)
        .select((alerts::level, diesel::dsl::count_star()))
        .load(view.conn)?)
}
