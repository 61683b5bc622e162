//! A red that was found late and is still true at the head of its series pages as a new one, however old its
//! readings are. Only a backlog that is still coming in is waited for: its next message may tell that it ended.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::{Module, Progress};
use domain::{AlertId, Instant};
use rules::{SeriesKey, WATERMARK, Watchlist};
use store::alerts::late_reds::{self, LateRed};
use store::{Store, Urgency};

/// A series whose newest reading has not changed for this long brings no more for now.
pub(crate) const QUIET: Duration = Duration::from_secs(5);

/// Late reds as a module.
pub struct LateReds {
    store: Store,
    watch: Arc<Mutex<Watchlist>>,
    /// The newest reading of each series, and since when it is that one.
    waiting: HashMap<AlertId, (Option<Instant>, Instant)>,
}

impl LateReds {
    /// Pages the late reds in this store. `watch` knows the newest reading of each series.
    #[must_use]
    pub fn new(store: Store, watch: Arc<Mutex<Watchlist>>) -> Self {
        Self { store, watch, waiting: HashMap::new() }
    }

    /// The reds to page now.
    fn ripe(&mut self, standing: &[LateRed], now: Instant) -> Vec<AlertId> {
        let watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        let known = std::mem::take(&mut self.waiting);
        let mut ripe = Vec::new();
        for red in standing {
            let series = SeriesKey { patient_key: red.patient_key, signal: red.signal };
            let head = watch.head(series);
            let since = known.get(&red.id).filter(|(was, _)| *was == head).map_or(now, |(_, since)| *since);
            self.waiting.insert(red.id, (head, since));
            if head.is_some_and(|head| head >= now.minus(WATERMARK)) || now.since(since) >= QUIET {
                ripe.push(red.id);
            }
        }
        ripe
    }
}

impl Module for LateReds {
    fn name(&self) -> &'static str {
        "late_reds"
    }

    fn run(&mut self, now: Instant) -> store::Result<Progress> {
        let standing = self.store.read(late_reds::standing)?;
        let ripe = self.ripe(&standing, now);
        let mut did = 0;
        for id in ripe {
            let paged =
                self.store.keep_house(Urgency::Urgent, "late_reds", now, |tx| late_reds::page(tx, id))?;
            did += usize::from(paged);
        }
        Ok(Progress { did, more: false })
    }
}
