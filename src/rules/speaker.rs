//! Which device speaks for a patient where several measure one signal (DESIGN §4): the preferred source, else the first
//! bound, as long as it measures. One that fell silent speaks for nobody: from then on the next in order does.

use std::time::Duration;

use domain::{DeviceId, Rule, Signal};

use super::machine::JudgedReading;

/// The devices of a patient in the order in which they speak, and how long the silence of one lasts before the next does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speaker {
    devices: Vec<DeviceId>,
    silence: Duration,
}

impl Speaker {
    /// `devices`: the preferred one first. Silent is who leaves a gap that no stretch of the rules on `signal` survives.
    #[must_use]
    pub fn new(devices: Vec<DeviceId>, rules: &[Rule], signal: Signal) -> Self {
        let looking = rules.iter().filter(|rule| rule.signal == signal);
        Self { devices, silence: looking.map(Rule::max_gap).max().unwrap_or_default() }
    }

    /// How far before an instant readings decide who speaks then.
    #[must_use]
    pub fn lookback(&self) -> Duration {
        self.silence * u32::try_from(self.devices.len().saturating_sub(1).min(4)).unwrap_or(0)
    }

    /// The place of a reading's device in the order.
    #[must_use]
    pub fn rank(&self, reading: &JudgedReading) -> usize {
        self.devices.iter().position(|device| *device == reading.device).unwrap_or(self.devices.len())
    }

    /// Whether a device that comes before this reading's spoke at its instant. `counted`: the readings that counted,
    /// ascending.
    pub fn is_spoken_for<'r>(
        &self,
        counted: impl IntoIterator<Item = &'r JudgedReading, IntoIter: DoubleEndedIterator>,
        reading: &JudgedReading,
    ) -> bool {
        let before = counted.into_iter().rev().find(|counted| counted.at <= reading.at);
        before.is_some_and(|before| {
            self.rank(before) < self.rank(reading) && reading.at.since(before.at) <= self.silence
        })
    }
}
