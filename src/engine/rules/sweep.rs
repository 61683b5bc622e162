//! One series being judged again. It is read in stretches and without a lock, until the replay agrees with what is
//! stored or reaches the head.

use std::collections::VecDeque;
use std::time::Duration;

use consent::{AlertEvaluate, Permit};

use domain::{DeviceId, Instant, Measured, Rule};
use rules::{Episode, JudgedReading, Late, Replay, SeriesKey, Speaker};
use store::devices::roster;
use store::readings::{self, Journal, StoredReading, Want};
use store::rules::reevaluations::Due;
use store::{View, alerts};

/// How many of the last readings are remembered: the machines continue from them, and they tell a reading that arrived
/// meanwhile from one that was already read.
const TAIL: usize = 1_024;
/// A sweep that has produced this many episodes settles at the next point of agreement: one transaction writes them
/// all.
const EPISODES: usize = 64;

/// Where a sweep has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    /// It needs more of the journal than was read.
    Under,
    /// After the reading at this instant the replay is at the level that is stored; `rest` is still to be judged.
    Met {
        /// The instant.
        at: Instant,
        /// The late data that lies after it.
        rest: Option<Late>,
    },
    /// It has replayed everything that is stored.
    AtTheHead,
}

/// A series being judged again.
pub(super) struct Sweep {
    /// The row that asked for it, as it was taken.
    pub due: Due,
    /// Whether its machines are rebuilt; then readings that arrive are held back for them.
    pub anew: bool,
    missed: Option<Late>,
    pub(super) replays: Vec<Replay>,
    pub(super) tail: VecDeque<JudgedReading>,
    permit: Permit<AlertEvaluate>,
    rules: Vec<Rule>,
    devices: Vec<(i64, DeviceId)>,
    speaker: Speaker,
    from: Instant,
    stored: Vec<Vec<Episode>>,
    pub(super) cuts: Vec<Vec<Instant>>,
}

impl Sweep {
    /// Begins one lookback before the late data. `anew`: its machines are to be rebuilt.
    ///
    /// # Errors
    /// Database errors.
    pub(super) fn begin(
        view: &mut View<'_>,
        due: Due,
        permit: Permit<AlertEvaluate>,
        rules: &[Rule],
        anew: bool,
    ) -> store::Result<Self> {
        let mut devices: Vec<(i64, DeviceId)> = Vec::new();
        for (device, id, _) in roster::sources(view, due.patient_key)? {
            if !devices.contains(&(device, id)) {
                devices.push((device, id));
            }
        }
        let speaker = Speaker::new(devices.iter().map(|(_, id)| *id).collect(), rules, due.signal);
        let rules: Vec<Rule> = rules.iter().filter(|rule| rule.signal == due.signal).cloned().collect();
        let (replays, stored, cuts) = (Vec::new(), Vec::new(), Vec::new());
        let (from, missed, tail) = (due.late.from, None, VecDeque::new());
        let mut sweep =
            Self { due, anew, missed, replays, tail, permit, rules, devices, speaker, from, stored, cuts };
        sweep.restart(view)?;
        Ok(sweep)
    }

    /// Which series.
    #[must_use]
    pub(super) const fn key(&self) -> SeriesKey {
        SeriesKey { patient_key: self.due.patient_key, signal: self.due.signal }
    }

    /// What is to be read next.
    #[must_use]
    pub(super) const fn want(&self) -> Want {
        Want { patient_key: self.due.patient_key, signal: self.due.signal, from: self.from }
    }

    /// Decides which device speaks where several measure the same signal.
    #[must_use]
    pub(super) const fn speaker(&self) -> &Speaker {
        &self.speaker
    }

    /// The instant of the last reading replayed.
    #[must_use]
    pub(super) fn last(&self) -> Option<Instant> {
        self.tail.back().map(|reading| reading.at)
    }

    /// Reads the store once more, from the last reading on, for what was committed since.
    pub(super) fn again(&mut self) {
        self.from = self.last().map_or(self.start(), |last| Instant::from_micros(last.micros() + 1));
    }

    /// Replays what is stored, as far as the journal was read.
    ///
    /// # Errors
    /// The patient's key was destroyed; database errors.
    pub(super) fn advance(
        &mut self,
        view: &mut View<'_>,
        journal: &Journal,
        head: Instant,
    ) -> store::Result<Stand> {
        while self.from < journal.until() {
            let stretch = readings::stretch(view, journal, &self.permit, self.want())?;
            self.from = stretch.until;
            for reading in self.in_order(&stretch.readings) {
                self.hear(&reading);
                if let Some(met) = self.met(reading.at) {
                    return Ok(met);
                }
            }
        }
        Ok(if self.from < head { Stand::Under } else { Stand::AtTheHead })
    }

    /// Replays one reading, unless it is not newer than the last one or another device speaks.
    fn hear(&mut self, reading: &JudgedReading) {
        let heard = self.last().is_some_and(|last| reading.at <= last);
        if heard || self.speaker.is_spoken_for(&self.tail, reading) {
            return;
        }
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(*reading);
        self.replays.iter_mut().for_each(|replay| replay.hear(reading));
    }

    /// Notes a span in which readings may have been left out of the replay.
    pub(super) fn miss(&mut self, late: Late) {
        self.missed = Some(self.missed.map_or(late, |known| known.and(late)));
    }

    /// The span of readings that came too late for this sweep.
    #[must_use]
    pub(super) const fn missed(&self) -> Option<Late> {
        self.missed
    }

    /// Replays the readings that were held back. One that is not newer than the last reading was either read from the
    /// store already, or was committed between the read and the hold, and then counts as missed.
    pub(super) fn hear_what_arrived(&mut self, mut arrived: Vec<JudgedReading>) {
        arrived.sort_by_key(|reading| (reading.at, self.speaker.rank(reading)));
        let read = self.last();
        for reading in arrived {
            if read.is_none_or(|read| reading.at > read) {
                self.hear(&reading);
            } else if !self.heard(&reading) {
                self.miss(Late::at(reading.at));
            }
        }
    }

    fn heard(&self, reading: &JudgedReading) -> bool {
        let same = self.tail.iter().rev().find(|heard| heard.at <= reading.at);
        same.is_some_and(|heard| heard.at == reading.at) || self.speaker.is_spoken_for(&self.tail, reading)
    }

    fn start(&self) -> Instant {
        self.due.late.from.minus(self.lookback())
    }

    fn lookback(&self) -> Duration {
        self.rules.iter().map(Rule::lookback).max().unwrap_or_default() + self.speaker.lookback()
    }

    fn restart(&mut self, view: &mut View<'_>) -> store::Result<()> {
        self.from = self.start();
        self.tail.clear();
        (self.replays, self.stored, self.cuts) = (Vec::new(), Vec::new(), Vec::new());
        for rule in &self.rules {
            let since = self.due.late.from.minus(rule.lookback());
            let stored: Vec<Episode> = alerts::episodes(view, self.due.patient_key, &rule.id, since)?
                .into_iter()
                .map(|alert| alert.episode)
                .collect();
            let cuts = alerts::cuts(view, self.due.patient_key, &rule.id, since)?;
            self.replays.push(Replay::new(rule, &stored, &cuts, self.due.late.from));
            self.stored.push(stored);
            self.cuts.push(cuts);
        }
        Ok(())
    }

    /// In the order in which rules see them: by instant, and at one instant the preferred device first.
    fn in_order(&self, stored: &[StoredReading]) -> Vec<JudgedReading> {
        let judged = |stored: &StoredReading| {
            let (_, device) = self.devices.iter().find(|(key, _)| *key == stored.device_key)?;
            Some(JudgedReading::from(&Measured { reading: stored.reading, device: *device }))
        };
        let mut readings: Vec<JudgedReading> = stored.iter().filter_map(judged).collect();
        readings.sort_by_key(|reading| (reading.at, self.speaker.rank(reading)));
        readings
    }

    fn met(&self, at: Instant) -> Option<Stand> {
        let done = at >= self.due.late.until.plus(self.lookback());
        let enough = self.replays.iter().any(|replay| replay.episode_count() >= EPISODES);
        if at < self.due.late.from || !(done || enough) {
            return None;
        }
        let mut rules = self.replays.iter().zip(&self.stored);
        let met = rules.all(|(replay, stored)| replay.met(stored, at).is_some());
        let next = Instant::from_micros(at.micros().saturating_add(1));
        let rest = (!done).then_some(Late { from: next, until: self.due.late.until });
        met.then_some(Stand::Met { at, rest })
    }
}
