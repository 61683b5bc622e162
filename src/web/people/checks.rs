//! Where passwords are checked: two at a time, each in memory that the next one uses again, behind a short queue.
//!
//! Strangers share one of the two turns, and few of them may wait: whoever this house knows finds the other turn free
//! of them. Beyond the queue the answer is `E_BUSY` with `Retry-After`. When nobody waits, the memory goes back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::code::Code;
use crate::http::fault::Fault;
use domain::people::password::Memory;

/// Passwords checked at once: each check takes 19 MiB.
const TURNS: usize = 2;
/// Who may be here at once, of those who are known and of strangers; a check takes some hundredths of a second.
const PLACES: usize = 32;
/// The same for the strangers of one network.
const OF_NETWORK: usize = 8;
/// Accounts looked up at once, before it is known who asks.
const LOOKS: usize = 8;

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Who<'a> {
    /// Somebody in a browser or a network where this account signed in before, or who is signed in.
    Known,
    /// Anybody else, of this network.
    Stranger(&'a str),
}

/// The room of passwords of one node.
pub(crate) struct Checks {
    turns: Arc<Semaphore>,
    for_strangers: Arc<Semaphore>,
    looks: Arc<Semaphore>,
    here: Mutex<Here>,
}

#[derive(Default)]
struct Here {
    known: usize,
    strangers: usize,
    networks: HashMap<String, usize>,
    idle: Vec<Memory>,
}

impl Checks {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            turns: Arc::new(Semaphore::new(TURNS)),
            for_strangers: Arc::new(Semaphore::new(1)),
            looks: Arc::new(Semaphore::new(LOOKS)),
            here: Mutex::default(),
        })
    }

    fn here(&self) -> MutexGuard<'_, Here> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits to look an account up. Goes along with the work: who asked may be gone before it is done.
    ///
    /// # Errors
    /// `E_BUSY`.
    pub(crate) async fn look(&self) -> Result<OwnedSemaphorePermit, Fault> {
        acquired(&self.looks).await
    }

    /// Waits to check a password. Goes along with the work, like [`Checks::look`].
    ///
    /// # Errors
    /// `E_BUSY` when too many wait.
    pub(crate) async fn turn(self: &Arc<Self>, who: Who<'_>) -> Result<Turn, Fault> {
        let place = self.place(who)?;
        let stranger = match who {
            Who::Known => None,
            Who::Stranger(_) => Some(acquired(&self.for_strangers).await?),
        };
        let turn = acquired(&self.turns).await?;
        let memory = self.here().idle.pop().unwrap_or_default();
        Ok(Turn { memory, place, _turn: turn, _stranger: stranger })
    }

    fn place(self: &Arc<Self>, who: Who<'_>) -> Result<Place, Fault> {
        let mut here = self.here();
        let network = match who {
            Who::Known if here.known < PLACES => {
                here.known += 1;
                None
            }
            Who::Stranger(network)
                if here.strangers < PLACES
                    && here.networks.get(network).is_none_or(|theirs| *theirs < OF_NETWORK) =>
            {
                here.strangers += 1;
                *here.networks.entry(network.to_owned()).or_default() += 1;
                Some(network.to_owned())
            }
            _ => return Err(Fault::new(Code::Busy)),
        };
        Ok(Place { checks: Arc::clone(self), network })
    }
}

async fn acquired(of: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Fault> {
    Arc::clone(of).acquire_owned().await.map_err(|_closed| Fault::new(Code::Busy))
}

/// Somebody who waits or whose password is being checked.
struct Place {
    checks: Arc<Checks>,
    /// Of a stranger.
    network: Option<String>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut here = self.checks.here();
        match &self.network {
            None => here.known = here.known.saturating_sub(1),
            Some(network) => {
                here.strangers = here.strangers.saturating_sub(1);
                if let Some(theirs) = here.networks.get_mut(network) {
                    *theirs = theirs.saturating_sub(1);
                    if *theirs == 0 {
                        here.networks.remove(network);
                    }
                }
            }
        }
        if here.known + here.strangers == 0 {
            here.idle = Vec::new();
        }
    }
}

/// Leave to check passwords, and the memory to do it in.
pub(crate) struct Turn {
    pub(crate) memory: Memory,
    place: Place,
    _turn: OwnedSemaphorePermit,
    _stranger: Option<OwnedSemaphorePermit>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let memory = std::mem::take(&mut self.memory);
        self.place.checks.here().idle.push(memory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(number: usize) -> String {
        format!("203.0.113.{number}")
    }

    #[tokio::test]
    async fn strangers_share_one_turn_and_who_is_known_never_waits_for_them() {
        let checks = Checks::new();
        let first = checks.turn(Who::Stranger("a")).await.unwrap();
        let waiting: Vec<_> = (1..PLACES)
            .map(|number| {
                let checks = Arc::clone(&checks);
                tokio::spawn(async move { checks.turn(Who::Stranger(&network(number))).await.map(drop) })
            })
            .collect();
        tokio::task::yield_now().await;
        let refused = checks.turn(Who::Stranger("b")).await.map(drop).unwrap_err();
        assert_eq!(refused.code, Code::Busy, "no more than that wait");
        let known = checks.turn(Who::Known).await.unwrap();
        assert!(waiting.iter().all(|task| !task.is_finished()), "one stranger at a time");
        drop((first, known));
        for task in waiting {
            task.await.unwrap().unwrap();
        }
        assert_eq!(checks.here().idle.len(), 0, "nobody is here: the memory is given back");
    }

    #[tokio::test]
    async fn one_network_takes_only_its_part_of_the_queue_and_who_leaves_makes_room() {
        let checks = Checks::new();
        let turn = checks.turn(Who::Stranger("a")).await.unwrap();
        let places: Vec<_> = (1..OF_NETWORK).map(|_| checks.place(Who::Stranger("a")).unwrap()).collect();
        assert!(checks.place(Who::Stranger("a")).is_err());
        drop(checks.place(Who::Stranger("b")).unwrap());
        drop(places);
        drop(checks.place(Who::Stranger("a")).unwrap());
        drop(turn);
        assert!(checks.here().networks.is_empty());
    }

    #[tokio::test]
    async fn the_same_memory_serves_whoever_waits_and_no_more_than_two_are_ever_taken() {
        let checks = Checks::new();
        let waits = checks.place(Who::Known).unwrap();
        for _ in 0..10 {
            let (one, two) = (checks.turn(Who::Known).await.unwrap(), checks.turn(Who::Known).await.unwrap());
            drop((one, two));
        }
        assert_eq!(checks.here().idle.len(), TURNS);
        drop(waits);
        assert_eq!(checks.here().idle.len(), 0);
    }
}
