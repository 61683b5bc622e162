//! People who are away: a fact about a person that stands over every schedule, those of later days too.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Because, Override, Shift};
use crate::id::UserId;
use crate::time::Instant;
use crate::time::civil::{Window, union};

/// Somebody is away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absence {
    /// Who.
    pub user: UserId,
    /// When. It begins when the house knew of it at the earliest, so that it changes nothing that was.
    pub window: Window,
    /// Since when the house knows. An override that was confirmed after that goes before it.
    pub known_at: Instant,
    /// Who stands in.
    pub covers: Vec<Cover>,
}

/// Somebody stands in for a turn, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cover {
    /// In which schedule.
    pub schedule: String,
    /// From when.
    pub from: Instant,
    /// Until when.
    pub to: Instant,
    /// Who.
    pub by: UserId,
}

/// Everybody who is away in the time that is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Absences(Vec<Absence>);

/// They, as one schedule meets them.
#[derive(Debug, Clone, Copy)]
pub struct Away<'a> {
    absences: &'a [Absence],
    schedule: &'a str,
}

impl Cover {
    /// When.
    #[must_use]
    pub const fn window(&self) -> Window {
        Window { from: self.from, to: self.to }
    }
}

impl Absences {
    /// These.
    #[must_use]
    pub const fn new(absences: Vec<Absence>) -> Self {
        Self(absences)
    }

    /// As a schedule meets them.
    #[must_use]
    pub fn in_schedule<'a>(&'a self, schedule: &'a str) -> Away<'a> {
        Away { absences: &self.0, schedule }
    }

    /// Whoever is away at an instant, and until when.
    #[must_use]
    pub fn ends(&self, at: Instant) -> BTreeMap<UserId, Instant> {
        let there = self.0.iter().filter(|one| one.window.holds(at));
        let whole = |one: &Absence| union(self.of(one.user).collect()).into_iter().find(|own| own.holds(at));
        there.filter_map(|one| Some((one.user, whole(one)?.to))).collect()
    }

    /// When somebody is away.
    pub fn of(&self, user: UserId) -> impl Iterator<Item = Window> {
        self.0.iter().filter(move |one| one.user == user).map(|one| one.window)
    }
}

impl Away<'_> {
    /// Nobody is: who would be on call if all were there.
    pub const NOBODY: Self = Away { absences: &[], schedule: "" };

    /// Whether somebody is away in some part of a window.
    #[must_use]
    pub fn meets(self, user: UserId, window: Window) -> bool {
        self.absences.iter().any(|one| one.user == user && one.window.meet(window).is_some())
    }

    /// Whether somebody stands in for a person who is away, in some part of a window.
    #[must_use]
    pub fn is_covered(self, user: UserId, window: Window) -> bool {
        let absences = self.absences.iter().filter(|one| one.user == user);
        let away = absences.filter_map(|one| Some((one, one.window.meet(window)?)));
        let mut covers = away.flat_map(|(one, away)| one.covers.iter().map(move |cover| (cover, away)));
        covers.any(|(cover, away)| cover.schedule == self.schedule && cover.window().meet(away).is_some())
    }

    /// What is left of shifts without those who are away, with whoever stands in, unless they are away themselves.
    pub(super) fn take_out(self, shifts: Vec<Shift>, overrides: &[Override]) -> Vec<Shift> {
        let meant = |shift: &Shift, absence: &Absence| match shift.because {
            Because::Override(place) => overrides
                .get(place)
                .and_then(|over| over.meant_at)
                .is_some_and(|meant_at| meant_at >= absence.known_at),
            _ => false,
        };
        // Who stands in for somebody may be away later, with somebody who stands in for them.
        let mut in_order: Vec<&Absence> = self.absences.iter().collect();
        in_order.sort_by_key(|absence| absence.known_at);
        let mut present = shifts;
        for absence in in_order {
            let mut rest = Vec::with_capacity(present.len());
            for shift in present {
                let away = shift.window.meet(absence.window);
                let Some(away) = away.filter(|_| shift.user == absence.user && !meant(&shift, absence))
                else {
                    rest.push(shift);
                    continue;
                };
                rest.extend(shift.without(absence.window));
                let covers = absence.covers.iter().filter(|cover| cover.schedule == self.schedule);
                rest.extend(covers.filter_map(|cover| {
                    let window = cover.window().meet(away)?;
                    Some(Shift { window, user: cover.by, because: Because::StandsInFor(absence.user) })
                }));
            }
            present = rest;
        }
        for absence in self.absences {
            let there = |shift: Shift| match (shift.user == absence.user, &shift.because) {
                (true, Because::StandsInFor(_)) => shift.without(absence.window),
                _ => vec![shift],
            };
            present = present.into_iter().flat_map(there).collect();
        }
        present
    }
}
