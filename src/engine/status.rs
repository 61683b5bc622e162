//! The status of the engine, for the status page and the metrics.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Progress;
use domain::Instant;

/// The status of one module.
#[derive(Debug, Clone, Default)]
pub struct ModuleStatus {
    /// When it first ran.
    pub first_run_at: Option<Instant>,
    /// When it last ran.
    pub last_run_at: Option<Instant>,
    /// When it last ran without an error.
    pub last_ok_at: Option<Instant>,
    /// How long the last cycle took.
    pub took: Duration,
    /// How many cycles it has run.
    pub runs: u64,
    /// How many things it has done.
    pub did: u64,
    /// The last error, until a cycle succeeds.
    pub error: Option<String>,
}

/// The status of every module. Cheap to clone.
#[derive(Clone, Default)]
pub struct Status(Arc<Mutex<BTreeMap<&'static str, ModuleStatus>>>);

impl Status {
    /// Records a cycle.
    pub(super) fn record(
        &self,
        name: &'static str,
        now: Instant,
        took: Duration,
        done: &store::Result<Progress>,
    ) {
        let mut modules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let module = modules.entry(name).or_default();
        module.first_run_at.get_or_insert(now);
        module.last_run_at = Some(now);
        module.took = took;
        module.runs += 1;
        match done {
            Ok(progress) => {
                module.last_ok_at = Some(now);
                module.error = None;
                module.did += u64::try_from(progress.did).unwrap_or(0);
            }
            Err(error) => module.error = Some(error.without_row()),
        }
    }

    /// The modules without a successful cycle for `long`. A last success in the future was recorded on a wrong clock
    /// and does not count.
    #[must_use]
    pub fn silent(&self, now: Instant, long: Duration) -> Vec<&'static str> {
        let lately = now.minus(long)..=now.plus(long);
        let ok = |module: &ModuleStatus| {
            module.last_ok_at.or(module.first_run_at).is_some_and(|at| lately.contains(&at))
        };
        self.modules().into_iter().filter(|(_, module)| !ok(module)).map(|(name, _)| name).collect()
    }

    /// Every module, by name.
    #[must_use]
    pub fn modules(&self) -> Vec<(&'static str, ModuleStatus)> {
        let modules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        modules.iter().map(|(name, module)| (*name, module.clone())).collect()
    }
}
