//! Whether this node takes part, and under which number, or why it stands aside. Everything that writes for the node
//! asks here first, and waits while it is unknown whether the clock is right.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Where this node stands among the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It takes part under this number.
    Seated(u8),
    /// Its clock was stepped and nobody has compared it with the others' yet, or its number may be another's by now.
    Doubtful(u8),
    /// Its clock is off, in milliseconds (negative: behind), while another node agrees with the database.
    Aside {
        /// Against the database's clock.
        by_ms: i64,
    },
}

/// The place, shared by everything that runs on the node. Cheap to clone.
#[derive(Clone)]
pub struct Standing(Arc<(Mutex<Stand>, Condvar)>);

struct Stand {
    place: Place,
    closed: bool,
    off_ms: i64,
    /// Counts how often it took a number, or was confirmed after a doubt.
    seatings: u64,
}

/// A clock that is off by less counts as right.
pub const ANNOUNCED_FROM_MS: i64 = 2_000;

impl Standing {
    /// Begins at a place.
    #[must_use]
    pub fn new(place: Place) -> Self {
        Self(Arc::new((Mutex::new(Stand { place, closed: false, off_ms: 0, seatings: 0 }), Condvar::new())))
    }

    /// The place now.
    #[must_use]
    pub fn place(&self) -> Place {
        self.stand().place
    }

    /// Whether the node may write.
    #[must_use]
    pub fn takes_part(&self) -> bool {
        matches!(self.place(), Place::Seated(_))
    }

    /// By how much the clock is off, in milliseconds, when the node stands aside.
    #[must_use]
    pub fn aside(&self) -> Option<i64> {
        match self.place() {
            Place::Aside { by_ms } => Some(by_ms),
            Place::Seated(_) | Place::Doubtful(_) => None,
        }
    }

    /// Records how many milliseconds this clock is off from the database's (negative: behind). Returns whether that is
    /// news: it went past two seconds, or came back within.
    pub fn compared(&self, off_ms: i64) -> bool {
        let mut stand = self.stand();
        let announced = |off: i64| off.abs() >= ANNOUNCED_FROM_MS;
        let news = announced(stand.off_ms) != announced(off_ms);
        stand.off_ms = off_ms;
        news
    }

    /// By how many milliseconds this clock is off, where it is two seconds or more.
    #[must_use]
    pub fn off(&self) -> Option<i64> {
        let off_ms = self.stand().off_ms;
        (off_ms.abs() >= ANNOUNCED_FROM_MS).then_some(off_ms)
    }

    /// The node's number, as long as it has one.
    #[must_use]
    pub fn number(&self) -> Option<u8> {
        match self.place() {
            Place::Seated(number) | Place::Doubtful(number) => Some(number),
            Place::Aside { .. } => None,
        }
    }

    /// The node stands at `place` from now on.
    pub fn set(&self, place: Place) {
        let mut stand = self.stand();
        stand.seatings += u64::from(matches!(place, Place::Seated(_)) && stand.place != place);
        stand.place = place;
        drop(stand);
        self.0.1.notify_all();
    }

    /// Changes whenever the node may have been without its number meanwhile: another node may have had it.
    #[must_use]
    pub fn seating(&self) -> u64 {
        self.stand().seatings
    }

    /// The clock was stepped, or the number is lost: nothing is written until somebody has looked.
    pub fn doubt(&self) {
        let mut stand = self.stand();
        if let Place::Seated(number) = stand.place {
            stand.place = Place::Doubtful(number);
        }
    }

    /// Waits until the node takes part, and under which number; `None`: it stops before that.
    #[must_use]
    pub fn wait(&self) -> Option<u8> {
        let waits = |stand: &mut Stand| !stand.closed && !matches!(stand.place, Place::Seated(_));
        let stand = self.0.1.wait_while(self.stand(), waits).unwrap_or_else(PoisonError::into_inner);
        if let Place::Seated(number) = stand.place { Some(number) } else { None }
    }

    /// The node stops: nobody waits any longer.
    pub fn close(&self) {
        self.stand().closed = true;
        self.0.1.notify_all();
    }

    fn stand(&self) -> MutexGuard<'_, Stand> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_told_from_two_seconds_on_and_once() {
        let standing = Standing::new(Place::Seated(0));
        assert!(!standing.compared(1_999));
        assert_eq!(standing.off(), None);
        assert!(standing.compared(-2_000));
        assert_eq!(standing.off(), Some(-2_000));
        assert!(!standing.compared(5_000) && standing.compared(0));
    }

    #[test]
    fn a_seat_that_was_in_doubt_is_another_seating_under_the_same_number() {
        let standing = Standing::new(Place::Seated(3));
        let first = standing.seating();
        standing.set(Place::Seated(3));
        assert_eq!(standing.seating(), first);
        standing.doubt();
        standing.set(Place::Seated(3));
        assert_ne!(standing.seating(), first);
    }
}
