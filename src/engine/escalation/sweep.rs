//! Looks at the waiting escalations again when somebody can be called who could not before, or can no longer: all of
//! them, a piece in each cycle, so that what is due is not held up by however many wait.

use std::time::Duration;

use domain::{AlertId, Instant};
use store::escalation::paging::{self, Losses};
use store::escalation::{self, Callees, Place};
use store::{Store, Urgency};

/// Pieces read in one cycle; each is at most some five hundred escalations.
const PIECES: usize = 4;
/// How often it looks whether somebody came on call.
const LOOKS: Duration = Duration::from_secs(10);
/// A call becomes visible at most this long after the instant it carries, for that is when its transaction began. One
/// that was under way while somebody came is found by a second sweep after this time.
const SEEN_WITHIN: Duration = Duration::from_secs(30);

/// Sweeps over the waiting escalations.
pub(super) struct Sweeps {
    store: Store,
    /// Who was out of reach when the last sweep began.
    lost: Option<Losses>,
    /// When it last looked who can be called, and what it saw.
    seen: Option<(Instant, Callees)>,
    /// Whether another sweep is to begin.
    is_wanted: bool,
    /// Where the sweep under way stands.
    place: Option<Place>,
    /// When the second sweep is due, and when that was planned.
    second: Option<(Instant, Instant)>,
    /// Alerts whose escalation is to be looked at, also those that somebody held when it was.
    found: Vec<AlertId>,
}

impl Sweeps {
    pub(super) const fn new(store: Store) -> Self {
        Self { store, lost: None, seen: None, is_wanted: false, place: None, second: None, found: Vec::new() }
    }

    /// A piece of the sweep under way. Begins one if somebody came or was lost. Returns how many escalations called
    /// somebody, and whether there is more to look at.
    pub(super) fn run(&mut self, now: Instant) -> store::Result<(usize, bool)> {
        self.notice_losses(now)?;
        self.notice_callees(now)?;
        self.notice_time(now);
        // What changes during a sweep begins another one after it, for what it has passed was judged by what was known
        // before. Beginning anew at once would never reach the end while people are lost one after the other.
        if self.is_wanted && self.place.is_none() {
            (self.is_wanted, self.place) = (false, Some(Place::first(now)));
        }
        for _piece in 0..PIECES {
            let Some(place) = &self.place else { break };
            let (found, next) = self.store.read(|view| escalation::waiting(view, place, now))?;
            self.found.extend(found);
            self.place = next;
        }
        Ok((self.look_again(now), self.is_wanted || self.place.is_some()))
    }

    fn want(&mut self, now: Instant) {
        self.is_wanted = true;
        self.second = Some((now.plus(SEEN_WITHIN), now));
    }

    fn notice_losses(&mut self, now: Instant) -> store::Result<()> {
        let lost = self.store.read(paging::losses)?;
        if self.lost.as_ref() != Some(&lost) {
            self.want(now);
        }
        self.lost = Some(lost);
        Ok(())
    }

    fn notice_callees(&mut self, now: Instant) -> store::Result<()> {
        let last = self.seen.as_ref().filter(|(at, _)| *at <= now);
        if last.is_some_and(|(at, _)| now.since(*at) < LOOKS) {
            return Ok(());
        }
        let seen = self.store.read(|view| escalation::callees(view, now))?;
        if last.is_none_or(|(_, before)| seen.gained_on(before)) {
            self.want(now);
        }
        self.seen = Some((now, seen));
        Ok(())
    }

    fn notice_time(&mut self, now: Instant) {
        // A clock that was set back makes it due: the time that it waits for may be far away.
        if self.second.is_some_and(|(at, planned)| now >= at || now < planned) {
            (self.is_wanted, self.second) = (true, None);
        }
    }

    /// Checks escalations again. Returns how many moved on. One at fault does not hold up the others.
    fn look_again(&mut self, now: Instant) -> usize {
        let mut did = 0;
        for alert in std::mem::take(&mut self.found) {
            let looked = self
                .store
                .keep_house(Urgency::Urgent, "escalate", now, |tx| escalation::look_again(tx, alert));
            match looked {
                Ok(true) => did += 1,
                Ok(false) => self.found.push(alert),
                Err(error) => {
                    tracing::error!(%alert, %error, "an escalation is not looked at again; it waits its time out")
                }
            }
        }
        did
    }
}
