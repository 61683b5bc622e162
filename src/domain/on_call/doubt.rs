//! What somebody should look at twice before a change is put in force: it can be lived, and is hardly meant.

use std::time::Duration;

use super::{Away, Change, Issue, Override, Schedule, Shift};
use crate::id::UserId;
use crate::time::Instant;
use crate::time::civil::Window;

/// Why a change is hardly meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// It begins more than half a year ahead: the year may be mistyped.
    FarAhead,
    /// It lasts more than a month.
    Long,
    /// Whoever goes is not on call in it: nothing would change, and whoever comes would not come.
    NotOnCall(UserId),
    /// Whoever comes is on call in it already.
    OnCallAlready(UserId),
    /// Whoever comes is away in some part of it.
    Absent(UserId),
}

impl Doubt {
    /// Its name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FarAhead => "far_ahead",
            Self::Long => "long",
            Self::NotOnCall(_) => "not_on_call",
            Self::OnCallAlready(_) => "on_call_already",
            Self::Absent(_) => "absent",
        }
    }

    /// Whom it is about.
    #[must_use]
    pub const fn user(self) -> Option<UserId> {
        match self {
            Self::FarAhead | Self::Long => None,
            Self::NotOnCall(user) | Self::OnCallAlready(user) | Self::Absent(user) => Some(user),
        }
    }
}

/// Half a year: whoever plans further ahead is asked.
const FAR: Duration = Duration::from_secs(183 * 86_400);
/// A month of holidays passes.
const LONG: Duration = Duration::from_secs(31 * 86_400);
/// As much of a long window is looked at.
const LOOKED_AT: Duration = Duration::from_secs(400 * 86_400);

/// What is doubtful about a window, whatever happens in it.
#[must_use]
pub fn doubts_of(window: Window, now: Instant) -> Vec<Doubt> {
    let far = window.from > now.plus(FAR);
    let long = window.to > window.from.plus(LONG);
    far.then_some(Doubt::FarAhead).into_iter().chain(long.then_some(Doubt::Long)).collect()
}

impl Schedule {
    /// Replacements that were made for one turn of somebody's and lie across its edge now, because the rotation moved:
    /// whoever gave the turn is on call for the rest of it.
    #[must_use]
    pub fn beside_turns(&self, within: Window) -> Vec<Issue> {
        let near = Window { from: within.from.minus(LONG), to: within.to.plus(LONG) };
        let planned = Self { overrides: Vec::new(), ..self.clone() }.shifts(near, Away::NOBODY);
        let beside = |over: &Override| {
            let Change::Replace(gone, _) = over.change else { return None };
            let window = Window { from: over.from, to: over.to };
            window.meet(within)?;
            let mut met =
                planned.iter().filter(|turn| turn.user == gone && turn.window.meet(window).is_some());
            // Over several turns it was made for a time, not for a turn.
            let (Some(turn), None) = (met.next().map(|turn| turn.window), met.next()) else { return None };
            let early = turn.from < window.from && turn.to < window.to;
            let late = window.from < turn.from && window.to < turn.to;
            (early || late).then_some(Issue::BesideTurn(gone, window))
        };
        self.overrides.iter().filter_map(beside).collect()
    }

    /// What is doubtful about one more override, from now on. Somebody may come in place of one who is away.
    #[must_use]
    pub fn doubts(&self, over: &Override, now: Instant, away: Away<'_>) -> Vec<Doubt> {
        let window = Window { from: over.from.max(now), to: over.to };
        let mut doubts = doubts_of(Window { from: over.from, to: over.to }, now);
        let looked_at = Window { to: window.to.min(window.from.plus(LOOKED_AT)), ..window };
        let (turns, shifts) = (self.shifts(looked_at, Away::NOBODY), self.shifts(looked_at, away));
        let holds = |shifts: &[Shift], user: UserId| shifts.iter().any(|shift| shift.user == user);
        let (gone, comes) = match over.change {
            Change::Add(comes) => (None, Some(comes)),
            Change::Remove(gone) => (Some(gone), None),
            Change::Replace(gone, comes) => (Some(gone), Some(comes)),
        };
        doubts.extend(gone.filter(|gone| !holds(&turns, *gone)).map(Doubt::NotOnCall));
        doubts.extend(comes.filter(|comes| holds(&shifts, *comes)).map(Doubt::OnCallAlready));
        doubts.extend(comes.filter(|comes| away.meets(*comes, window)).map(Doubt::Absent));
        doubts
    }
}
