//! Judgement inside the commit: what is newer than its series' head is judged at once, what is not leaves a
//! row that the engine replays from.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::Instant;
use rules::{Change, JudgedReading, Late, Seen, SeriesKey, Watchlist};
use store::rules::judgement::{self, Fit, Whose};
use store::rules::reevaluations;
use store::{Result, Tx};

/// A reading that was stored just now and may be judged.
pub(super) struct Fresh {
    /// Whose.
    pub whose: Whose,
    /// Which series.
    pub key: SeriesKey,
    /// The reading as rules compare it.
    pub reading: JudgedReading,
}

/// A mark reaches so far beyond the late reading: a backlog that comes in is not marked message by message.
const BEYOND: Duration = Duration::from_secs(3_600);

/// A change that a machine found, with the readings that its finding is made from.
struct Found<'f> {
    fresh: &'f Fresh,
    rule: usize,
    change: Change,
    stretch: Vec<JudgedReading>,
}

/// Judges the stored readings of one commit, each series in the order given. `alone`: no other node settles what
/// this one marks, so that a mark that stands is not written again.
pub(super) fn judge(tx: &mut Tx<'_>, watch: &mut Watchlist, fresh: &[Fresh], alone: bool) -> Result<()> {
    let (mut found, mut marks) = (Vec::new(), BTreeMap::new());
    let rules = watch.rules().clone();
    for fresh in fresh {
        match watch.see(fresh.key, fresh.reading) {
            Seen::OtherSource | Seen::Held => {}
            Seen::Replay => {
                let late = Late { from: fresh.reading.at, until: fresh.reading.at.plus(BEYOND) };
                marks
                    .entry(fresh.key)
                    .and_modify(|known: &mut Late| *known = known.and(late))
                    .or_insert(late);
            }
            Seen::Judged(changes) => found.extend(changes.into_iter().filter_map(|(rule, change)| {
                let from = fresh.reading.at.minus(rules.get(rule)?.lookback());
                Some(Found { fresh, rule, change, stretch: watch.stretch(fresh.key, from) })
            })),
        }
    }
    mark(tx, watch, &marks, alone)?;
    let mut astray = BTreeMap::new();
    for Found { fresh, rule, change, stretch } in found {
        // What an astray machine goes on to tell is as wrong.
        let Some(rule) = rules.get(rule).filter(|_| !astray.contains_key(&fresh.key)) else { continue };
        if judgement::apply(tx, fresh.whose, rule, &change, &stretch)? == Fit::Astray {
            watch.forget(fresh.key);
            // What is stored cannot be met again.
            astray.entry(fresh.key).or_insert(Late { from: fresh.reading.at, until: Instant::MAX });
        }
    }
    mark(tx, watch, &astray, alone)
}

fn mark(
    tx: &mut Tx<'_>,
    watch: &mut Watchlist,
    marks: &BTreeMap<SeriesKey, Late>,
    alone: bool,
) -> Result<()> {
    let mut fresh = Vec::new();
    for (key, late) in marks {
        if !(alone && watch.stands(*key, *late)) {
            fresh.push((key.patient_key, key.signal, *late));
        }
    }
    reevaluations::mark_all(tx, &fresh)
}
