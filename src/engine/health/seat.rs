//! Keeps this node's number among the nodes on one PostgreSQL, frees the numbers of nodes that fell silent, and
//! compares this node's clock with the database's. A node with a wrong clock stands aside while another one is right,
//! and rejoins by itself once its own is.

use std::time::Duration;

use super::clock::each_alert;
use crate::{Module, Progress};
use domain::{Clock, Instant};
use store::health::clock::{self, Back};
use store::health::nodes::{self, Clocks, Node};
use store::health::standing::{Place, Standing};
use store::{Store, Urgency, Url};

/// How often the clocks are compared.
const EVERY: Duration = Duration::from_millis(500);
/// How often a node reports that it is alive.
const BEATS: Duration = Duration::from_secs(10);

/// The node's number as a module. Its lane never stands aside: it is what brings the node back.
pub struct Seat {
    store: Store,
    clock: Clock,
    standing: Standing,
    node: Node,
    /// When it last reported, by the steady clock.
    beaten: Option<Duration>,
}

impl Seat {
    /// Keeps the number of this node.
    #[must_use]
    pub const fn new(store: Store, clock: Clock, standing: Standing, node: Node) -> Self {
        Self { store, clock, standing, node, beaten: None }
    }

    /// How far this clock is off, if the node should stand aside for it.
    fn compare(&self) -> store::Result<Option<i64>> {
        self.store.read(|view| {
            let clocks = Clocks::compare(view, &self.clock)?;
            let off_ms = clocks.off_ms();
            if self.standing.compared(off_ms) {
                tracing::warn!(
                    off_ms,
                    "this node's clock beside the database's: look at the time service (NTP)"
                );
            }
            nodes::astray(view, &self.node.id, clocks)
        })
    }

    fn stand_aside(&mut self, by_ms: i64) -> store::Result<usize> {
        let number = self.standing.number();
        self.standing.set(Place::Aside { by_ms });
        let Some(number) = number else { return Ok(0) };
        tracing::error!(
            by_ms,
            "this node's clock is off, and another node agrees with the database: it stands aside, judges nothing, calls \
             nobody and takes no telemetry. Set the clock (NTP); it joins by itself"
        );
        self.beaten = None;
        self.house(|tx| nodes::leave(tx, number, &self.node.id))?;
        Ok(1)
    }

    fn take_part(&mut self) -> store::Result<usize> {
        let steady = self.clock.steady();
        let due = self.beaten.is_none_or(|last| steady.saturating_sub(last) >= BEATS);
        let mut did = 0;
        if let Some(number) = self.standing.number() {
            if !due && self.standing.takes_part() {
                return Ok(0);
            }
            let beat = self.house(|tx| {
                let clocks = Clocks::compare(tx, &self.clock)?;
                let Some(buried) = nodes::beat(tx, number, &self.node.id, clocks)? else { return Ok(None) };
                Ok(Some(buried + clock::replan_alone(tx, Back::AsWritten)?))
            })?;
            if let Some(beat) = beat {
                self.beaten = Some(steady);
                self.standing.set(Place::Seated(number));
                return Ok(beat + each_alert(&self.store, &self.clock, self.name(), Back::AsWritten)?);
            }
            // The old number may be another node's by now: nothing is written until there is a new one.
            self.standing.doubt();
            did += 1;
        }
        let free = Node { number: None, ..self.node.clone() };
        let number = self.house(|tx| {
            let clocks = Clocks::compare(tx, &self.clock)?;
            nodes::take(tx, &free, clocks)
        })?;
        tracing::warn!(number, "this node takes part under this number from now on");
        self.beaten = Some(steady);
        self.standing.set(Place::Seated(number));
        Ok(did + 1)
    }

    fn house<T>(&self, f: impl FnOnce(&mut store::Tx<'_>) -> store::Result<T>) -> store::Result<T> {
        self.store.keep_house(Urgency::Urgent, self.name(), self.clock.now(), f)
    }
}

impl Module for Seat {
    fn name(&self) -> &'static str {
        "seat"
    }

    fn every(&self) -> Duration {
        EVERY
    }

    fn run(&mut self, _now: Instant) -> store::Result<Progress> {
        if let Url::Sqlite(_) = self.store.url() {
            // SQLite has one node: there is no other clock to compare with.
            if let Some(number) = self.standing.number() {
                self.standing.set(Place::Seated(number));
            }
            return Ok(Progress::default());
        }
        let did = match self.compare()? {
            Some(by_ms) => self.stand_aside(by_ms)?,
            None => self.take_part()?,
        };
        Ok(Progress { did, more: false })
    }
}
