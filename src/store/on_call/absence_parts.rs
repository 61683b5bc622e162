//! How an absence is stored: from when each person stands in, and since when each part of it is known. A part that a
//! change adds counts as known from the change on, so it overrides what was confirmed before; a part that stays
//! counts as known since it was recorded, so the past does not change.

use serde::{Deserialize, Serialize};

use domain::Instant;
use domain::on_call::{Absence, Cover, gaps};
use domain::time::civil::Window;

/// An end as it is stored: whoever stands in is written in whole milliseconds, and a shorter rest would be nobody's.
pub(super) fn as_stored(at: Instant) -> Instant {
    Instant::from_micros(at.micros().div_euclid(1_000) * 1_000)
}

/// Who stands in from an instant on: turns are listed a moment before they are noted, and who is ill now is away from
/// now.
pub(super) fn from_then_on(covers: &[Cover], at: Instant) -> Vec<Cover> {
    let ahead = covers.iter().map(|cover| Cover { to: as_stored(cover.to), ..cover.clone() });
    let ahead = ahead.filter(|cover| cover.to > at);
    ahead.map(|cover| Cover { from: cover.from.max(at), ..cover }).collect()
}

/// Whether these stand in, as they were asked for when the absence was noted.
pub(super) fn stand_in_so(noted: &Absence, covers: &[Cover]) -> bool {
    let asked = from_then_on(covers, noted.known_at).into_iter();
    let asked = asked.map(|cover| Cover { from: as_stored(cover.from), ..cover });
    asked.eq(noted.covers.iter().cloned())
}

/// A part of an absence, and since when the house knows of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    from: Instant,
    to: Instant,
    known_at: Instant,
}

impl Part {
    const fn window(self) -> Window {
        Window { from: self.from, to: self.to }
    }

    fn within(self, window: Window) -> Option<Self> {
        let Window { from, to } = self.window().meet(window)?;
        Some(Self { from, to, ..self })
    }
}

/// The parts of an absence in order of time; one that was never changed has one.
fn parts(absence: &Absence, stored: &[Part]) -> Vec<Part> {
    let Absence { window, known_at, .. } = *absence;
    if stored.is_empty() {
        return vec![Part { from: window.from, to: window.to, known_at }];
    }
    stored.iter().filter_map(|part| part.within(window)).collect()
}

/// The same once the absence is moved to another window: what is new in it is known from now on.
pub(super) fn moved(absence: &Absence, stored: &[Part], window: Window, now: Instant) -> Vec<Part> {
    let mut all: Vec<Part> =
        parts(absence, stored).into_iter().filter_map(|part| part.within(window)).collect();
    let known: Vec<Window> = all.iter().map(|part| part.window()).collect();
    let new = gaps(window, known.into_iter());
    all.extend(new.map(|Window { from, to }| Part { from, to, known_at: now }));
    all.sort_unstable();
    all
}

/// As whoever unfolds a schedule meets it: one absence for each part.
pub(super) fn unfolded(absence: &Absence, stored: &[Part]) -> Vec<Absence> {
    let one = |part: Part| Absence { window: part.window(), known_at: part.known_at, ..absence.clone() };
    parts(absence, stored).into_iter().map(one).collect()
}
