//! What will go wrong with a schedule before it does: nobody on call, nobody who can be reached, a certificate
//! that runs out, a backup who is the first once more, a person who carries too much.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Shift;
use crate::id::UserId;
use crate::time::Instant;
use crate::time::civil::{Window, union};

/// What a schedule must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// Whether whoever answers must hold a valid certificate.
    pub certificate: bool,
    /// The most that one person may be on call in any seven days; whole hours where it is written down.
    #[serde(rename = "most_hours_in_a_week", with = "hours")]
    pub most_in_a_week: Duration,
    /// Over how many weeks that is averaged, 1 to 4: twelve hours on and 36 off are 48 in one week and 36 in the next.
    #[serde(default = "one")]
    pub averaged_weeks: u8,
}

const fn one() -> u8 {
    1
}

mod hours {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(span.as_secs() / 3_600)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        Ok(Duration::from_secs(u64::from(u8::deserialize(from)?) * 3_600))
    }
}

/// What is known of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fitness {
    /// Whether some channel reaches them.
    pub reachable: bool,
    /// Until when their certificate is valid; `None`: they hold none.
    pub certified_until: Option<Instant>,
}

/// What is wrong, and when; the loudest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Issue {
    /// Nobody is on call.
    Gap(Window),
    /// People are on call, and no channel reaches any of them.
    NobodyReachable(Window),
    /// People are on call, and nobody of them holds a valid certificate.
    NobodyCertified(Window),
    /// A person's certificate ends while they are on call.
    CertificateEnds(UserId, Instant),
    /// A person is on call here and in a schedule that is called before this one: the second call finds the first again.
    FirstAndBackup(UserId, Window),
    /// A change was made for this person's turn, and the turn has moved since: a part of it is theirs again.
    BesideTurn(UserId, Window),
    /// Others could be called, and no channel reaches this person: from their first turn on.
    Unreachable(UserId, Instant),
    /// A certificate that is valid for longer than any: its date is a slip.
    CertificateDate(UserId, Instant),
    /// A person is on call for longer than they may be, in all schedules together: the hours of a week, on average from
    /// this instant on.
    Overload(UserId, Instant, Duration),
}

impl Issue {
    /// Its name in the API.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Gap(_) => "gap",
            Self::NobodyReachable(_) => "nobody_reachable",
            Self::NobodyCertified(_) => "nobody_certified",
            Self::CertificateEnds(..) => "certificate_ends",
            Self::FirstAndBackup(..) => "first_and_backup",
            Self::BesideTurn(..) => "beside_turn",
            Self::Unreachable(..) => "unreachable",
            Self::CertificateDate(..) => "certificate_date",
            Self::Overload(..) => "overload",
        }
    }
}

/// What is known beside a schedule.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// Whoever may be on call.
    pub people: &'a BTreeMap<UserId, Fitness>,
    /// The shifts of every other schedule.
    pub elsewhere: &'a [Shift],
    /// Of those, the shifts that a policy calls before this schedule.
    pub before: &'a [Shift],
}

/// No certificate is valid for longer: a date beyond is a slip.
pub const LONGEST_CERTIFICATE: Duration = Duration::from_secs(10 * 366 * 86_400);

const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// Everything that is wrong in a window, by kind, then by time.
#[must_use]
pub fn issues(shifts: &[Shift], within: Window, need: Need, around: Around<'_>) -> Vec<Issue> {
    let fit = |user: UserId| around.people.get(&user).copied();
    let reachable = |shift: &&Shift| fit(shift.user).is_some_and(|fit| fit.reachable);
    let mut out: Vec<Issue> = gaps(within, shifts.iter().map(|s| s.window)).map(Issue::Gap).collect();
    let covered = union(shifts.iter().map(|shift| shift.window).collect());
    for window in &covered {
        let reached = shifts.iter().filter(reachable).map(|shift| shift.window);
        out.extend(gaps(*window, reached).map(Issue::NobodyReachable));
        if need.certificate {
            let certified = shifts.iter().filter_map(|shift| {
                let until = fit(shift.user)?.certified_until?;
                Some(Window { to: shift.window.to.min(until), ..shift.window })
            });
            out.extend(gaps(*window, certified).map(Issue::NobodyCertified));
        }
    }
    if need.certificate {
        out.extend(shifts.iter().filter_map(|shift| {
            let until = fit(shift.user)?.certified_until?;
            shift.window.holds(until).then_some(Issue::CertificateEnds(shift.user, until))
        }));
        out.extend(
            firsts(shifts.iter().filter_map(|shift| {
                let until = fit(shift.user)?.certified_until?;
                (until > within.from.plus(LONGEST_CERTIFICATE)).then_some((shift.user, until))
            }))
            .map(|(user, until)| Issue::CertificateDate(user, until)),
        );
    }
    let reached = union(shifts.iter().filter(reachable).map(|shift| shift.window).collect());
    let beside = shifts.iter().filter(|shift| !reachable(shift)).filter_map(|shift| {
        let window = reached.iter().find_map(|window| window.meet(shift.window))?;
        Some((shift.user, window.from))
    });
    out.extend(firsts(beside).map(|(user, from)| Issue::Unreachable(user, from)));
    let again = shifts.iter().flat_map(|shift| {
        let same = around.before.iter().filter(|before| before.user == shift.user);
        same.filter_map(|before| Some((shift.user, before.window.meet(shift.window)?)))
    });
    out.extend(firsts(again).map(|(user, window)| Issue::FirstAndBackup(user, window)));
    out.extend(overloads(shifts, around.elsewhere, need));
    out.sort_unstable();
    out
}

/// The first of what is found of each person.
fn firsts<T: Ord>(found: impl Iterator<Item = (UserId, T)>) -> impl Iterator<Item = (UserId, T)> {
    let mut first: BTreeMap<UserId, T> = BTreeMap::new();
    for (user, what) in found {
        match first.entry(user) {
            Entry::Occupied(entry) if *entry.get() <= what => {}
            Entry::Occupied(mut entry) => drop(entry.insert(what)),
            Entry::Vacant(free) => drop(free.insert(what)),
        }
    }
    first.into_iter()
}

/// Where no window lies in one that holds them all, in order.
pub fn gaps(within: Window, windows: impl Iterator<Item = Window>) -> impl Iterator<Item = Window> {
    let mut at = within.from;
    let mut free = Vec::new();
    for window in union(windows.filter_map(|window| window.meet(within)).collect()) {
        free.push(Window { from: at, to: window.from });
        at = window.to;
    }
    free.push(Window { from: at, to: within.to });
    free.into_iter().filter(|gap| gap.from < gap.to)
}

/// The worst stretch of each person of these who carries too much in it, here and elsewhere, on average of its weeks.
/// The worst ones start where a shift starts.
fn overloads(shifts: &[Shift], elsewhere: &[Shift], need: Need) -> Vec<Issue> {
    let mut of: BTreeMap<UserId, Vec<Window>> = BTreeMap::new();
    for shift in shifts {
        of.entry(shift.user).or_default().push(shift.window);
    }
    for shift in elsewhere {
        if let Some(windows) = of.get_mut(&shift.user) {
            windows.push(shift.window);
        }
    }
    let weeks = u32::from(need.averaged_weeks.max(1));
    let carried = |windows: &[Window], from: Instant| -> Duration {
        let stretch = Window { from, to: from.plus(WEEK * weeks) };
        let all: Duration = windows.iter().filter_map(|w| w.meet(stretch)).map(|w| w.to.since(w.from)).sum();
        all / weeks
    };
    let worst = of.into_iter().filter_map(|(user, windows)| {
        let windows = union(windows);
        let loads = windows.iter().map(|window| (carried(&windows, window.from), window.from));
        let (load, from) = loads.max_by_key(|(load, from)| (*load, std::cmp::Reverse(*from)))?;
        (load > need.most_in_a_week).then_some(Issue::Overload(user, from, load))
    });
    worst.collect()
}
