//! Judgement inside the commit: what is newer than its series' head is judged at once, what is not leaves a
//! row that the engine replays from.

use crate::rules::{JudgedReading, Seen, SeriesKey, Watchlist};
use crate::store::judgement::{Fit, Whose, told};
use crate::store::{Result, Tx, reevaluations};

/// A reading that was stored just now and may be judged.
pub struct Fresh {
    /// Whose.
    pub whose: Whose,
    /// Which series.
    pub key: SeriesKey,
    /// The device's surrogate key.
    pub device_key: i64,
    /// The reading as rules compare it.
    pub reading: JudgedReading,
}

/// Judges the stored readings of one commit, each series in the order given.
pub fn judge(tx: &mut Tx<'_>, watch: &mut Watchlist, fresh: &[Fresh]) -> Result<()> {
    let mut marked: Option<SeriesKey> = None;
    for fresh in fresh {
        match watch.see(fresh.key, fresh.device_key, fresh.reading) {
            Seen::OtherSource => {}
            Seen::Replay if marked == Some(fresh.key) => {}
            Seen::Replay => {
                marked = Some(fresh.key);
                replay_later(tx, fresh)?;
            }
            Seen::Judged(changes) => {
                let rules = watch.rules().clone();
                for (index, change) in changes {
                    let Some(rule) = rules.get(index) else { continue };
                    let stretch = watch.stretch(fresh.key, fresh.reading.at.minus(rule.lookback()));
                    if told(tx, fresh.whose, rule, &change, &stretch)? == Fit::Astray {
                        watch.forget(fresh.key);
                        replay_later(tx, fresh)?;
                    }
                }
            }
        }
    }
    Ok(())
}

fn replay_later(tx: &mut Tx<'_>, fresh: &Fresh) -> Result<()> {
    reevaluations::mark(tx, fresh.key.patient_key, fresh.key.signal, fresh.reading.at)
}
