//! Writes judgements to rows: in order from the ingest commit, or reconciled after a replay.

use crate::alerts::moves;
use crate::alerts::{self, StoredAlert};
use crate::db::error::Result;
use crate::db::tx::Tx;
use crate::patients::keyed::Keyed;
use domain::{AlertId, Instant, Outcome, PatientId, Rule};
use rules::{
    Change, Episode, EpisodeChange, Finding, JudgedReading, ReplayedEpisode, StoredEpisode, reconcile,
    retrospective,
};

/// Whose judgement it is.
#[derive(Debug, Clone, Copy)]
pub struct Whose {
    /// The patient's surrogate key.
    pub key: i64,
    /// Their id.
    pub id: PatientId,
}

/// Whether a change could be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// It is stored.
    Stored,
    /// The stored episodes are not those that the machine knew: replay.
    Astray,
}

/// Stores one change that a machine produced in order. `stretch` holds the readings that the finding describes.
///
/// # Errors
/// Database errors.
pub fn apply(
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
            alerts::open(tx, Keyed { key: whose.key, id: whose.id }, rule, &episode, &finding, late)?;
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

/// Makes the stored episodes of a rule equal to those of a replay. `head` is the newest judged reading.
///
/// # Errors
/// Database errors.
pub fn settled(
    tx: &mut Tx<'_>,
    whose: Whose,
    rule: &Rule,
    stored: &[StoredAlert],
    replayed: &[ReplayedEpisode],
    head: Instant,
) -> Result<usize> {
    let old: Vec<StoredEpisode> =
        stored.iter().map(|alert| StoredEpisode { id: alert.id(), episode: alert.episode.clone() }).collect();
    let new: Vec<Episode> = replayed.iter().map(|replayed| replayed.episode.clone()).collect();
    let changes = reconcile(&old, &new, head, tx.now());
    let count = changes.len();
    for change in changes {
        settle(tx, whose, rule, &change, replayed)?;
    }
    Ok(count)
}

fn settle(
    tx: &mut Tx<'_>,
    whose: Whose,
    rule: &Rule,
    change: &EpisodeChange,
    replayed: &[ReplayedEpisode],
) -> Result<()> {
    match change {
        EpisodeChange::Opened { episode, retrospective, .. } => {
            let finding = found(replayed, episode);
            let finding = finding.unwrap_or_else(|| Finding::of_episode(rule, episode, episode.peak(), &[]));
            match moves::returned(tx, whose.key, episode)? {
                Some(alert) => moves::come_back(tx, &alert, episode, &finding, *retrospective)?,
                None => {
                    alerts::open(
                        tx,
                        Keyed { key: whose.key, id: whose.id },
                        rule,
                        episode,
                        &finding,
                        *retrospective,
                    )?;
                }
            }
        }
        EpisodeChange::Updated { id, episode, rose_to, retrospective } => {
            let stored = alerts::get(tx, *id)?;
            // An alert that pages goes on paging; a mere correction of a past episode pages nobody.
            let retrospective = if rose_to.is_some() { *retrospective } else { stored.retrospective };
            alerts::judged(tx, &stored, episode, found(replayed, episode).as_ref(), retrospective)?;
        }
        EpisodeChange::Merged { id, into } => merge(tx, *id, *into)?,
        EpisodeChange::Retracted { id } => {
            let stored = alerts::get(tx, *id)?;
            if moves::has_left(tx, &stored)? {
                return moves::leave(tx, &stored);
            }
            alerts::withdraw(tx, &stored, Outcome::Retracted)?;
        }
    }
    Ok(())
}

fn merge(tx: &mut Tx<'_>, id: AlertId, into: AlertId) -> Result<()> {
    let merged = alerts::get(tx, id)?;
    alerts::withdraw(tx, &merged, Outcome::Duplicate)?;
    let survivor = alerts::get(tx, into)?;
    alerts::absorb(tx, &survivor, &merged)?;
    Ok(())
}

/// What an episode rests on, unless that is known already.
fn found(replayed: &[ReplayedEpisode], episode: &Episode) -> Option<Finding> {
    replayed.iter().find(|replayed| replayed.episode == *episode)?.finding.clone()
}

fn since(readings: &[JudgedReading], from: Instant) -> &[JudgedReading] {
    readings.get(readings.partition_point(|reading| reading.at < from)..).unwrap_or(&[])
}
