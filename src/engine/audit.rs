//! Seals what happened: at most a second after an act its entry has a place in the signed log.

use super::{Module, Progress};
use audit::note::Signer;
use domain::Instant;
use store::Store;
use store::audit::Sequencer;

/// Entries that one cycle places before others have their turn.
const CYCLE: usize = 8_192;

/// The sequencer as a module.
pub struct Seal {
    store: Store,
    sequencer: Sequencer,
}

impl Seal {
    /// Takes up the stored log: its newest checkpoint must be signed by `signer`, and its right edge must lead
    /// there. `zelo audit verify` checks all of it.
    ///
    /// # Errors
    /// [`store::Error::Log`] when it does not hold together; database errors.
    pub fn new(store: Store, signer: Signer) -> store::Result<Self> {
        let sequencer = Sequencer::begin(&store, signer)?;
        Ok(Self { store, sequencer })
    }
}

impl Module for Seal {
    fn name(&self) -> &'static str {
        "seal"
    }

    fn run(&mut self, now: Instant) -> store::Result<Progress> {
        let done = self.sequencer.sequence(&self.store, now, CYCLE)?;
        Ok(Progress { did: done.packed + done.placed, more: done.more })
    }
}
