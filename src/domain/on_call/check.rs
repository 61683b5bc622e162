//! Whether a schedule can be lived: what nobody could follow, or would take for ever to unfold, is refused by name.

use super::{Change, Duty, Length, Rotation, Schedule, Team};
use crate::id::UserId;

/// What is wrong with a schedule or a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Faulty {
    /// More of something than anybody reads.
    #[error("more than {1} {0}")]
    TooMany(&'static str, usize),
    /// A turn without a length, or of more than a year.
    #[error("a turn lasts 1 hour to {MOST_TURN} hours, and a rotation has at least one")]
    Length,
    /// Months have no fixed length in hours or days.
    #[error("turns of months stand alone: all of a rotation's turns are months, or none is")]
    Months,
    /// Two turns would lie over a third.
    #[error("whoever goes stays for at most {MOST_OVERLAP} minutes, and for less than a turn")]
    Overlap,
    /// A limit over a span that is not looked at.
    #[error("hours are averaged over 1 to {MOST_WEEKS} weeks")]
    Weeks,
    /// A window that ends before it starts.
    #[error("a window ends before it starts, or a shift lies outside its temporary schedule")]
    Window,
    /// A year in which nobody is on call.
    #[error("a rotation starts between the years 2000 and 2200 and ends after it starts")]
    Starts,
    /// Nobody could be on call.
    #[error("nobody may be on call for so many hours, or for none: 1 to 168 a week")]
    Hours,
}

const MOST_TURN: i64 = 366 * 24;
const MOST_MONTHS: u16 = 12;
const MOST_OVERLAP: u16 = 240;
const MOST_WEEKS: u8 = 4;
const MOST_ROTATIONS: usize = 20;
const MOST_LENGTHS: usize = 60;
const MOST_PEOPLE: usize = 200;
const MOST_WINDOWS: usize = 1_000;

impl Duty {
    /// Whether it can be lived.
    ///
    /// # Errors
    /// [`Faulty`].
    pub fn check(&self) -> Result<(), Faulty> {
        let hours = self.need.most_in_a_week.as_secs() / 3_600;
        if !(1..=168).contains(&hours) {
            return Err(Faulty::Hours);
        }
        if !(1..=MOST_WEEKS).contains(&self.need.averaged_weeks) {
            return Err(Faulty::Weeks);
        }
        self.schedule.check()
    }
}

impl Team {
    /// Whether it can be paged.
    ///
    /// # Errors
    /// [`Faulty`].
    pub fn check(&self) -> Result<(), Faulty> {
        few("members", self.members.len(), MOST_PEOPLE)
    }
}

impl Schedule {
    /// Everybody it names.
    #[must_use]
    pub fn people(&self) -> Vec<UserId> {
        let turns = self.rotations.iter().flat_map(|rotation| rotation.people.iter().copied());
        let shifts = self.temporaries.iter().flat_map(|own| own.shifts.iter().map(|(user, ..)| *user));
        let changes = self.overrides.iter().flat_map(|over| match over.change {
            Change::Add(user) | Change::Remove(user) => vec![user],
            Change::Replace(gone, comes) => vec![gone, comes],
        });
        let mut people: Vec<UserId> = turns.chain(shifts).chain(changes).collect();
        people.sort_unstable();
        people.dedup();
        people
    }

    /// Whom its overrides and temporary schedules put on call that another version does not hold.
    #[must_use]
    pub fn newcomers(&self, before: Option<&Self>) -> Vec<UserId> {
        let overs =
            self.overrides.iter().filter(|over| before.is_none_or(|old| !old.overrides.contains(over)));
        let comes = overs.filter_map(|over| match over.change {
            Change::Add(user) | Change::Replace(_, user) => Some(user),
            Change::Remove(_) => None,
        });
        let own =
            self.temporaries.iter().filter(|own| before.is_none_or(|old| !old.temporaries.contains(own)));
        comes.chain(own.flat_map(|own| own.shifts.iter().map(|(user, ..)| *user))).collect()
    }

    fn check(&self) -> Result<(), Faulty> {
        few("rotations", self.rotations.len(), MOST_ROTATIONS)?;
        self.rotations.iter().try_for_each(Rotation::check)?;
        let shifts = self.temporaries.iter().map(|own| own.shifts.len() + 1).sum();
        few("temporary shifts", shifts, MOST_WINDOWS)?;
        few("overrides", self.overrides.len(), MOST_WINDOWS)?;
        let own = self.temporaries.iter().all(|own| {
            let inside = |from, to| own.from <= from && from < to && to <= own.to;
            own.from < own.to && own.shifts.iter().all(|(_, from, to)| inside(*from, *to))
        });
        let over = self.overrides.iter().all(|over| over.from < over.to);
        if own && over { Ok(()) } else { Err(Faulty::Window) }
    }
}

impl Rotation {
    fn check(&self) -> Result<(), Faulty> {
        few("people in a rotation", self.people.len(), MOST_PEOPLE)?;
        few("lengths of turns", self.lengths.len(), MOST_LENGTHS)?;
        let lasts = |length: &Length| match length {
            Length::Months(n) => (1..=MOST_MONTHS).contains(n),
            other => (1..=MOST_TURN).contains(&other.most_hours()),
        };
        if self.lengths.is_empty() || !self.lengths.iter().all(lasts) {
            return Err(Faulty::Length);
        }
        let months = self.lengths.iter().filter(|length| matches!(length, Length::Months(_))).count();
        if months > 0 && months < self.lengths.len() {
            return Err(Faulty::Months);
        }
        let shortest = self.lengths.iter().map(|length| length.most_hours() * 60).min().unwrap_or(0);
        if self.overlap_minutes > MOST_OVERLAP || i64::from(self.overlap_minutes) >= shortest {
            return Err(Faulty::Overlap);
        }
        let year = chrono::Datelike::year(&self.starts);
        let ends = self.ends.is_none_or(|ends| self.starts < ends);
        if (2_000..2_200).contains(&year) && ends { Ok(()) } else { Err(Faulty::Starts) }
    }
}

const fn few(what: &'static str, count: usize, most: usize) -> Result<(), Faulty> {
    if count > most { Err(Faulty::TooMany(what, most)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Instant;
    use crate::on_call::{Idle, Need, Override, Temporary};
    use crate::rules::Name;
    use crate::time::civil::Zone;

    fn duty() -> Duty {
        let starts = "2026-11-02T08:00:00".parse().unwrap();
        let rotation = Rotation {
            name: "Semana".into(),
            starts,
            ends: None,
            lengths: vec![Length::Weeks(1)],
            people: Vec::new(),
            hours: None,
            overlap_minutes: 0,
            idle_turns: Idle::Skipped,
        };
        Duty {
            name: Name { pt: "Plantão".into(), en: "On call".into() },
            need: Need {
                certificate: true,
                most_in_a_week: Duration::from_secs(60 * 3_600),
                averaged_weeks: 1,
            },
            schedule: Schedule {
                zone: Zone::SAO_PAULO,
                rotations: vec![rotation],
                temporaries: Vec::new(),
                overrides: Vec::new(),
            },
        }
    }

    #[test]
    fn what_nobody_could_follow_is_refused_by_name() {
        assert_eq!(duty().check(), Ok(()));
        let faulty = |change: &dyn Fn(&mut Duty)| {
            let mut duty = duty();
            change(&mut duty);
            duty.check().unwrap_err()
        };
        assert_eq!(faulty(&|duty| duty.need.most_in_a_week = Duration::ZERO), Faulty::Hours);
        assert_eq!(
            faulty(&|duty| duty.schedule.rotations[0].lengths = vec![Length::Hours(0)]),
            Faulty::Length
        );
        assert_eq!(faulty(&|duty| duty.schedule.rotations[0].lengths.clear()), Faulty::Length);
        let mixed = vec![Length::Months(1), Length::Weeks(1)];
        assert_eq!(faulty(&|duty| duty.schedule.rotations[0].lengths = mixed.clone()), Faulty::Months);
        let thirteen = vec![Length::Months(13)];
        assert_eq!(faulty(&|duty| duty.schedule.rotations[0].lengths = thirteen.clone()), Faulty::Length);
        assert_eq!(faulty(&|duty| duty.schedule.rotations[0].overlap_minutes = 241), Faulty::Overlap);
        let over_an_hour = |duty: &mut Duty| {
            duty.schedule.rotations[0].lengths = vec![Length::Hours(1)];
            duty.schedule.rotations[0].overlap_minutes = 60;
        };
        assert_eq!(faulty(&over_an_hour), Faulty::Overlap);
        assert_eq!(faulty(&|duty| duty.need.averaged_weeks = 0), Faulty::Weeks);
        let far = "+200000-01-01T00:00:00".parse().unwrap();
        assert_eq!(faulty(&|duty| duty.schedule.rotations[0].starts = far), Faulty::Starts);
        let at = Instant::from_secs;
        let user = UserId::new(at(0));
        let over = Override { from: at(5), to: at(5), change: Change::Add(user), meant_at: None };
        assert_eq!(faulty(&|duty| duty.schedule.overrides.push(over)), Faulty::Window);
        let own = Temporary { from: at(5), to: at(9), shifts: vec![(user, at(4), at(6))] };
        assert_eq!(faulty(&|duty| duty.schedule.temporaries.push(own.clone())), Faulty::Window);
        let many = Faulty::TooMany("overrides", MOST_WINDOWS);
        let over = Override { to: at(6), ..over };
        assert_eq!(faulty(&|duty| duty.schedule.overrides = vec![over; 1_001]), many);
    }
}
