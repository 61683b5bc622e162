//! The verification of the whole log, as a job: what `zelo audit verify` does on a stopped node, while this one runs. A
//! break is told at once to those who answer for the log.

use std::sync::Arc;
use std::time::Duration;

use crate::jobs::{Found, Kind, Work};
use crate::messages::notice::{Notice, send};
use audit::note::Vkey;
use domain::Role;
use domain::messages::Class;
use store::audit::{self as log, BROKEN, VERIFICATION, WHOLE};
use store::live::pace::Pace;
use store::messages::{About, Topic};
use store::{Error, Store, Tx};

/// How long word of a break is worth sending.
const WORD_LASTS: Duration = Duration::from_secs(7 * 86_400);
/// What is wrong is told in at most so many characters.
const MOST_WORDS: usize = 1_000;

/// A checkpoint that is kept outside the database; `None`: there is none.
pub type KeptHead = Arc<dyn Fn() -> Result<Option<String>, String> + Send + Sync>;

/// The verification as a kind of job.
pub struct Verification {
    key: Vkey,
    kept: KeptHead,
}

impl Verification {
    /// Verifies under this key; what `kept` gives must be part of the log's past.
    #[must_use]
    pub const fn new(key: Vkey, kept: KeptHead) -> Self {
        Self { key, kept }
    }
}

impl Kind for Verification {
    fn name(&self) -> &'static str {
        VERIFICATION
    }

    fn run(&self, store: &Store, work: &mut Work<'_>) -> store::Result<Found> {
        let kept = (self.kept)().map_err(Error::Log)?;
        let since: Vec<&str> = kept.iter().map(String::as_str).collect();
        let mut step = |done, total| work.reached(done, total);
        let mut report = log::verify_at_pace(store, &self.key, None, &since, &mut Pace::told(&mut step))?;
        if let Some(found) = &mut report.first_break {
            found.what = found.what.chars().take(MOST_WORDS).collect();
        }
        let result = serde_json::to_value(&report).map_err(|_shape| Error::corrupt("a report"))?;
        Ok(Found { code: if report.ok { WHOLE } else { BROKEN }, result })
    }

    fn ended(&self, tx: &mut Tx<'_>, found: &Found) -> store::Result<()> {
        if found.code != BROKEN {
            return Ok(());
        }
        tracing::error!("the audit log does not hold: a verification found a break; /audit says where");
        let now = tx.now();
        let notice = Notice {
            key: format!("log_broken:{}", now.micros()),
            class: Class::Clinical,
            template: "log_broken",
            variables: serde_json::json!({ "link": "/audit", "since": now, "repetition": 1 }),
            about: About::house(Topic::Audit, VERIFICATION),
            lasts: WORD_LASTS,
            not_by: &[],
        };
        send(tx, &[Role::Admin, Role::Dpo], &notice).map(drop)
    }
}
