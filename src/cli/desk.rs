//! Where an operator's command works: the settings, the locked data directory and its open database.

use super::error::{Error, Result};
use super::out::Out;
use crate::config::Options;
use domain::{Clock, Instant};
use store::db::init;
use store::db::page::{Ask, MOST, Page};
use store::health::nodes::Clocks;
use store::home::Home;
use store::keys::kek::Keks;
use store::{Actor, Store, Tx, View};

/// An open data directory.
pub(super) struct Desk {
    /// Holds the lock.
    pub home: Home,
    /// The database.
    pub store: Store,
    /// How to answer.
    pub out: Out,
    clock: Clock,
}

impl Desk {
    /// Opens what the settings name.
    pub(super) fn open(options: &Options, out: Out, clock: &Clock) -> Result<Self> {
        let home = Home::existing(&options.data_dir)?;
        home.require_restored()?;
        let store = Store::open(&options.database, Keks::load(&home.keys())?)?;
        Clocks::set(&store, clock)?;
        require_initialised(&store)?;
        Ok(Self { home, store, out, clock: clock.clone() })
    }

    /// The present instant.
    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Changes something, as the operator.
    pub(super) fn write<T>(&self, f: impl FnMut(&mut Tx<'_>) -> store::Result<T>) -> Result<T> {
        Ok(self.store.write(Actor::Operator, self.now(), f)?)
    }

    /// Every row of a list.
    pub(super) fn all<T>(
        &self,
        mut page: impl FnMut(&mut View<'_>, &Ask) -> store::Result<Page<T>>,
    ) -> Result<Vec<T>> {
        let mut rows = Vec::new();
        let mut ask = Ask { limit: MOST, ..Ask::default() };
        loop {
            let next = self.store.read(|view| page(view, &ask))?;
            rows.extend(next.items);
            match next.next {
                Some(after) => ask.after = after,
                None => return Ok(rows),
            }
        }
    }
}

/// Refuses a database whose `init` broke off.
pub(super) fn require_initialised(store: &Store) -> Result<()> {
    if init::is_initialised(store)? {
        return Ok(());
    }
    Err(Error::Missing("the database has no first rows yet: run `zelo init` to its end".into()))
}

/// Reads an id, a date or the like out of an argument.
pub(super) fn read<T: std::str::FromStr>(what: &str, text: &str) -> Result<T>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|fault| Error::Usage(format!("{what} {text:?}: {fault}")))
}

/// Reads an instant.
pub(super) fn instant(text: &str) -> Result<Instant> {
    Instant::parse(text)
        .ok_or_else(|| Error::Usage(format!("{text:?} is not an instant: write it as 2026-11-22T12:00:00Z")))
}
