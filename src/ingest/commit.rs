//! One commit for whatever is queued: who sent it, whose it is, whether consent permits it, the rows, the
//! receipts, the judgement. Nothing is answered before it is durable; nothing that failed is answered at all.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use consent::{AlertEvaluate, Context, Datum, Denied, Permit, Request, TelemetryCollect, decide};

use super::admit::{Admitted, Content};
use super::answer::{Part, Verdict, answer};
use super::judge::{Fresh, judge};
use super::ledger::Ledger;
use super::normal::Normalised;
use super::roster::{PatientCopy, Roster};
use super::{ANNOUNCE_EVERY, Options, SharedWatchlist, Stats, lock};
use crate::audit::pack::Pack;
use crate::domain::{Clock, DeviceId, Instant, Measured, PatientId, Reading};
use crate::rules::{JudgedReading, SeriesKey};
use crate::store::judgement::Whose;
use crate::store::quarantine::{self, Aside, Unreadable};
use crate::store::roster::DeviceRow;
use crate::store::telemetry::{self, Batch, ReceiptRef};
use crate::store::{Result, Store, Subject, Touched, Tx, Urgency, receipts};

/// What was decided of a message, as its receipt carries it: 0 taken whole, a consent code's number when
/// consent refused it, and these.
pub mod decision {
    /// Taken, but for some parts.
    pub const IN_PART: u8 = 100;
    /// Nothing in it could be taken.
    pub const NOTHING: u8 = 101;
    /// It cannot be read.
    pub const UNREADABLE: u8 = 102;
    /// Over a quota.
    pub const QUOTA: u8 = 103;
    /// The device is nobody's.
    pub const NOT_BOUND: u8 = 104;
}

/// Commits groups of messages, one after the other.
pub struct Committer {
    store: Store,
    clock: Clock,
    bases: consent::Bases,
    watch: SharedWatchlist,
    committed: Box<dyn Fn() + Send>,
    stats: Arc<Stats>,
    roster: Roster,
    ledger: Ledger,
    batch: Batch,
    announced: HashMap<PatientId, Instant>,
}

/// One message on its way through a commit.
struct Planned {
    verdict: Verdict,
    parts: Vec<Part>,
    rows: Range<usize>,
    readings: Vec<Reading>,
    device: Option<Arc<DeviceRow>>,
    patient: Option<Arc<PatientCopy>>,
    received: Option<ReceiptRef>,
    decision: u8,
    epoch: i64,
}

/// What consent says of one patient's device in this commit.
struct Standing {
    collect: std::result::Result<Permit<TelemetryCollect>, Denied>,
    evaluate: std::result::Result<Permit<AlertEvaluate>, Denied>,
}

type Standings = HashMap<(i64, DeviceId), Standing>;

impl Committer {
    /// A committer that begins after the last second that has receipts.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn new(store: Store, clock: Clock, options: Options, stats: Arc<Stats>) -> Result<Self> {
        let last = store.read(receipts::last_second)?;
        Ok(Self {
            store,
            clock,
            bases: options.bases,
            watch: options.watch,
            committed: options.committed,
            stats,
            roster: Roster::default(),
            ledger: Ledger::new(options.node, last),
            batch: Batch::default(),
            announced: HashMap::new(),
        })
    }

    /// Commits a group and answers it. When the group cannot be committed each message is tried alone, so
    /// that a bad one fails only itself.
    pub fn commit(&mut self, group: &mut Vec<Admitted>) {
        let count = group.len();
        match self.attempt(group) {
            Ok(planned) => self.tell(group.drain(..), planned),
            Err(error) if count == 1 => {
                tracing::error!(%error, "a message could not be committed");
                Stats::add(&self.stats.not_stored, 1);
                group.clear();
            }
            Err(error) => {
                tracing::warn!(%error, messages = count, "a group could not be committed; trying each alone");
                for message in group.drain(..) {
                    let mut alone = vec![message];
                    match self.attempt(&alone) {
                        Ok(planned) => self.tell(alone.drain(..), planned),
                        Err(error) => {
                            tracing::error!(%error, "a message could not be committed");
                            Stats::add(&self.stats.not_stored, 1);
                        }
                    }
                }
            }
        }
        self.stats.queued.fetch_sub(u64::try_from(count).unwrap_or(0), std::sync::atomic::Ordering::Relaxed);
    }

    fn attempt(&mut self, group: &[Admitted]) -> Result<Vec<Planned>> {
        let now = self.clock.now();
        let store = self.store.clone();
        let done = store.keep_house(Urgency::Patient, "ingest", now, |tx| {
            let touched = store.take_touched();
            self.forget(&touched);
            self.roster.refresh(store.url(), &touched);
            self.transact(tx, group, now)
        });
        if done.is_err() {
            // What memory learned in a transaction that is gone must be forgotten with it.
            self.roster.clear();
            self.ledger.rolled_back();
            let keys: Vec<i64> = self.batch.patients().collect();
            let mut watch = lock(&self.watch);
            keys.into_iter().for_each(|key| watch.forget_patient(key));
        }
        done
    }

    fn forget(&self, touched: &[Touched]) {
        if touched.is_empty() {
            return;
        }
        let mut watch = lock(&self.watch);
        for touched in touched {
            if let Touched::Patient(key) = touched {
                watch.forget_patient(*key);
            }
        }
    }

    fn transact(&mut self, tx: &mut Tx<'_>, group: &[Admitted], now: Instant) -> Result<Vec<Planned>> {
        self.batch.clear();
        self.ledger.begin(now);
        let mut standings = Standings::new();
        let mut planned = Vec::with_capacity(group.len());
        for message in group {
            planned.push(self.plan(tx, message, &mut standings, now)?);
        }
        let appended = telemetry::append(tx, &self.batch)?;
        set_aside_conflicts(tx, &mut planned, &appended.conflicts)?;
        let kept = Kept::new(self.batch.len(), &appended);
        let pack = self.ledger.receipts(tx, &planned, group, &kept)?;
        receipts::append(tx, self.ledger.second(), self.ledger.node(), &pack)?;
        let fresh = fresh(&planned, group, &kept, &standings, &self.watch);
        judge(tx, &mut lock(&self.watch), &fresh)?;
        Ok(planned)
    }
}
