//! Writes what a sweep found into the stored episodes, a short transaction at a time.

use std::time::Instant as Moment;

use super::sweep::{Stand, Sweep};
use super::{Reevaluate, Stood, TURN};
use domain::Instant;
use rules::{Arrived, Late, Machine, Watchlist};
use store::alerts::StoredAlert;
use store::db::turn;
use store::devices::roster;
use store::rules::judgement::{Whose, settled};
use store::rules::reevaluations;
use store::{Touched, Tx, Urgency, alerts};

/// What became of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Became {
    /// It is settled; whether something is left to judge.
    Settled(bool),
    /// More of the series was committed meanwhile: read on.
    ReadOn,
    /// A person acted on one of its alerts meanwhile: the row is taken again.
    Stale,
}

impl Reevaluate {
    /// Settles the sweeps that have stopped, in turns. Returns those that must read on, and whether work is left.
    pub(super) fn settle(&self, stood: Vec<Stood>, now: Instant) -> store::Result<(Vec<Sweep>, bool)> {
        let (mut again, mut left) = (Vec::new(), false);
        let mut waiting = stood;
        while !waiting.is_empty() {
            let rest = waiting.split_off(self.together().min(waiting.len()));
            let mut group = std::mem::replace(&mut waiting, rest);
            let done = self.store.keep_house(Urgency::Patient, "reevaluate", now, |tx| {
                let began = Moment::now();
                let mut became = Vec::with_capacity(group.len());
                for (sweep, stand) in &mut group {
                    became.push(self.settle_one(tx, sweep, *stand)?);
                    if began.elapsed() > TURN {
                        break;
                    }
                }
                Ok(became)
            });
            if done.is_err() {
                let mut watch = self.watch();
                group.iter().for_each(|(sweep, _)| watch.abandon(sweep.key()));
            }
            let became = done?;
            let unsettled = group.split_off(became.len());
            for ((sweep, _), became) in group.into_iter().zip(became) {
                match became {
                    Became::Settled(more) => left |= more,
                    Became::ReadOn => again.push(sweep),
                    Became::Stale => left = true,
                }
            }
            waiting.splice(0..0, unsettled);
        }
        Ok((again, left))
    }

    fn settle_one(&self, tx: &mut Tx<'_>, sweep: &mut Sweep, stand: Stand) -> store::Result<Became> {
        // The turn first, then the machines, then the row: the order of locks in `store::db::turn::locks`.
        turn::share(tx)?;
        let series = sweep.key();
        let patient = roster::patient(tx, series.patient_key)?;
        let mut watch = reevaluations::machines(tx, &self.watch);
        if !reevaluations::still_taken(tx, &sweep.due)? {
            // Another node took it.
            watch.forget(series);
            return Ok(Became::Settled(false));
        }
        // The permit is asked for again: consent may have ended since the row was taken.
        if self.permit(&patient, tx.now()).is_err() {
            watch.forget(series);
            reevaluations::clear(tx, series.patient_key, series.signal)?;
            return Ok(Became::Settled(false));
        }
        let whose = Whose { key: patient.key, id: patient.id };
        match stand {
            Stand::Met { at, rest } => met(tx, &mut watch, sweep, whose, at, rest),
            Stand::AtTheHead if !sweep.anew => {
                // Hold back what arrives from here on, and read once more what was committed until here: so no reading
                // falls between the two.
                reevaluations::to_the_head(tx, &sweep.due)?;
                watch.begin(series, sweep.due.late.from);
                sweep.anew = true;
                sweep.again();
                Ok(Became::ReadOn)
            }
            Stand::AtTheHead => at_the_head(tx, &mut watch, sweep, whose),
            Stand::Under => Ok(Became::Stale),
        }
    }
}

/// The replay agrees with what is stored at `at`. Episodes up to there are replaced; later ones and the machines stay
/// as they are.
fn met(
    tx: &mut Tx<'_>,
    watch: &mut Watchlist,
    sweep: &Sweep,
    whose: Whose,
    at: Instant,
    rest: Option<Late>,
) -> store::Result<Became> {
    let series = sweep.key();
    let mut replayed = Vec::with_capacity(sweep.replays.len());
    for (place, replay) in sweep.replays.iter().enumerate() {
        let Some(stored) = unchanged(tx, sweep, place)? else { return Ok(Became::Stale) };
        let episodes: Vec<_> = stored.iter().map(|alert| alert.episode.clone()).collect();
        let Some(new) = replay.met(&episodes, at) else { return Ok(Became::Stale) };
        replayed.push((stored, new));
    }
    let head = watch.head(series).or(sweep.last()).unwrap_or(at);
    let (from, mut changes) = (sweep.due.late.from, 0);
    for (replay, (stored, new)) in sweep.replays.iter().zip(replayed) {
        let touched = |alert: &StoredAlert| alert.episode.reaches(from) && alert.episode.raised_at() <= at;
        let stored: Vec<_> = stored.into_iter().filter(touched).collect();
        changes += settled(tx, whose, replay.rule(), &stored, &new, head)?;
    }
    if changes > 0 {
        tx.touch_elsewhere(Touched::Patient(whose.key));
    }
    if sweep.anew {
        watch.forget(series);
    }
    let left = reevaluations::done(tx, &sweep.due, rest)?;
    if left {
        watch.ask(series);
    }
    Ok(Became::Settled(left))
}

/// The replay reached the head: all its episodes are replaced, and its machines judge from here on.
fn at_the_head(
    tx: &mut Tx<'_>,
    watch: &mut Watchlist,
    sweep: &mut Sweep,
    whose: Whose,
) -> store::Result<Became> {
    let series = sweep.key();
    let arrived = match watch.arrived(series) {
        Arrived::All(arrived) => arrived,
        Arrived::TooMuch(late) => {
            sweep.miss(late);
            watch.begin(series, sweep.due.late.from);
            sweep.again();
            return Ok(Became::ReadOn);
        }
        Arrived::Forgotten => return Ok(Became::Stale),
    };
    let mut stored = Vec::with_capacity(sweep.replays.len());
    for place in 0..sweep.replays.len() {
        let Some(alerts) = unchanged(tx, sweep, place)? else {
            watch.forget(series);
            return Ok(Became::Stale);
        };
        stored.push(alerts);
    }
    sweep.hear_what_arrived(arrived);
    let head = sweep.last().unwrap_or(Instant::MIN);
    let (mut machines, mut changes): (Vec<Machine>, usize) = (Vec::new(), 0);
    for (replay, stored) in std::mem::take(&mut sweep.replays).into_iter().zip(stored) {
        let rule = replay.rule().clone();
        let replayed = replay.end();
        let reaching: Vec<_> =
            stored.into_iter().filter(|alert| alert.episode.reaches(sweep.due.late.from)).collect();
        changes += settled(tx, whose, &rule, &reaching, &replayed.episodes, head)?;
        machines.push(replayed.machine);
    }
    if changes > 0 {
        tx.touch_elsewhere(Touched::Patient(whose.key));
    }
    let speaker = sweep.speaker().clone();
    watch.know(series, speaker, machines, sweep.tail.make_contiguous());
    let left = reevaluations::done(tx, &sweep.due, sweep.missed())?;
    if left {
        watch.ask(series);
    }
    Ok(Became::Settled(left))
}

/// The stored episodes of a rule; `None` when a person cut one since the sweep began.
fn unchanged(tx: &mut Tx<'_>, sweep: &Sweep, place: usize) -> store::Result<Option<Vec<StoredAlert>>> {
    let (Some(replay), Some(known)) = (sweep.replays.get(place), sweep.cuts.get(place)) else {
        return Ok(None);
    };
    let rule = replay.rule();
    let (patient_key, since) = (sweep.due.patient_key, sweep.due.late.from.minus(rule.lookback()));
    if alerts::cuts(tx, patient_key, &rule.id, since)? != *known {
        return Ok(None);
    }
    alerts::episodes(tx, patient_key, &rule.id, since).map(Some)
}
