//! Moves readings after a binding changed. Readings measured while the device was not the patient's leave the patient
//! and go to whoever wore it, under that person's own permits and as if they came late.

use std::time::{Duration, Instant as Moment};

use consent::{Context, Datum, Permit, Request, TelemetryCollect, decide};

use crate::{Module, Progress};
use domain::{DeviceId, Instant};
use store::db::turn;
use store::devices::moves::{self, Move, Next};
use store::devices::roster::{self, PatientRow};
use store::{Store, Urgency, devices};

/// A cycle begins no further round after this: other modules of its lane wait.
const WORKING: Duration = Duration::from_secs(2);

/// The moving as a module.
pub struct Moves {
    store: Store,
    bases: consent::Bases,
}

impl Moves {
    /// The moves of this store.
    #[must_use]
    pub const fn new(store: Store, bases: consent::Bases) -> Self {
        Self { store, bases }
    }

    /// Moves one stretch of each move. Returns how many moves there are.
    pub(crate) fn round(&self, now: Instant) -> store::Result<usize> {
        let (mut did, mut failed) = (0, None);
        for due in self.store.read(moves::due)? {
            match self.step(&due, now) {
                Ok(()) => did += 1,
                // A move that fails does not hold up the others.
                Err(error) => {
                    tracing::error!(%error, "readings could not change hands; it is tried again");
                    failed = Some(error);
                }
            }
        }
        failed.map_or(Ok(did), Err)
    }

    /// Moves one stretch.
    fn step(&self, due: &Move, now: Instant) -> store::Result<()> {
        let next = self.store.read(|view| moves::next(view, due))?;
        if let Next::Waits = next {
            return Ok(());
        }
        self.store.keep_house(Urgency::Patient, "moves", now, |tx| {
            turn::share(tx)?;
            if !due.gives {
                return moves::step(tx, due, &next, None);
            }
            // The permit is decided in the transaction that stores the readings, so a revocation comes strictly before
            // or after it.
            let patient = roster::patient(tx, due.patient_key)?;
            let device = devices::id_of(tx, due.device_key)?;
            let permit = self.permit(&patient, device, tx.now());
            moves::step(tx, due, &next, Some(permit.as_ref().map_err(|code| *code)))
        })?;
        Ok(())
    }

    fn permit(
        &self,
        patient: &PatientRow,
        device: DeviceId,
        now: Instant,
    ) -> Result<Permit<TelemetryCollect>, consent::Code> {
        let context = Context {
            data: &[Datum::Reading],
            device: Some(consent::Id(device.0.into_bytes())),
            ..Context::system(now.micros())
        };
        let (records, subject) = (&patient.records, &patient.subject);
        let request = Request { bases: &self.bases, records, subject, context: &context };
        decide::<TelemetryCollect>(&request).map_err(|denied| denied.code)
    }
}

impl Module for Moves {
    fn name(&self) -> &'static str {
        "moves"
    }

    fn run(&mut self, now: Instant) -> store::Result<Progress> {
        let (began, mut did) = (Moment::now(), 0);
        loop {
            let moved = self.round(now)?;
            if moved == 0 {
                return Ok(Progress { did, more: false });
            }
            did += moved;
            if began.elapsed() > WORKING {
                return Ok(Progress { did, more: true });
            }
        }
    }
}
