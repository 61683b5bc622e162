//! What judgement says becomes rows: in order from the ingest commit, or reconciled after a replay.

use super::alerts::{self, StoredAlert};
use super::error::Result;
use super::tx::Tx;
use crate::domain::rule::Kind;
use crate::domain::{AlertId, Instant, Level, Outcome, PatientId, Rule};
use crate::rules::{
    Change, Episode, EpisodeChange, Finding, JudgedReading, StoredEpisode, reconcile, retrospective,
};

/// Whose judgement it is.
#[derive(Debug, Clone, Copy)]
pub struct Whose {
    /// The patient's surrogate key.
    pub key: i64,
    /// Their id.
    pub id: PatientId,
}

/// Whether a change found its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// It is stored.
    Stored,
    /// The stored episodes are not those that the machine knew: replay.
    Astray,
}

/// Stores one change that a machine told in order. `stretch` is what a finding is told from.
///
/// # Errors
/// Database errors.
pub fn told(
    tx: &mut Tx<'_>,
    whose: Whose,
    rule: &Rule,
    change: &Change,
    stretch: &[JudgedReading],
) -> Result<Fit> {
    let open = alerts::open_of(tx, whose.key)?.into_iter().find(|alert| alert.episode.rule == rule.id);
    match (Episode::opened(rule, change), open) {
        (Some(episode), None) => {
            let head = stretch.last().map_or(episode.started_at, |reading| reading.at);
            let late = retrospective(&episode, head, tx.now());
            let stretch = since(stretch, episode.started_at);
            let finding = Finding::of_episode(rule, &episode, episode.level(), stretch);
            alerts::open(tx, (whose.key, whose.id), rule, &episode, &finding, late)?;
            Ok(Fit::Stored)
        }
        (None, Some(stored)) => {
            let mut episode = stored.episode.clone();
            episode.apply(change);
            let worse = episode.peak() > stored.episode.peak();
            let finding = worse.then(|| Finding::of_episode(rule, &episode, episode.level(), stretch));
            let head = stretch.last().map_or(episode.started_at, |reading| reading.at);
            let late = stored.retrospective && retrospective(&episode, head, tx.now());
            alerts::judged(tx, &stored, &episode, finding.as_ref(), late)?;
            Ok(Fit::Stored)
        }
        (Some(_), Some(_)) | (None, None) => Ok(Fit::Astray),
    }
}

/// Makes the stored episodes of a rule those that a replay told. `readings` is what it replayed.
///
/// # Errors
/// Database errors.
pub fn settled(
    tx: &mut Tx<'_>,
    whose: Whose,
    rule: &Rule,
    stored: &[StoredAlert],
    told: &[Episode],
    readings: &[JudgedReading],
) -> Result<usize> {
    let old: Vec<StoredEpisode> =
        stored.iter().map(|alert| StoredEpisode { id: alert.id(), episode: alert.episode.clone() }).collect();
    let head = readings.last().map_or(Instant::MIN, |reading| reading.at);
    let changes = reconcile(&old, told, head, tx.now());
    let count = changes.len();
    for change in changes {
        settle(tx, whose, rule, &change, readings)?;
    }
    Ok(count)
}

fn settle(
    tx: &mut Tx<'_>,
    whose: Whose,
    rule: &Rule,
    change: &EpisodeChange,
    readings: &[JudgedReading],
) -> Result<()> {
    match change {
        EpisodeChange::Opened { episode, retrospective, .. } => {
            let finding = found(rule, episode, readings);
            alerts::open(tx, (whose.key, whose.id), rule, episode, &finding, *retrospective)?;
        }
        EpisodeChange::Updated { id, episode, rose_to, retrospective } => {
            let stored = alerts::get(tx, *id)?;
            // What pages goes on paging, and a mere correction of what is over makes nobody run.
            let retrospective = if rose_to.is_some() { *retrospective } else { stored.retrospective };
            // What it rests on may lie before or after what was replayed: then it is known already.
            let finding = rests_on(rule, episode, readings).then(|| found(rule, episode, readings));
            alerts::judged(tx, &stored, episode, finding.as_ref(), retrospective)?;
        }
        EpisodeChange::Merged { id, into } => merge(tx, *id, *into)?,
        EpisodeChange::Retracted { id } => {
            let stored = alerts::get(tx, *id)?;
            alerts::withdraw(tx, &stored, Outcome::Retracted)?;
        }
    }
    Ok(())
}

fn merge(tx: &mut Tx<'_>, id: AlertId, into: AlertId) -> Result<()> {
    let merged = alerts::get(tx, id)?;
    alerts::withdraw(tx, &merged, Outcome::Duplicate)?;
    let kept = alerts::get(tx, into)?;
    alerts::absorb(tx, &kept, &merged)?;
    Ok(())
}

/// From the first reading of an episode's finding to the one that completed it.
fn stretch_of(rule: &Rule, episode: &Episode) -> (Instant, Instant) {
    let until = episode.peaked_at();
    let from = match episode.peak() {
        Level::Red => until.minus(rule.lookback()).max(episode.started_at),
        _ => episode.started_at,
    };
    (from, until)
}

/// Whether all that an episode's worst level rests on was replayed.
fn rests_on(rule: &Rule, episode: &Episode, readings: &[JudgedReading]) -> bool {
    let Kind::Threshold(t) = &rule.kind;
    let (from, until) = stretch_of(rule, episode);
    let from = if episode.peak() == Level::Red { until.minus(t.red.lasting) } else { from };
    let (first, last) = (readings.first(), readings.last());
    first.zip(last).is_some_and(|(first, last)| first.at <= from && until <= last.at)
}

fn found(rule: &Rule, episode: &Episode, readings: &[JudgedReading]) -> Finding {
    let worst = episode.peak();
    let (from, until) = stretch_of(rule, episode);
    let stretch = since(readings, from);
    let stretch = stretch.get(..stretch.partition_point(|reading| reading.at <= until)).unwrap_or(stretch);
    Finding::of_episode(rule, episode, worst, stretch)
}

fn since(readings: &[JudgedReading], from: Instant) -> &[JudgedReading] {
    readings.get(readings.partition_point(|reading| reading.at < from)..).unwrap_or(&[])
}
