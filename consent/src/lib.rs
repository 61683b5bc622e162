//! What a patient allows, and the one function that decides whether a thing may be done with their data.
//!
//! Pure: no clock, no disk, no network, no randomness. The law is LGPD (Lei 13.709/2018); every purpose, basis
//! and refusal names its article. Nothing here holds a name, a contact or a measured value.
//!
//! ```
//! use consent::{Act, Bases, Context, Datum, Event, Grant, Ledger, Purpose, Request, Subject, TelemetryCollect, decide};
//!
//! let mut ledger = Ledger::default();
//! ledger.apply(&Event::new(Purpose::TelemetryCollect, 1_000, Act::Granted(Grant::of([7; 32]))))?;
//!
//! let context = Context { data: &[Datum::Reading], ..Context::system(2_000) };
//! let request = Request { bases: &Bases::default(), records: &ledger, subject: &Subject::default(), context: &context };
//! let permit = decide::<TelemetryCollect>(&request)?;
//! assert_eq!(permit.epoch(), 1);
//! assert!(permit.covers(1_500).is_ok());
//! assert_eq!(permit.covers(999).unwrap_err().to_string(), "E_BEFORE_GRANT LGPD art. 8");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[macro_use]
mod registry;

mod basis;
mod context;
mod datum;
mod decide;
mod denied;
mod digest;
mod event;
mod ledger;
mod obligation;
mod permit;
mod purpose;
mod record;
mod scope;
mod seeds;
mod subject;
mod table;
mod term;

pub use basis::{Bases, Basis, BasisRefused};
pub use context::{CarePlan, Context, Emergency, Mechanism, Reach, Recipient, RecipientClass, Rights};
pub use datum::Datum;
pub use decide::{Records, Request, decide, judge, judge_named};
pub use denied::{Cause, Code, Denied};
pub use digest::{policy_digest, policy_json};
pub use event::{Act, Action, Event, Giver, Grant};
pub use ledger::{Applied, Ledger, Rejected, apply};
pub use obligation::{Obligation, Obligations};
pub use permit::{
    AccountSecure, AlertEscalate, AlertEvaluate, AnalyticsAnonymous, AnalyticsIdentified, AuditLog,
    CareRemind, EngageMessage, NoticeLegal, Permit, Reaches, RecordRetain, ResearchIdentified, ShareEhr,
    SharePortability, TelemetryCollect, Typed, Verdict,
};
pub use purpose::Purpose;
pub use record::{Record, State};
pub use scope::{Allowed, Channel, Country, Id, Scope};
pub use seeds::Controller;
pub use subject::{AgeBand, Guardian, Subject};
pub use term::{Change, Element, Lang, Term, TermFault, Version};

/// An instant: microseconds since the Unix epoch, UTC.
pub type Micros = i64;

/// The largest epoch: 2^53 - 1, so that every JSON reader keeps it whole.
pub const EPOCH_MAX: i64 = 9_007_199_254_740_991;
