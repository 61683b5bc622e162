//! Places audit entries in the signed log, at most a second after the act.

pub mod verification;

use super::{Module, Progress};
use audit::note::Signer;
use domain::Instant;
use store::Store;
use store::audit::Sequencer;

/// Entries placed in one cycle, before other modules have their turn.
const CYCLE: usize = 8_192;

/// The sequencer as a module.
pub struct Seal {
    store: Store,
    sequencer: Sequencer,
}

impl Seal {
    /// Continues the stored log: its newest checkpoint must be signed by `signer`, and its right edge must lead to that
    /// checkpoint. `zelo audit verify` checks the rest.
    ///
    /// # Errors
    /// [`store::Error::Log`] when the log is inconsistent; database errors.
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
